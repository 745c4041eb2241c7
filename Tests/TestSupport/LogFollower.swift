public import ControlMessages
import FoundationEssentials
public import LinuxSystem

/// A client of GET /v1/workers/{worker}/logs that reads the answer while it comes.
public final class LogFollower {
    private let exchange: HTTPExchange
    private var raw: [UInt8] = []
    private var hasHead = false
    private var body: [UInt8] = []
    public private(set) var isAtEnd = false
    /// Where it is in each stream.
    private var positions: [String: String] = [:]

    public init(_ address: SocketAddress, _ target: String) throws(Errno) {
        self.exchange = try HTTPExchange(to: address, "GET", target)
    }

    /// The next lines of the body without their newlines; none only at the end of the answer.
    public func nextLines() throws -> [String] {
        while !self.isAtEnd {
            let lines = self.takeLines()
            if !lines.isEmpty { return lines }
            let bytes = try self.exchange.receivedNext()
            self.isAtEnd = bytes.isEmpty
            self.raw += bytes
            try self.takeChunks()
        }
        return self.takeLines()
    }

    /// The next messages of an answer in the format ndjson; none only at its end.
    public func nextMessages() throws -> [LogMessage] {
        let messages = try self.nextLines().map { line in
            try JSONDecoder().decode(LogMessage.self, from: Data(line.utf8))
        }
        for message in messages {
            switch message {
            case .line(let line): self.note(line.position)
            case .note(let note): self.note(note.position ?? "")
            }
        }
        return messages
    }

    /// Reads on until `isLast` holds for the text of a line; answers all lines on the way.
    public func lines(until isLast: (String) -> Bool) throws -> [LogLineMessage] {
        var lines: [LogLineMessage] = []
        while true {
            let messages = try self.nextMessages()
            for case .line(let line) in messages {
                lines.append(line)
            }
            if let last = lines.last, isLast(last.text) { return lines }
            guard !messages.isEmpty else { throw UnexpectedAnswer("the answer ended after \(lines.suffix(3))") }
        }
    }

    /// What to give as `after` to go on behind all that was read.
    public var position: String {
        self.positions.map { "\($0.key):\($0.value)" }.sorted().joined(separator: ",")
    }

    private func note(_ position: String) {
        for part in position.split(separator: ",") {
            let sides = part.split(separator: ":")
            self.positions[String(sides[0])] = String(sides[1])
        }
    }

    private func takeLines() -> [String] {
        guard let end = self.body.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
        let lines = self.body[..<end].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        self.body = Array(self.body[(end + 1)...])
        return lines.map { String(decoding: $0, as: UTF8.self) }
    }

    private func takeChunks() throws {
        if !self.hasHead {
            guard let end = self.raw.firstRange(of: Array("\r\n\r\n".utf8)) else { return }
            let head = String(decoding: self.raw[..<end.lowerBound], as: UTF8.self)
            guard head.hasPrefix("HTTP/1.1 200") else { throw UnexpectedAnswer(head) }
            self.raw = Array(self.raw[end.upperBound...])
            self.hasHead = true
        }
        var rest = self.raw[...]
        while let line = rest.firstRange(of: [13, 10]) {
            let digits = String(decoding: rest[rest.startIndex..<line.lowerBound], as: UTF8.self)
            guard let size = Int(digits, radix: 16) else { throw UnexpectedAnswer("no chunk: \(digits.prefix(20))") }
            guard rest.endIndex - line.upperBound >= size + 2 else { break }
            self.body += rest[line.upperBound..<(line.upperBound + size)]
            rest = rest[(line.upperBound + size + 2)...]
        }
        self.raw = Array(rest)
    }
}
