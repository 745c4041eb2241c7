public import Supervision

/// All that a configuration says, checked and with its defaults.
public struct Settings: Equatable, Sendable {
    public var agent: AgentSettings
    public var control: ControlSettings
    /// In the order of the files, and in each file in the order of its lines.
    public var workers: [WorkerSpecification]
    /// Absolute paths of what was read: the main file, then the included ones.
    public var files: [String]

    public init(
        agent: AgentSettings,
        control: ControlSettings,
        workers: [WorkerSpecification],
        files: [String]
    ) {
        self.agent = agent
        self.control = control
        self.workers = workers
        self.files = files
    }
}

/// `[agent]`: where the agent keeps its things.
public struct AgentSettings: Equatable, Sendable {
    /// An absolute path.
    public var stateDirectory: String
    /// An absolute path.
    public var logDirectory: String

    public init(stateDirectory: String, logDirectory: String) {
        self.stateDirectory = stateDirectory
        self.logDirectory = logDirectory
    }
}
