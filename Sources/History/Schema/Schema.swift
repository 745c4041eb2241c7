internal import Supervision

/// Makes a database file the history's, and tells whether one is.
enum Schema {
    /// Why a file cannot be used, though SQLite can read it.
    enum Foreign: Error, Equatable {
        /// It is another program's.
        case otherApplication
        /// It has a migration that this program does not know.
        case newer(migration: String)

        /// A clause for people.
        var reason: String {
            switch self {
            case .otherApplication: "it is another program's database"
            case .newer(let migration): "a newer version of reeve wrote it (its schema has \"\(migration)\")"
            }
        }
    }

    /// "reev", in the file's header (PRAGMA application_id).
    private static let applicationID: Int64 = 0x7265_6576

    /// Whether the file holds nothing yet.
    static func isEmpty(_ connection: Connection) throws(SQLiteError) -> Bool {
        try connection.row("SELECT count(*) FROM sqlite_schema") { $0.int64() } == 0
    }

    /// Looks whether the file is ours and not newer than this program; an empty one is.
    static func check(_ connection: Connection) throws(SQLiteError) -> Foreign? {
        let isEmpty = try self.isEmpty(connection)
        let application = try connection.row("PRAGMA application_id") { $0.int64() }
        guard application == self.applicationID || (isEmpty && application == 0) else { return .otherApplication }
        guard !isEmpty else { return nil }
        let known = Set(Migration.all.map(\.name))
        let unknown = try self.applied(connection).first { !known.contains($0) }
        return unknown.map { .newer(migration: $0) }
    }

    private static func applied(_ connection: Connection) throws(SQLiteError) -> [String] {
        try connection.rows("SELECT name FROM migrations ORDER BY applied_at, name") { $0.text() }
    }

    /// Applies the migrations that the file does not have yet, all in one transaction.
    static func migrate(_ connection: Connection, at now: Timestamp) throws(SQLiteError) {
        let isEmpty = try self.isEmpty(connection)
        let applied = isEmpty ? [] : Set(try self.applied(connection))
        let missing = Migration.all.filter { !applied.contains($0.name) }
        guard !missing.isEmpty else { return }
        try connection.transaction { () throws(SQLiteError) in
            if isEmpty {
                try connection.execute("PRAGMA application_id = \(self.applicationID)")
                try connection.execute(
                    "CREATE TABLE migrations (name TEXT PRIMARY KEY NOT NULL, applied_at TEXT NOT NULL) STRICT, WITHOUT ROWID"
                )
            }
            for migration in missing {
                try connection.execute(migration.sql)
                try connection.run("INSERT INTO migrations (name, applied_at) VALUES (?, ?)") {
                    $0.bind(migration.name)
                    $0.bind(now)
                }
            }
        }
    }
}
