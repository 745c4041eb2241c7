import HTTPServer
import Testing

/// Valid requests with random damage, from a seed that is printed with each failure.
@Suite(.timeLimit(.minutes(10)))
struct MutationTests {
    private static let rounds = 3000
    private static let seeds: [String] = [
        "GET /ok?a=b&c=%20 HTTP/1.1\r\nHost: a\r\nX-One: two\r\n\r\n",
        "POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789",
        "POST /size HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n3;x=y\r\nefg\r\n0\r\nT: u\r\n\r\n",
        "HEAD /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\nCookie: a=b; c=\"d\"\r\n\r\n",
        "GET /ok HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\nGET /ok HTTP/1.1\r\nHost: a\r\n\r\n",
    ]
    private static let tokens: [String] = [
        "\r\n", "\n", "\r", "\0", " ", "\t", ":", "%00", "%", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n",
        "Host: b\r\n", "HTTP/1.1", "\r\n\r\n", "0\r\n\r\n", "ffffffffffffffff", "-1", ";", "Expect: 100-continue\r\n",
        "\u{80}",
    ]

    struct Generator: RandomNumberGenerator {
        var state: UInt64

        /// splitmix64.
        mutating func next() -> UInt64 {
            self.state &+= 0x9e37_79b9_7f4a_7c15
            var z = self.state
            z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
            return z ^ z >> 31
        }
    }

    private static func mutate(_ text: String, _ generator: inout Generator) -> [UInt8] {
        var bytes = Array(text.utf8)
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let position = Int.random(in: 0...bytes.count, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: position)
            case 1:
                let token = self.tokens[Int.random(in: self.tokens.indices, using: &generator)]
                bytes.insert(contentsOf: Array(token.utf8), at: position)
            case 2 where position < bytes.count:
                bytes[position] = UInt8.random(in: 0...255, using: &generator)
            case 3:
                let end = min(bytes.count, position + Int.random(in: 1...12, using: &generator))
                bytes.removeSubrange(position..<end)
            default:
                let end = min(bytes.count, position + Int.random(in: 1...40, using: &generator))
                bytes.insert(contentsOf: Array(bytes[position..<end]), at: position)
            }
        }
        return bytes
    }

    @Test(arguments: Transport.allCases)
    func noDamageBreaksTheServer(over transport: Transport) throws {
        let seed = UInt64.random(in: .min ... .max)
        var generator = Generator(state: seed)
        var limits = HTTPLimits()
        limits.bodyTime = .milliseconds(500)
        let server = try TestServer(limits: limits, transport)
        defer { server.stop() }
        for round in 0..<Self.rounds {
            // The seeds are not empty.
            let request = Self.mutate(Self.seeds.randomElement(using: &generator)!, &generator)
            let client = try server.client()
            client.send(request)
            client.finishSending()
            let answer = client.readToEnd()
            guard Self.isAllowed(answer) else {
                Issue.record("seed \(seed), round \(round): \(request) was answered by \(answer.prefix(200))")
                return
            }
        }
        #expect(try server.client().exchange("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
        #expect(eventually { server.counts[0].open == 0 })
    }

    /// Nothing, or an answer that is no failure of the server. The parser's own 505 is for other versions.
    private static func isAllowed(_ answer: [UInt8]) -> Bool {
        guard !answer.isEmpty else { return true }
        let words = String(decoding: answer.prefix(16), as: UTF8.self).split(separator: " ")
        guard words.count > 1, words[0] == "HTTP/1.1", let status = Int(words[1]) else { return false }
        return status < 500 || status == 505
    }
}
