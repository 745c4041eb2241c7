internal import Glibc
internal import LinuxSystem
internal import Supervision

/// Opens the database: makes it when there is none, looks whether it is sound, and sets it aside when it is not.
struct HistoryFile {
    /// Bytes of the log that stay when it was copied into the database.
    static let logSizeLimit: Int64 = 4 << 20

    let options: HistoryOptions

    struct Opened {
        var store: HistoryStore
        var setAside: SetAside?
    }

    /// Opens it for reading and writing, or throws what the world has against that.
    func open(at now: Timestamp) throws(SQLiteError) -> Opened {
        do throws(Refusal) {
            return Opened(store: try self.openOnce(at: now), setAside: nil)
        } catch {
            switch error {
            case .environment(let error): throw error
            case .unusable(let reason): return try self.beginAnew(because: reason, at: now)
            }
        }
    }

    /// Sets the present file aside and opens a new one. Nobody has it open.
    func beginAnew(because reason: String, at now: Timestamp) throws(SQLiteError) -> Opened {
        let setAside: SetAside
        do throws(Errno) {
            setAside = try SetAside.move(self.options.databasePath, because: reason, at: now)
        } catch {
            throw SQLiteError(
                extendedCode: SQLiteError.cannotOpen,
                message: "the history cannot be used, because \(reason), and cannot be set aside either: \(error)"
            )
        }
        do throws(Refusal) {
            return Opened(store: try self.openOnce(at: now), setAside: setAside)
        } catch {
            switch error {
            case .environment(let error): throw error
            // A new file that is damaged at once: the disk loses what it is given.
            case .unusable(let reason):
                throw SQLiteError(extendedCode: SQLiteError.cannotOpen, message: "cannot begin a history: \(reason)")
            }
        }
    }

    /// Opens it for reading alone, where nothing can be written.
    func openReadOnly() throws(SQLiteError) -> HistoryStore {
        let connection: Connection
        do throws(SQLiteError) {
            connection = try self.readOnlyConnection(.readOnly)
        } catch {
            // Neither the log nor its index can be made. There is none when the history was closed in order.
            guard access(self.options.databasePath + "-wal", F_OK) != 0 else { throw error }
            connection = try self.readOnlyConnection(.immutable)
        }
        if let foreign = try Schema.check(connection) {
            throw SQLiteError(extendedCode: SQLiteError.cannotOpen, message: "it cannot be read: \(foreign.reason)")
        }
        return try HistoryStore(connection)
    }

    /// What can still be read of a file that was set aside: what is wanted of the workers and their instances. Nobody else
    /// remembers it.
    func salvage(_ setAside: SetAside) -> (instances: [InstanceMemory], workers: [WorkerMemory]) {
        // Each for itself: one of the tables may be readable, or there, and the other not.
        let instances = try? self.rows(setAside) { (connection) throws(SQLiteError) in
            try HistoryStore.instanceMemories(connection)
        }
        let workers = try? self.rows(setAside) { (connection) throws(SQLiteError) in
            try HistoryStore.workerMemories(connection)
        }
        return (instances ?? [], workers ?? [])
    }

    private func rows<Memory>(
        _ setAside: SetAside,
        _ body: (Connection) throws(SQLiteError) -> [Memory]
    ) throws(SQLiteError) -> [Memory] {
        let connection = try Connection(
            path: setAside.path,
            access: .readOnly,
            busyTimeout: self.options.busyTimeout
        )
        return try connection.withTimeLimit(.seconds(1)) { () throws(SQLiteError) in
            try body(connection)
        }
    }

    private func readOnlyConnection(_ access: Connection.Access) throws(SQLiteError) -> Connection {
        let connection = try Connection(
            path: self.options.databasePath,
            access: access,
            busyTimeout: self.options.busyTimeout
        )
        // Opening reads nothing yet.
        _ = try Schema.isEmpty(connection)
        return connection
    }

    private enum Refusal: Error {
        case environment(SQLiteError)
        /// A clause with the reason.
        case unusable(String)

        init(_ error: SQLiteError) {
            switch error.kind {
            case .damage: self = .unusable("it is damaged: \(error)")
            case .environment: self = .environment(error)
            }
        }
    }

    private func openOnce(at now: Timestamp) throws(Refusal) -> HistoryStore {
        if let reason = self.reasonNotToOpen() {
            throw .unusable(reason)
        }
        let foreign: Schema.Foreign
        do throws(SQLiteError) {
            let connection = try Connection(
                path: self.options.databasePath,
                access: .readWrite,
                busyTimeout: self.options.busyTimeout
            )
            guard let found = try Schema.check(connection) else {
                try self.prepare(connection, at: now)
                return try HistoryStore(connection)
            }
            foreign = found
        } catch {
            throw Refusal(error)
        }
        throw .unusable(foreign.reason)
    }

