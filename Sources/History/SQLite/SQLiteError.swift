internal import CSQLite

/// Why SQLite did not do something.
public struct SQLiteError: Error, Equatable, Sendable {
    /// The primary result code, such as SQLITE_FULL (13).
    public var code: Int32
    /// The extended result code, such as SQLITE_IOERR_WRITE (778).
    public var extendedCode: Int32
    /// SQLite's words, with what was being done: "cannot begin a transaction: database or disk is full".
    public var message: String

    init(extendedCode: Int32, message: String) {
        self.code = extendedCode & 0xff
        self.extendedCode = extendedCode
        self.message = message
    }

    /// What the history does about it.
    enum Kind: Equatable {
        /// The file is not what it should be: it is set aside, and another one begun.
        case damage
        /// The world around the file: tried again later, and nothing is lost meanwhile.
        case environment
    }

    var kind: Kind {
        switch self.code {
        // FULL, IOERR, READONLY and what else the disk, the file system or another program's lock can bring about.
        case SQLITE_FULL, SQLITE_READONLY, SQLITE_CANTOPEN, SQLITE_BUSY, SQLITE_LOCKED, SQLITE_NOMEM, SQLITE_PERM,
            SQLITE_AUTH, SQLITE_NOLFS, SQLITE_INTERRUPT, SQLITE_PROTOCOL:
            .environment
        case SQLITE_IOERR: self.extendedCode == Self.damagedFileSystem ? .damage : .environment
        // CORRUPT, NOTADB, and what follows from a damaged schema or index: ERROR for a table or column that is not
        // there, CONSTRAINT, MISMATCH. The statements are the program's own and right for a file that is sound.
        default: .damage
        }
    }

    /// Whether the same connection may succeed later: there is room again, or another program's lock is gone.
    var isTemporary: Bool {
        switch self.code {
        case SQLITE_FULL, SQLITE_BUSY, SQLITE_LOCKED, SQLITE_NOMEM: true
        default: false
        }
    }

    static let corrupt = SQLITE_CORRUPT
    static let full = SQLITE_FULL
    static let cannotOpen = SQLITE_CANTOPEN
    static let readOnly = SQLITE_READONLY
    static let interrupted = SQLITE_INTERRUPT
    static let constraint = SQLITE_CONSTRAINT

    /// SQLITE_IOERR_CORRUPTFS, an expression that Swift does not import.
    private static let damagedFileSystem = SQLITE_IOERR | 33 << 8
}

extension SQLiteError: CustomStringConvertible {
    public var description: String {
        self.message
    }
}
