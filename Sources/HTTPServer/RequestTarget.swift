/// A target in origin form (RFC 9112, 3.2.1), checked and decoded exactly once.
///
/// The path is split at its slashes before it is decoded, and an encoded slash is refused, so nobody downstream can see
/// other segments than the ones that were checked. Empty segments stay: `/v1//workers` has three. Parameters are decoded
/// as forms are: `+` is a space.
struct RequestTarget: Equatable {
    private(set) var path: [String] = []
    private(set) var query: [HTTPField] = []

    init(_ bytes: [UInt8]) throws(HTTPRefusal) {
        guard bytes.first == UInt8(ascii: "/") else { throw .target(.form) }
        var questionMark = bytes.count
        for (index, byte) in bytes.enumerated() {
            guard byte > 0x20, byte < 0x7f, byte != UInt8(ascii: "#") else { throw .target(.byte) }
            if byte == UInt8(ascii: "?"), questionMark == bytes.count {
                questionMark = index
            }
        }
        if questionMark > 1 {
            try self.decodePath(bytes[1..<questionMark])
        }
        if questionMark < bytes.count {
            try self.decodeQuery(bytes[(questionMark + 1)...])
        }
    }

    private mutating func decodePath(_ bytes: ArraySlice<UInt8>) throws(HTTPRefusal) {
        var start = bytes.startIndex
        for index in bytes.startIndex...bytes.endIndex {
            guard index == bytes.endIndex || bytes[index] == UInt8(ascii: "/") else { continue }
            let segment = try Self.decode(bytes[start..<index], as: .path)
            guard segment != ".", segment != ".." else { throw .target(.dotSegment) }
            self.path.append(segment)
            start = index + 1
        }
    }

    private mutating func decodeQuery(_ bytes: ArraySlice<UInt8>) throws(HTTPRefusal) {
        for part in bytes.split(separator: UInt8(ascii: "&")) {
            let equals = part.firstIndex(of: UInt8(ascii: "=")) ?? part.endIndex
            let name = try Self.decode(part[..<equals], as: .query)
            let value = equals < part.endIndex ? try Self.decode(part[(equals + 1)...], as: .query) : ""
            self.query.append(HTTPField(name, value))
        }
    }

    private enum Component {
        case path
        case query
    }

    private static func decode(_ bytes: ArraySlice<UInt8>, as component: Component) throws(HTTPRefusal) -> String {
        // The common case: no escape, and the caller has seen to it that the bytes are ASCII.
        guard bytes.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "\\") })
        else { return String(decoding: bytes, as: UTF8.self) }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = bytes.startIndex
        while index < bytes.endIndex {
            let byte = bytes[index]
            index += 1
            switch byte {
            case UInt8(ascii: "%"):
                guard index + 1 < bytes.endIndex, let high = Self.digit(bytes[index]),
                    let low = Self.digit(bytes[index + 1])
                else { throw .target(.escape) }
                index += 2
                let value = high << 4 | low
                let separates = value == UInt8(ascii: "/") || value == UInt8(ascii: "\\")
                guard value >= 0x20, value != 0x7f, !(separates && component == .path) else {
                    throw .target(.escapedByte)
                }
                decoded.append(value)
            case UInt8(ascii: "\\") where component == .path: throw .target(.byte)
            case UInt8(ascii: "+") where component == .query: decoded.append(0x20)
            default: decoded.append(byte)
            }
        }
        guard let text = String(validating: decoded, as: UTF8.self) else { throw .target(.encoding) }
        return text
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
