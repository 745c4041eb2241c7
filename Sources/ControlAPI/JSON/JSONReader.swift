/// Reads a JSON text (RFC 8259) from somebody who may be hostile: strictly, to a bounded depth, and without a name twice in
/// an object. The decoder that comes with Swift takes commas before the end, control characters and names given twice,
/// where two readers of one text may see different things, and tells no place.
struct JSONReader {
    /// How deep objects and arrays may lie in one another.
    static let maximumDepth = 32

    private let bytes: [UInt8]
    private var position = 0

    /// The value of the whole text.
    static func read(_ bytes: [UInt8]) throws(JSONError) -> JSONValue {
        var reader = JSONReader(bytes: bytes)
        reader.skipSpace()
        let value = try reader.value(depth: 1)
        reader.skipSpace()
        guard reader.position == bytes.count else { throw reader.error("something follows the value") }
        return value
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    private var next: UInt8? {
        self.position < self.bytes.count ? self.bytes[self.position] : nil
    }

    private mutating func skipSpace() {
        while let byte = self.next, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 {
            self.position += 1
        }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard self.next == UInt8(ascii: character) else { return false }
        self.position += 1
        return true
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        guard let byte = self.next else { throw self.error("the text ends where a value should be") }
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            guard depth <= Self.maximumDepth else {
                throw self.error("objects and arrays lie in one another more than \(Self.maximumDepth) deep")
            }
            return byte == UInt8(ascii: "{") ? try self.object(depth: depth) : try self.array(depth: depth)
        case UInt8(ascii: "\""): return .string(try self.string())
        case UInt8(ascii: "t"): return try self.word("true", .bool(true))
        case UInt8(ascii: "f"): return try self.word("false", .bool(false))
        case UInt8(ascii: "n"): return try self.word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try self.number())
        default: throw self.error("a value should be here")
        }
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONValue {
        self.position += 1
        var members: [JSONMember] = []
        var names: Set<String> = []
        self.skipSpace()
        if self.take("}") {
            return .object(members)
        }
        while true {
            self.skipSpace()
            guard self.next == UInt8(ascii: "\"") else { throw self.error("a name in double quotes should be here") }
            let start = self.position
            let name = try self.string()
            guard names.insert(name).inserted else {
                self.position = start
                throw self.error("this name stands in the object already")
            }
            self.skipSpace()
            guard self.take(":") else { throw self.error("a colon should be here") }
            self.skipSpace()
            members.append(JSONMember(name: name, value: try self.value(depth: depth + 1)))
            self.skipSpace()
            if self.take("}") {
                return .object(members)
            }
            guard self.take(",") else { throw self.error("a comma or the end of the object should be here") }
        }
    }

    private mutating func array(depth: Int) throws(JSONError) -> JSONValue {
        self.position += 1
        var elements: [JSONValue] = []
        self.skipSpace()
        if self.take("]") {
            return .array(elements)
        }
        while true {
            self.skipSpace()
            elements.append(try self.value(depth: depth + 1))
            self.skipSpace()
            if self.take("]") {
                return .array(elements)
            }
            guard self.take(",") else { throw self.error("a comma or the end of the array should be here") }
        }
    }

    private mutating func word(_ word: String, _ value: JSONValue) throws(JSONError) -> JSONValue {
        guard self.bytes[self.position...].starts(with: word.utf8) else { throw self.error("a value should be here") }
        self.position += word.utf8.count
        return value
    }

    private mutating func number() throws(JSONError) -> String {
        let start = self.position
        _ = self.take("-")
        if !self.take("0") {
            try self.digits()
        }
        if self.take(".") {
            try self.digits()
        }
        if self.take("e") || self.take("E") {
            if !self.take("+") {
                _ = self.take("-")
            }
            try self.digits()
        }
        return String(decoding: self.bytes[start..<self.position], as: UTF8.self)
    }

    /// At least one.
    private mutating func digits() throws(JSONError) {
        let start = self.position
        while let byte = self.next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            self.position += 1
        }
        guard self.position > start else { throw self.error("a digit should be here") }
    }

    private mutating func string() throws(JSONError) -> String {
        self.position += 1
        let start = self.position
        var text: [UInt8] = []
        while let byte = self.next {
            switch byte {
            case UInt8(ascii: "\""):
                self.position += 1
                guard let string = String(validating: text, as: UTF8.self) else {
                    self.position = start
                    throw self.error("the text is no UTF-8")
                }
                return string
            case UInt8(ascii: "\\"):
                self.position += 1
                text += try self.escaped()
            case 0..<0x20: throw self.error("a control character must be written as \\u and four digits")
            default:
                text.append(byte)
                self.position += 1
            }
        }
        throw self.error("the text ends within a string")
    }

    /// What follows a backslash, in UTF-8.
    private mutating func escaped() throws(JSONError) -> [UInt8] {
        guard let byte = self.next else { throw self.error("the text ends within a string") }
        self.position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0c]
        case UInt8(ascii: "n"): return [0x0a]
        case UInt8(ascii: "r"): return [0x0d]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"):
            let first = try self.codeUnit()
            var value = UInt32(first)
            if UTF16.isLeadSurrogate(first) {
                guard self.take("\\"), self.take("u") else { throw self.error("half of a pair of surrogates") }
                let second = try self.codeUnit()
                guard UTF16.isTrailSurrogate(second) else { throw self.error("half of a pair of surrogates") }
                value = 0x10000 + (UInt32(first & 0x3ff) << 10 | UInt32(second & 0x3ff))
            }
            guard let scalar = Unicode.Scalar(value) else { throw self.error("half of a pair of surrogates") }
            return Array(String(Character(scalar)).utf8)
        default:
            self.position -= 1
            throw self.error("nothing is escaped like this")
        }
    }

    private mutating func codeUnit() throws(JSONError) -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = self.next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw self.error("four hexadecimal digits should be here")
            }
            value = value << 4 | UInt16(digit)
            self.position += 1
        }
        return value
    }

    private func error(_ message: String) -> JSONError {
        let before = self.bytes[..<min(self.position, self.bytes.count)]
        let line = before.count { $0 == 0x0a } + 1
        let start = before.lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
        return JSONError(message: message, line: line, column: before.count - start + 1)
    }
}
