internal import Supervision

/// The open database: what is written and read, each by its own statements. It belongs to one thread, and every call may
/// wait for the disk.
final class HistoryStore {
    let connection: Connection
    /// Kept up to date, because counting reads a whole index.
    var exitCount = 0
    var exitCounts: [String: Int] = [:]
    var transitionCount = 0
    /// Once it was looked up, until exits are deleted.
    var knownOldestExit: Int64?
    /// Workers whose exits became more since the last look at their number.
    var grownWorkers: Set<String> = []
    /// The operations that have not ended, as they were written last: only what changed of them is written again.
    var writtenOperations: [OperationID: Operation] = [:]

    init(_ connection: Connection) throws(SQLiteError) {
        self.connection = connection
        try self.count()
    }

    /// Counts the rows anew.
    func count() throws(SQLiteError) {
        let counts = try self.connection.rows("SELECT worker, count(*) FROM exits GROUP BY worker") { row in
            row.text().map { (worker: $0, count: row.int() ?? 0) }
        }
        self.exitCounts = Dictionary(counts.map { ($0.worker, $0.count) }) { $0 + $1 }
        self.knownOldestExit = nil
        self.exitCount = counts.reduce(0) { $0 + $1.count }
        self.grownWorkers = Set(self.exitCounts.keys)
        self.transitionCount = try self.connection.row("SELECT count(*) FROM transitions") { $0.int() } ?? 0
    }

    // MARK: Numbers

    /// Numbers from here on were never given, and leave no room for more: only a damaged file has them.
    private static let impossible = Int64.max / 2

    /// The highest numbers that were ever in this file, also those that retention has deleted.
    func knownNumbers() throws(SQLiteError) -> Numbering.Known {
        let known = Numbering.Known(
            lastExit: try self.highest(inTable: "exits", "seq"),
            lastTransition: try self.highest(inTable: "transitions", "id")
        )
        // Those of operations are given by SQLite, and seen by nobody.
        let any = try self.connection.row("SELECT max(seq) FROM sqlite_sequence") { $0.int64() } ?? 0
        let highest = max(known.lastExit, known.lastTransition, any)
        guard highest < Self.impossible else {
            throw SQLiteError(
                extendedCode: SQLiteError.corrupt,
                message: "it has the number \(highest), which nobody gave"
            )
        }
        return known
    }

    private func highest(inTable table: String, _ column: String) throws(SQLiteError) -> Int64 {
        let ever = try self.connection.row("SELECT seq FROM sqlite_sequence WHERE name = ?") {
            $0.bind(table)
        } read: {
            $0.int64()
        }
        let present = try self.connection.row("SELECT max(\(column)) FROM \(table)") { $0.int64() }
        return max(ever ?? 0, present ?? 0)
    }

    /// Tells a new file which numbers were given before it.
    func seed(_ known: Numbering.Known) throws(SQLiteError) {
        try self.connection.transaction { () throws(SQLiteError) in
            for (table, number) in [("exits", known.lastExit), ("transitions", known.lastTransition)] where number > 0 {
                try self.connection.run("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)") {
                    $0.bind(table)
                    $0.bind(number)
                }
            }
        }
    }

    /// The number of a run's exit, if it is recorded.
    func seq(ofRun run: RunID) throws(SQLiteError) -> Int64? {
        try self.connection.row("SELECT seq FROM exits WHERE run_id = ?") {
            $0.bind(run)
        } read: {
            $0.int64()
        }
    }

    func meta(_ key: String) throws(SQLiteError) -> String? {
        try self.connection.row("SELECT value FROM meta WHERE key = ?") {
            $0.bind(key)
        } read: {
            $0.text()
        }
    }

    // MARK: What the agent goes on with

    func instanceMemories() throws(SQLiteError) -> [InstanceMemory] {
        try Self.instanceMemories(self.connection)
    }

    static func instanceMemories(_ connection: Connection) throws(SQLiteError) -> [InstanceMemory] {
        try connection.rows("SELECT \(InstanceMemory.columns) FROM worker_state ORDER BY worker, instance") {
            InstanceMemory($0)
        }
    }

    func workerMemories() throws(SQLiteError) -> [WorkerMemory] {
        try Self.workerMemories(self.connection)
    }

    static func workerMemories(_ connection: Connection) throws(SQLiteError) -> [WorkerMemory] {
        try connection.rows("SELECT \(WorkerMemory.columns) FROM worker_scale ORDER BY worker") { WorkerMemory($0) }
    }
}
