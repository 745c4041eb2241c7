/// A place in a file, both from 1, the column in characters.
struct TOMLPlace: Hashable, Comparable, Sendable {
    var line: Int
    var column: Int

    static func < (a: TOMLPlace, b: TOMLPlace) -> Bool {
        (a.line, a.column) < (b.line, b.column)
    }
}

/// A value of a TOML document, with its place.
struct TOMLValue: Equatable, Sendable {
    enum Content: Equatable, Sendable {
        case string(String)
        case integer(Int64)
        case float(Double)
        case boolean(Bool)
        /// A date, a time, or both; no key of a configuration takes one yet, so its fields are left out.
        case dateTime
        case array([TOMLValue])
        /// In the order of the file, no key twice.
        case table([TOMLEntry])
    }

    var place: TOMLPlace
    var content: Content

    /// What it is, for messages.
    var kindName: String {
        switch self.content {
        case .string: "a string"
        case .integer: "a whole number"
        case .float: "a floating-point number"
        case .boolean: "a boolean"
        case .dateTime: "a date or time"
        case .array: "an array"
        case .table: "a table"
        }
    }
}

/// A key of a table with its value.
struct TOMLEntry: Equatable, Sendable {
    var key: String
    /// Where the key stands first; of `web` in `[workers.web]`, the `w`.
    var place: TOMLPlace
    var value: TOMLValue
}
