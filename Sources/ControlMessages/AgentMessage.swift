/// GET /v1/agent: who supervises here, and with what.
public struct AgentMessage: Codable, Equatable, Sendable {
    public var version: String
    public var pid: Int32
    /// `null` when nobody guards the agent.
    public var keeperPID: Int32?
    /// Counts the starts of the agent on its state directory.
    public var generation: Int64
    public var startedAt: String
    /// The kernel's, from /proc/sys/kernel/random/boot_id.
    public var bootID: String
    /// The main file first, then the included ones in their order.
    public var configFiles: [String]
    public var stateDir: String
    public var socket: String
    public var listeners: [ListenerMessage]
    /// How many are defined.
    public var workers: Int
    /// How many slots they have together.
    public var instances: Int
    /// What was found to work on this system, such as `"pidfd": "yes"`; the values are for people.
    public var capabilities: NamedValues<String>
    /// The named limits that are in force.
    public var limits: NamedValues<Int64>
    /// A sentence for each part that does not work as it should; empty when all is well.
    public var degraded: [String]

    public enum CodingKeys: String, CodingKey {
        case version, pid
        case keeperPID = "keeper_pid"
        case generation
        case startedAt = "started_at"
        case bootID = "boot_id"
        case configFiles = "config_files"
        case stateDir = "state_dir"
        case socket, listeners, workers, instances, capabilities, limits, degraded
    }

    public init(
        version: String,
        pid: Int32,
        keeperPID: Int32?,
        generation: Int64,
        startedAt: String,
        bootID: String,
        configFiles: [String],
        stateDir: String,
        socket: String,
        listeners: [ListenerMessage],
        workers: Int,
        instances: Int,
        capabilities: NamedValues<String>,
        limits: NamedValues<Int64>,
        degraded: [String]
    ) {
        self.version = version
        self.pid = pid
        self.keeperPID = keeperPID
        self.generation = generation
        self.startedAt = startedAt
        self.bootID = bootID
        self.configFiles = configFiles
        self.stateDir = stateDir
        self.socket = socket
        self.listeners = listeners
        self.workers = workers
        self.instances = instances
        self.capabilities = capabilities
        self.limits = limits
        self.degraded = degraded
    }
}

/// An address over TCP.
public struct ListenerMessage: Codable, Equatable, Sendable {
    /// Such as `127.0.0.1:9190`, with the port that was really taken.
    public var address: String
    /// What a client without a token may do: `none`, `monitor` or `read`.
    public var anonymous: String
    /// What anyone may do; `null` when nothing is set.
    public var maxRole: String?

    public enum CodingKeys: String, CodingKey {
        case address, anonymous
        case maxRole = "max_role"
    }

    public init(address: String, anonymous: String, maxRole: String?) {
        self.address = address
        self.anonymous = anonymous
        self.maxRole = maxRole
    }
}