    /// What can be told without SQLite, or would be spoiled by it: it deletes the log of an empty file.
    private func reasonNotToOpen() -> String? {
        let path = self.options.databasePath
        var info = stat()
        let exists = stat(path, &info) == 0
        if exists, info.st_mode & S_IFMT != S_IFREG {
            return "it is no regular file"
        }
        if !exists || info.st_size == 0 {
            var log = stat()
            let hasLog = stat(path + "-wal", &log) == 0 && log.st_size > 0
            // Made here, so that nobody else may read it whatever the umask is; its log gets the same mode.
            let number = hasLog ? -1 : Glibc.open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
            if number >= 0 {
                close(number)
            }
            return hasLog ? "it is empty, but its log is not" : nil
        }
        guard let file = try? Descriptor.open(path, O_RDONLY | O_NONBLOCK) else { return nil }
        let number = file.rawValue
        var head = [UInt8](repeating: 0, count: 20)
        let count = read(number, &head, head.count)
        file.close()
        guard count >= 0 else { return nil }
        guard head.starts(with: "SQLite format 3\0".utf8) else { return "it is no database" }
        // For writers and readers, https://sqlite.org/fileformat.html: of a later one SQLite says only that it may not be written.
        let formats = head[18...19]
        guard formats.allSatisfy({ (1...2).contains($0) }) else {
            return "it is damaged: its header names the formats \(formats[18]) and \(formats[19]), which are none"
        }
        return nil
    }

    private func prepare(_ connection: Connection, at now: Timestamp) throws(SQLiteError) {
        if connection.isReadOnly {
            throw SQLiteError(extendedCode: SQLiteError.readOnly, message: "cannot write \(self.options.databasePath)")
        }
        if try Schema.isEmpty(connection) {
            // Has to be said before anything is in the file. Only with it can pages be given back in small steps.
            try connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        }
        let mode = try connection.row("PRAGMA journal_mode = WAL") { $0.text() }
        guard mode == "wal" else {
            throw SQLiteError(extendedCode: SQLiteError.cannotOpen, message: "cannot keep a log beside the file")
        }
        // NORMAL: a commit is in the log, in the kernel's hands, when it returns, and so outlives the death of the agent at
        // any instant. The disk is made to have it at each checkpoint only; see docs/history.md on what that means.
        try connection.execute("PRAGMA synchronous = NORMAL")
        try connection.execute("PRAGMA foreign_keys = ON")
        try connection.execute("PRAGMA trusted_schema = OFF")
        try connection.execute("PRAGMA cell_size_check = ON")
        try connection.execute("PRAGMA secure_delete = FAST")
        try connection.execute("PRAGMA temp_store = MEMORY")
        // A mapped file would turn an I/O error into SIGBUS.
        try connection.execute("PRAGMA mmap_size = 0")
        // 2 MiB at most.
        try connection.execute("PRAGMA cache_size = -2048")
        try connection.execute("PRAGMA journal_size_limit = \(Self.logSizeLimit)")
        connection.takeOverCheckpoints()
        try self.validate(connection)
        try Schema.migrate(connection, at: now)
        try connection.transaction { () throws(SQLiteError) in
            for (key, value) in [
                ("boot_id", self.options.bootID), ("generation", "\(self.options.generation)"),
                ("opened_at", TimestampText.format(now)),
            ] {
                try connection.run("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)") {
                    $0.bind(key)
                    $0.bind(value)
                }
            }
        }
    }

    /// Checks the whole file, as far as the time allows.
    private func validate(_ connection: Connection) throws(SQLiteError) {
        guard self.options.validationLimit > .zero else { return }
        do throws(SQLiteError) {
            try Self.check(connection, within: self.options.validationLimit)
        } catch {
            guard error.code == SQLiteError.interrupted else { throw error }
        }
    }

    /// Checks the whole file; CORRUPT when something is wrong with it, INTERRUPT when that takes longer.
    static func check(_ connection: Connection, within limit: Duration) throws(SQLiteError) {
        let finding = try connection.withTimeLimit(limit) { () throws(SQLiteError) in
            try connection.row("PRAGMA quick_check(1)") { $0.text() }
        }
        if let finding, finding != "ok" {
            throw SQLiteError(extendedCode: SQLiteError.corrupt, message: finding)
        }
    }

    /// Whether the disk has room for more than any transaction takes.
    var hasRoom: Bool {
        var disk = statvfs()
        guard statvfs(self.options.directory, &disk) == 0 else { return false }
        return UInt64(disk.f_bavail) > (16 << 20) / UInt64(max(1, disk.f_frsize))
    }
}
