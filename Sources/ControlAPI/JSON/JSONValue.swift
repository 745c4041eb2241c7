/// What a JSON text says, with its members in their order.
indirect enum JSONValue: Equatable {
    case null
    case bool(Bool)
    /// As it was written: no number of a request needs more than its text.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([JSONMember])
}

struct JSONMember: Equatable {
    var name: String
    var value: JSONValue
}

/// Why a text is no JSON that is taken, and where.
struct JSONError: Error, Equatable {
    var message: String
    /// Both from 1; the column counts bytes.
    var line: Int
    var column: Int
}
