public import Supervision

/// All that a configuration says, checked and with its defaults.
public struct Settings: Equatable, Sendable {
    public var agent: AgentSettings
    public var control: ControlSettings
    public var history: HistorySettings
    /// In the order of the files, and in each file in the order of its lines.
    public var workers: [WorkerSpecification]
    /// Absolute paths of what was read: the main file, then the included ones.
    public var files: [String]

    public init(
        agent: AgentSettings,
        control: ControlSettings,
        history: HistorySettings = HistorySettings(),
        workers: [WorkerSpecification],
        files: [String]
    ) {
        self.agent = agent
        self.control = control
        self.history = history
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
    public var onKeeperDeath: KeeperDeathPolicy

    public init(stateDirectory: String, logDirectory: String, onKeeperDeath: KeeperDeathPolicy = .keep) {
        self.stateDirectory = stateDirectory
        self.logDirectory = logDirectory
        self.onKeeperDeath = onKeeperDeath
    }
}

/// What becomes of the workers when the keeper is lost.
public enum KeeperDeathPolicy: String, Sendable, CaseIterable {
    /// They go on, and the next keeper takes them over.
    case keep
    /// They are killed.
    case kill
}

/// `[history]`: how much of the past is kept.
public struct HistorySettings: Equatable, Sendable {
    /// Of exits, transitions and operations.
    public var age = Duration.seconds(90 * 86400)
    /// Exits in all.
    public var records = 100_000
    public var recordsPerWorker = 10_000
    /// Bytes of the database and its log together.
    public var size: Int64 = 256 << 20

    public init() {}
}
