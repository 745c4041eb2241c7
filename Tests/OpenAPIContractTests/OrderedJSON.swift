/// A JSON value that keeps what decoders throw away: the order of an object's members and the digits of a number. So two
/// texts can be compared for their form, not only for their meaning.
enum OrderedJSON: Equatable {
    case null
    case bool(Bool)
    case number(String)
    /// As it stands between the quotes, escapes and all.
    case string(String)
    case array([OrderedJSON])
    case object([Member])

    struct Member: Equatable {
        var name: String
        var value: OrderedJSON
    }

    struct Malformed: Error {
        var offset: Int
    }

    init(_ bytes: [UInt8]) throws {
        var reader = OrderedJSONReader(bytes: bytes)
        self = try reader.value()
        guard reader.position == bytes.count else { throw Malformed(offset: reader.position) }
    }

    subscript(name: String) -> OrderedJSON? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    var members: [Member] {
        if case .object(let members) = self { members } else { [] }
    }

    var elements: [OrderedJSON] {
        if case .array(let elements) = self { elements } else { [] }
    }

    var text: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// Without spaces, as it was read.
    var compact: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .number(let digits): digits
        case .string(let text): "\"\(text)\""
        case .array(let elements): "[" + elements.map(\.compact).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.map { "\"\($0.name)\":\($0.value.compact)" }.joined(separator: ",") + "}"
        }
    }
}

/// Reads compact JSON that a library has written, so it looks at no more than it must.
private struct OrderedJSONReader {
    let bytes: [UInt8]
    var position = 0

    mutating func value() throws -> OrderedJSON {
        switch self.next {
        case UInt8(ascii: "{"):
            let members = try self.list(until: "}") { reader in
                let name = try reader.string()
                try reader.take(":")
                return OrderedJSON.Member(name: name, value: try reader.value())
            }
            return .object(members)
        case UInt8(ascii: "["): return .array(try self.list(until: "]") { reader in try reader.value() })
        case UInt8(ascii: "\""): return .string(try self.string())
        default: return try self.word()
        }
    }

    private var next: UInt8? {
        self.position < self.bytes.count ? self.bytes[self.position] : nil
    }

    private mutating func take(_ character: Unicode.Scalar) throws {
        guard self.next == UInt8(ascii: character) else { throw OrderedJSON.Malformed(offset: self.position) }
        self.position += 1
    }

    private mutating func list<Element>(
        until end: Unicode.Scalar,
        _ element: (inout OrderedJSONReader) throws -> Element
    ) throws -> [Element] {
        self.position += 1
        var elements: [Element] = []
        while self.next != UInt8(ascii: end) {
            if !elements.isEmpty {
                try self.take(",")
            }
            elements.append(try element(&self))
        }
        self.position += 1
        return elements
    }

    private mutating func string() throws -> String {
        try self.take("\"")
        let start = self.position
        while let byte = self.next, byte != UInt8(ascii: "\"") {
            self.position += byte == UInt8(ascii: "\\") ? 2 : 1
        }
        try self.take("\"")
        return String(decoding: self.bytes[start..<(self.position - 1)], as: UTF8.self)
    }

    private mutating func word() throws -> OrderedJSON {
        let start = self.position
        while let byte = self.next, ![",", "]", "}"].map({ UInt8(ascii: $0) }).contains(byte) {
            self.position += 1
        }
        let text = String(decoding: self.bytes[start..<self.position], as: UTF8.self)
        switch text {
        case "null": return .null
        case "true": return .bool(true)
        case "false": return .bool(false)
        case _ where Double(text) != nil: return .number(text)
        default: throw OrderedJSON.Malformed(offset: start)
        }
    }
}
