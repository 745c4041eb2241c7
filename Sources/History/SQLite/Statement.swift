internal import CSQLite

/// A prepared statement, kept by its connection for the next time. Parameters count from 1, columns from 0.
final class Statement {
    private let handle: OpaquePointer
    private let connection: OpaquePointer
    /// The first parameter that could not be bound; told by the `step` that follows.
    private var bindingFailure: Int32 = SQLITE_OK
    private var nextParameter: Int32 = 1
    private var nextColumn: Int32 = 0

    /// Takes over `handle`.
    init(owning handle: OpaquePointer, of connection: OpaquePointer) {
        self.handle = handle
        self.connection = connection
    }

    deinit {
        sqlite3_finalize(self.handle)
    }

    // MARK: Parameters, in their order

    func bind(_ value: Int64?) {
        guard let value else { return self.bindNull() }
        self.bound(sqlite3_bind_int64(self.handle, self.takeParameter(), value))
    }

    func bind(_ value: Int?) {
        self.bind(value.map { Int64($0) })
    }

    func bind(_ value: Int32?) {
        self.bind(value.map { Int64($0) })
    }

    func bind(_ value: Bool) {
        self.bind(Int64(value ? 1 : 0))
    }

    func bind(_ value: Double?) {
        guard let value else { return self.bindNull() }
        self.bound(sqlite3_bind_double(self.handle, self.takeParameter(), value))
    }

    func bind(_ value: String?) {
        guard var value else { return self.bindNull() }
        let parameter = self.takeParameter()
        let result = value.withUTF8 { bytes in
            guard let count = Int32(exactly: bytes.count) else { return SQLITE_TOOBIG }
            return cs_bind_text(self.handle, parameter, bytes.baseAddress, count)
        }
        self.bound(result)
    }

    private func bindNull() {
        self.bound(sqlite3_bind_null(self.handle, self.takeParameter()))
    }

    private func takeParameter() -> Int32 {
        defer { self.nextParameter += 1 }
        return self.nextParameter
    }

    private func bound(_ result: Int32) {
        if self.bindingFailure == SQLITE_OK {
            self.bindingFailure = result
        }
    }

    // MARK: Execution

    /// Goes to the next row; `false` when there is none.
    func step() throws(SQLiteError) -> Bool {
        self.nextColumn = 0
        let result = self.bindingFailure == SQLITE_OK ? sqlite3_step(self.handle) : self.bindingFailure
        switch result {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default:
            let sql = sqlite3_sql(self.handle).map { String(cString: $0) } ?? ""
            let action = sql.prefix { !$0.isNewline }.prefix(60)
            throw .of(self.connection, result, "cannot execute \"\(action)\"")
        }
    }

    /// Makes it ready for the next time, and gives up the lock that a row being read holds.
    func reset() {
        sqlite3_reset(self.handle)
        sqlite3_clear_bindings(self.handle)
        self.bindingFailure = SQLITE_OK
        self.nextParameter = 1
    }

    // MARK: Columns of the present row, in their order

    func int64() -> Int64? {
        let column = self.takeColumn()
        guard sqlite3_column_type(self.handle, column) != SQLITE_NULL else { return nil }
        return sqlite3_column_int64(self.handle, column)
    }

    func int32() -> Int32? {
        self.int64().map { Int32(truncatingIfNeeded: $0) }
    }

    func int() -> Int? {
        self.int64().map { Int($0) }
    }

    func bool() -> Bool {
        self.int64() == 1
    }

    func double() -> Double? {
        let column = self.takeColumn()
        guard sqlite3_column_type(self.handle, column) != SQLITE_NULL else { return nil }
        return sqlite3_column_double(self.handle, column)
    }

    func text() -> String? {
        let column = self.takeColumn()
        // The bytes before their count, which the conversion may change (the order that sqlite3_column_bytes asks for).
        guard let bytes = sqlite3_column_text(self.handle, column) else { return nil }
        let count = Int(sqlite3_column_bytes(self.handle, column))
        return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    private func takeColumn() -> Int32 {
        defer { self.nextColumn += 1 }
        return self.nextColumn
    }
}

extension SQLiteError {
    /// The error of a call that answered `result`, with the connection's words for it.
    static func of(_ connection: OpaquePointer?, _ result: Int32, _ action: String) -> SQLiteError {
        let extended = connection.map { sqlite3_extended_errcode($0) } ?? result
        // The connection may have no words for an error that it did not see itself, such as a failed binding.
        let isItsOwn = connection != nil && extended & 0xff == result & 0xff
        let words = isItsOwn ? sqlite3_errmsg(connection) : sqlite3_errstr(result)
        let text = words.map { String(cString: $0) } ?? "result \(result)"
        return SQLiteError(extendedCode: isItsOwn ? extended : result, message: "\(action): \(text)")
    }
}
