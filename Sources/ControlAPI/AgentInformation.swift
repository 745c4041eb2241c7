public import ControlMessages
public import Supervision

/// What GET /v1/agent tells and the room cannot know by itself.
public struct AgentInformation: Sendable {
    public var version: String
    public var pid: Int32
    /// `nil` when nobody guards the agent.
    public var keeperPID: Int32?
    /// Counts the starts of the agent on its state directory; the upper half of every revision.
    public var generation: Int64
    public var startedAt: Timestamp
    /// The kernel's, from /proc/sys/kernel/random/boot_id.
    public var bootID: String
    /// The main file first, then the included ones in their order.
    public var configFiles: [String]
    public var stateDirectory: String
    /// What was found to work on this system.
    public var capabilities: NamedValues<String>
    /// The limits of the other parts; the room adds its own.
    public var limits: NamedValues<Int64>
    /// A sentence for each part that does not work as it should.
    public var degraded: [String]
    /// The same of what comes and goes; asked with each answer.
    public var troubles: @Sendable () -> [String]

    public init(
        version: String,
        pid: Int32,
        keeperPID: Int32? = nil,
        generation: Int64,
        startedAt: Timestamp,
        bootID: String,
        configFiles: [String],
        stateDirectory: String,
        capabilities: NamedValues<String> = [:],
        limits: NamedValues<Int64> = [:],
        degraded: [String] = [],
        troubles: @escaping @Sendable () -> [String] = { [] }
    ) {
        self.version = version
        self.pid = pid
        self.keeperPID = keeperPID
        self.generation = generation
        self.startedAt = startedAt
        self.bootID = bootID
        self.configFiles = configFiles
        self.stateDirectory = stateDirectory
        self.capabilities = capabilities
        self.limits = limits
        self.degraded = degraded
        self.troubles = troubles
    }
}
