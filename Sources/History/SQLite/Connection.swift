internal import CSQLite

/// A connection to a database file. It belongs to one thread at a time.
final class Connection {
    enum Access {
        case readWrite
        case readOnly
        /// For a file in a directory where nothing can be written: no lock is taken, a log beside it not read.
        case immutable
    }

    /// Prepared statements that are kept; beyond, all are prepared anew.
    private static let maximumStatements = 96

    private let handle: OpaquePointer
    private var statements: [String: Statement] = [:]
    /// Pages that the log held after the last commit; written by SQLite's hook.
    private let logPages: UnsafeMutablePointer<Int32>

    init(path: String, access: Access, busyTimeout: Duration) throws(SQLiteError) {
        var handle: OpaquePointer?
        let flags: Int32
        switch access {
        case .readWrite: flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
        case .readOnly: flags = SQLITE_OPEN_READONLY
        case .immutable: flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI
        }
        let name = access == .immutable ? "file:\(Self.escapedForURI(path))?immutable=1" : path
        // No mutex: one thread at a time is what the owner promises.
        let result = sqlite3_open_v2(name, &handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
        guard result == SQLITE_OK, let handle else {
            let error = SQLiteError.of(handle, result, "cannot open \(path)")
            sqlite3_close_v2(handle)
            throw error
        }
        self.handle = handle
        self.logPages = .allocate(capacity: 1)
        self.logPages.initialize(to: 0)
        sqlite3_busy_timeout(handle, Int32(clamping: busyTimeout.components.seconds * 1000))
        _ = cs_set_defensive(handle)
    }

    deinit {
        self.statements.removeAll()
        sqlite3_close_v2(self.handle)
        self.logPages.deallocate()
    }

    private static func escapedForURI(_ path: String) -> String {
        path.map { $0 == "?" || $0 == "#" || $0 == "%" ? "%" + String($0.asciiValue ?? 0, radix: 16) : String($0) }
            .joined()
    }

    // MARK: Statements

    /// The statement for `sql`, from the last time or prepared now.
    func statement(_ sql: String) throws(SQLiteError) -> Statement {
        if let known = self.statements[sql] {
            return known
        }
        var handle: OpaquePointer?
        let result = sqlite3_prepare_v3(self.handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &handle, nil)
        guard result == SQLITE_OK, let handle else {
            throw .of(self.handle, result, "cannot prepare \"\(sql.prefix { !$0.isNewline }.prefix(60))\"")
        }
        if self.statements.count >= Self.maximumStatements {
            // One that is being stepped through lives on until its user lets go of it.
            self.statements.removeAll()
        }
        let statement = Statement(owning: handle, of: self.handle)
        self.statements[sql] = statement
        return statement
    }

    /// Runs a statement to its end; answers the rows that it changed.
    @discardableResult
    func run(_ sql: String, _ bind: (Statement) -> Void = { _ in }) throws(SQLiteError) -> Int {
        let statement = try self.statement(sql)
        defer { statement.reset() }
        bind(statement)
        while try statement.step() {}
        return Int(sqlite3_changes(self.handle))
    }

    /// All rows of a query, each as `read` makes it of its columns; rows of which it makes nothing are left out.
    func rows<Row>(
        _ sql: String,
        _ bind: (Statement) -> Void = { _ in },
        read: (Statement) -> Row?
    ) throws(SQLiteError) -> [Row] {
        let statement = try self.statement(sql)
        defer { statement.reset() }
        bind(statement)
        var rows: [Row] = []
        while try statement.step() {
            if let row = read(statement) {
                rows.append(row)
            }
        }
        return rows
    }

    /// The first row of a query.
    func row<Row>(
        _ sql: String,
        _ bind: (Statement) -> Void = { _ in },
        read: (Statement) -> Row?
    ) throws(SQLiteError) -> Row? {
        let statement = try self.statement(sql)
        defer { statement.reset() }
        bind(statement)
        return try statement.step() ? read(statement) : nil
    }

    /// Runs statements that have no parameters and are not needed again.
    func execute(_ sql: String) throws(SQLiteError) {
        let result = sqlite3_exec(self.handle, sql, nil, nil, nil)
        guard result == SQLITE_OK else {
            throw .of(self.handle, result, "cannot execute \"\(sql.prefix { !$0.isNewline }.prefix(60))\"")
        }
    }

    /// Runs `body` in a transaction of its own: all of it is there afterwards, or nothing.
    func transaction<Result>(_ body: () throws(SQLiteError) -> Result) throws(SQLiteError) -> Result {
        try self.run("BEGIN IMMEDIATE")
        do throws(SQLiteError) {
            let result = try body()
            try self.run("COMMIT")
            return result
        } catch {
            // SQLite has rolled back by itself after some errors; then there is nothing left to do.
            if sqlite3_get_autocommit(self.handle) == 0 {
                _ = try? self.run("ROLLBACK")
            }
            throw error
        }
    }

    // MARK: The file

    var isReadOnly: Bool {
        sqlite3_db_readonly(self.handle, "main") == 1
    }

    /// Whether the file was moved or removed under the connection, so that what is written would be seen by nobody.
    var fileHasMoved: Bool {
        var moved: Int32 = 0
        let result = sqlite3_file_control(self.handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved)
        return result == SQLITE_OK && moved != 0
    }

    /// From now on the log is only copied into the file by `checkpoint`, not in the middle of a commit.
    func takeOverCheckpoints() {
        sqlite3_wal_autocheckpoint(self.handle, 0)
        sqlite3_wal_hook(
            self.handle,
            { context, _, _, pages in
                context?.assumingMemoryBound(to: Int32.self).pointee = pages
                return SQLITE_OK
            },
            self.logPages
        )
    }

    /// Pages in the log after the last commit, copied already or not.
    var pagesInLog: Int {
        Int(self.logPages.pointee)
    }

    /// Copies the log into the file, as far as no reader needs the old pages. The corresponding C function is
    /// `sqlite3_wal_checkpoint_v2` with `SQLITE_CHECKPOINT_PASSIVE`.
    func checkpoint() throws(SQLiteError) {
        self.logPages.pointee = 0
        let result = sqlite3_wal_checkpoint_v2(self.handle, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil)
        guard result == SQLITE_OK || result & 0xff == SQLITE_BUSY else {
            throw .of(self.handle, result, "cannot copy the log into the file")
        }
    }

    /// Runs `body`, and breaks off a statement of it that still runs when `limit` has passed; it fails with
    /// SQLITE_INTERRUPT then.
    func withTimeLimit<Result>(
        _ limit: Duration,
        _ body: () throws(SQLiteError) -> Result
    ) throws(SQLiteError) -> Result {
        let deadline = UnsafeMutablePointer<SuspendingClock.Instant>.allocate(capacity: 1)
        deadline.initialize(to: SuspendingClock.now.advanced(by: limit))
        defer {
            sqlite3_progress_handler(self.handle, 0, nil, nil)
            deadline.deallocate()
        }
        sqlite3_progress_handler(
            self.handle,
            10_000,
            { context in
                guard let deadline = context?.assumingMemoryBound(to: SuspendingClock.Instant.self) else { return 0 }
                return SuspendingClock.now >= deadline.pointee ? 1 : 0
            },
            deadline
        )
        return try body()
    }
}
