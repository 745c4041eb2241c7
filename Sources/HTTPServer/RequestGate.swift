internal import CMicroHTTPD
internal import Glibc

/// What the gate looks at: the header as libmicrohttpd parsed it, in the connection's memory. Valid during a callback.
struct RequestHead {
    var method: UnsafeRawBufferPointer
    var version: UnsafeRawBufferPointer
    /// The target's bytes as they came, and where they stood.
    var target: [UInt8]
    var targetAddress: UInt
    var fields: UnsafeBufferPointer<cmhd_field>
    /// Bytes from the request line to the empty line, 0 when unknown.
    var size: Int
}

/// Refuses what RFC 9112 calls malformed and libmicrohttpd lets through: each of these has been used to make two servers see
/// different requests in the same bytes.
struct RequestGate {
    let limits: HTTPLimits
    /// Whether the library is one (0.9.x) that takes bare line feeds, folded lines, NUL and repeated spaces.
    let libraryIsLenient = cmhd_is_lenient() != 0

    /// How the body is framed.
    enum Body: Equatable {
        case none
        case length(Int)
        case chunked
    }

    /// Looks at everything but the target's decoding.
    func check(_ head: RequestHead) throws(HTTPRefusal) -> Body {
        guard head.target.count <= self.limits.targetSize else { throw .targetTooLong(limit: self.limits.targetSize) }
        guard (1...20).contains(head.method.count), head.method.allSatisfy({ (0x41...0x5a).contains($0) }) else {
            throw .method
        }
        let isLatest = head.version.elementsEqual("HTTP/1.1".utf8)
        guard isLatest || head.version.elementsEqual("HTTP/1.0".utf8) else { throw .version }
        if self.libraryIsLenient {
            try Self.checkLines(head)
        }
        return try self.checkFields(head.fields, isLatest: isLatest)
    }

    private func checkFields(
        _ fields: UnsafeBufferPointer<cmhd_field>,
        isLatest: Bool
    ) throws(HTTPRefusal) -> Body {
        var hosts = 0
        var length: Int?
        var isChunked = false
        for field in fields {
            let name = UnsafeRawBufferPointer(start: field.name, count: field.name_length)
            let value = UnsafeRawBufferPointer(start: field.value, count: field.value_length)
            guard !name.isEmpty, name.allSatisfy(Self.isToken) else { throw .fieldName }
            guard value.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else { throw .fieldValue }
            switch name.count {
            case 4 where Self.equal(name, "host"):
                hosts += 1
            case 14 where Self.equal(name, "content-length"):
                guard length == nil, let number = Self.number(value) else { throw .contentLength }
                length = number
            case 17 where Self.equal(name, "transfer-encoding"):
                guard isLatest, !isChunked, Self.equal(value, "chunked") else { throw .transferEncoding }
                isChunked = true
            default: break
            }
        }
        guard hosts == 1 else { throw .host }
        guard let length else { return isChunked ? .chunked : .none }
        guard !isChunked else { throw .contentLengthWithTransferEncoding }
        guard length <= self.limits.bodySize else { throw .bodyTooLarge(limit: self.limits.bodySize) }
        return length == 0 ? .none : .length(length)
    }

    /// libmicrohttpd 0.9.x parses in place: it overwrites what ends a method, a target, a name or a line with NUL and hands
    /// out pointers into one buffer. So the distances between them tell what stood between: more or less than one space,
    /// one CR LF, a NUL inside a value, or a folded line moves the next pointer.
    private static func checkLines(_ head: RequestHead) throws(HTTPRefusal) {
        let method = UInt(bitPattern: head.method.baseAddress)
        let version = UInt(bitPattern: head.version.baseAddress)
        guard head.targetAddress == method + UInt(head.method.count) + 1,
            version == head.targetAddress + UInt(head.target.count) + 1
        else { throw .lineEndings }
        var lineEnd = version + UInt(head.version.count)
        for field in head.fields {
            let name = UInt(bitPattern: field.name)
            let value = UInt(bitPattern: field.value)
            guard name == lineEnd + 2, value > name + UInt(field.name_length) else { throw .lineEndings }
            lineEnd = value + UInt(field.value_length)
        }
        guard head.size == 0 || lineEnd + 4 == method + UInt(head.size) else { throw .lineEndings }
    }

    /// A decimal number of at most 18 digits, with nothing around it.
    private static func number(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard (1...18).contains(bytes.count) else { return nil }
        var number = 0
        for byte in bytes {
            guard (0x30...0x39).contains(byte) else { return nil }
            number = number * 10 + Int(byte - 0x30)
        }
        return number
    }

    /// Whether `bytes` are `lowercase` in any case of letters.
    private static func equal(_ bytes: UnsafeRawBufferPointer, _ lowercase: StaticString) -> Bool {
        guard bytes.count == lowercase.utf8CodeUnitCount else { return false }
        for index in 0..<bytes.count {
            let byte = bytes[index]
            let folded = (0x41...0x5a).contains(byte) ? byte | 0x20 : byte
            guard folded == lowercase.utf8Start[index] else { return false }
        }
        return true
    }

    /// tchar of RFC 9110, 5.6.2.
    private static func isToken(_ byte: UInt8) -> Bool {
        guard byte < 0x80 else { return false }
        let word = byte < 0x40 ? Self.tokens.0 : Self.tokens.1
        return word >> UInt64(byte & 0x3f) & 1 == 1
    }

    /// A bit for each byte below 0x40, and for each one from there to 0x7f.
    private static let tokens: (UInt64, UInt64) = {
        var words: (UInt64, UInt64) = (0, 0)
        let allowed = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
        for byte in allowed.utf8 {
            if byte < 0x40 {
                words.0 |= 1 << UInt64(byte)
            } else {
                words.1 |= 1 << UInt64(byte & 0x3f)
            }
        }
        return words
    }()
}

extension HTTPField {
    /// A copy of a field of a header that passed the gate, without the white space around its value.
    init(_ field: cmhd_field) {
        let name = UnsafeRawBufferPointer(start: field.name, count: field.name_length)
        var value = UnsafeRawBufferPointer(start: field.value, count: field.value_length)[...]
        while let last = value.last, last == 0x20 || last == 0x09 {
            value.removeLast()
        }
        self.init(String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self))
    }
}
