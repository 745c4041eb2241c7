import FoundationEssentials

/// A response as it came over the wire.
public struct HTTPAnswer: Sendable {
    public let status: Int
    /// In their order, names as they were sent.
    public let headers: [(name: String, value: String)]
    public let body: [UInt8]

    /// The first header of a name, whose case does not matter.
    public func header(_ name: String) -> String? {
        self.headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    public var text: String {
        String(decoding: self.body, as: UTF8.self)
    }

    /// The body as JSON; the error names the body.
    public func decode<Message: Decodable>(_ type: Message.Type = Message.self) throws -> Message {
        do {
            return try JSONDecoder().decode(type, from: Data(self.body))
        } catch {
            throw UnexpectedAnswer("\(self.status) is no \(type): \(error)\n\(self.text)")
        }
    }

    /// Reads an answer from all the bytes until the server closed; `nil` for what is none.
    public init?(parsing bytes: [UInt8]) {
        guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8))?.lowerBound else { return nil }
        let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
        let start = lines[0].split(separator: " ", maxSplits: 2)
        guard start.count >= 2, start[0].hasPrefix("HTTP/1."), let status = Int(start[1]) else { return nil }
        self.status = status
        self.headers = lines.dropFirst().compactMap { line in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            return (String(line[..<colon]), String(value))
        }
        let rest = Array(bytes[(end + 4)...])
        let isChunked = self.headers.contains { $0.name.lowercased() == "transfer-encoding" && $0.value == "chunked" }
        if isChunked {
            guard let body = Self.joinChunks(rest) else { return nil }
            self.body = body
        } else {
            self.body = rest
        }
    }

    private static func joinChunks(_ bytes: [UInt8]) -> [UInt8]? {
        var body: [UInt8] = []
        var rest = bytes[...]
        while let end = rest.firstRange(of: [13, 10])?.lowerBound {
            let line = String(decoding: rest[rest.startIndex..<end], as: UTF8.self)
            guard let size = Int(line.split(separator: ";")[0], radix: 16) else { return nil }
            if size == 0 { return body }
            guard rest.endIndex - end >= size + 4 else { return nil }
            body += rest[(end + 2)..<(end + 2 + size)]
            rest = rest[(end + 2 + size + 2)...]
        }
        return nil
    }
}

/// An answer that the test cannot go on with.
public struct UnexpectedAnswer: Error, CustomStringConvertible {
    public let description: String

    public init(_ description: String) {
        self.description = description
    }
}
