/// What a history needs to know at its start.
public struct HistoryOptions: Sendable {
    /// Where `history.db` and `history.seq` are; it exists.
    public var directory: String
    public var retention: HistoryRetention
    /// The kernel's, from /proc/sys/kernel/random/boot_id.
    public var bootID: String
    /// Which start of the agent this is.
    public var generation: Int64
    /// How long the check of the whole file may take at the start. What it does not get to is checked when it is used.
    public var validationLimit = Duration.milliseconds(500)
    /// How long another program's lock on the database is waited for.
    public var busyTimeout = Duration.seconds(2)

    public init(directory: String, retention: HistoryRetention, bootID: String, generation: Int64) {
        self.directory = directory
        self.retention = retention
        self.bootID = bootID
        self.generation = generation
    }

    var databasePath: String { "\(self.directory)/history.db" }
    var sequencePath: String { "\(self.directory)/history.seq" }
}

/// How much is kept: the section `[history]` of the configuration.
public struct HistoryRetention: Equatable, Sendable {
    /// Of exits, transitions and operations.
    public var age: Duration
    /// Exits in all.
    public var exits: Int
    public var exitsPerWorker: Int
    /// Bytes of the database and its log together.
    public var size: Int64

    public init(
        age: Duration = .seconds(90 * 86400),
        exits: Int = 100_000,
        exitsPerWorker: Int = 10_000,
        size: Int64 = 256 << 20
    ) {
        self.age = age
        self.exits = exits
        self.exitsPerWorker = exitsPerWorker
        self.size = size
    }

    /// A run makes about four transitions: told to start, up, its exit, what follows.
    var transitions: Int { max(1000, 4 * self.exits) }
    var operations: Int { 10_000 }
}
