/// Requests that no server may take, each with a reason. Those that leave the server waiting end by its deadlines.
struct MalformedRequest: Sendable, CustomStringConvertible {
    var name: String
    var bytes: [UInt8]
    /// libmicrohttpd's parser answers an unknown major version by itself, with 505.
    var mayBe505 = false

    init(_ name: String, _ text: String, mayBe505: Bool = false) {
        self.init(name, Array(text.utf8), mayBe505: mayBe505)
    }

    init(_ name: String, _ bytes: [UInt8], mayBe505: Bool = false) {
        self.name = name
        self.bytes = bytes
        self.mayBe505 = mayBe505
    }

    var description: String { self.name }

    private static func line(_ line: String) -> String {
        "\(line)\r\nHost: a\r\n\r\n"
    }

    private static func fields(_ fields: String) -> String {
        "GET /ok HTTP/1.1\r\nHost: a\r\n\(fields)\r\n\r\n"
    }

    private static func body(_ field: String, _ body: String) -> String {
        "POST /size HTTP/1.1\r\nHost: a\r\n\(field)\r\n\r\n\(body)"
    }

    static let all = Self.requestLines + Self.targets + Self.hosts + Self.headers + Self.framing + Self.chunks

    private static let requestLines = [
        Self("no version", Self.line("GET /ok")),
        Self("no target", Self.line("GET HTTP/1.1")),
        Self("a single word", Self.line("GET")),
        Self("lower-case method", Self.line("get /ok HTTP/1.1")),
        Self("a digit in the method", Self.line("GET1 /ok HTTP/1.1")),
        Self("a control byte in the method", Self.line("G\u{1}T /ok HTTP/1.1")),
        Self("NUL in the method", Self.line("G\0ET /ok HTTP/1.1")),
        Self("a very long method", Self.line(String(repeating: "A", count: 64) + " /ok HTTP/1.1")),
        Self("a space before the method", Self.line(" GET /ok HTTP/1.1")),
        Self("two spaces before the target", Self.line("GET  /ok HTTP/1.1")),
        Self("two spaces before the version", Self.line("GET /ok  HTTP/1.1")),
        Self("a space after the version", Self.line("GET /ok HTTP/1.1 ")),
        Self("a tab before the target", Self.line("GET\t/ok HTTP/1.1")),
        Self("HTTP/1.9", Self.line("GET /ok HTTP/1.9")),
        Self("HTTP/1.01", Self.line("GET /ok HTTP/1.01")),
        Self("http/1.1", Self.line("GET /ok http/1.1")),
        Self("HTTP/11", Self.line("GET /ok HTTP/11")),
        Self("HTTP/2.0", Self.line("GET /ok HTTP/2.0"), mayBe505: true),
        Self("HTTP/0.9", Self.line("GET /ok HTTP/0.9"), mayBe505: true),
        Self("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", mayBe505: true),
        Self("TLS", [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03, 0x0d, 0x0a, 0x0d, 0x0a]),
        Self("a bare line feed after the request line", "GET /ok HTTP/1.1\nHost: a\r\n\r\n"),
    ]

    private static let targets = [
        Self("absolute form", Self.line("GET http://a/ok HTTP/1.1")),
        Self("authority form", Self.line("CONNECT a:80 HTTP/1.1")),
        Self("asterisk form", Self.line("OPTIONS * HTTP/1.1")),
        Self("no slash", Self.line("GET ok HTTP/1.1")),
        Self("a space in the target", Self.line("GET /o k HTTP/1.1")),
        Self("a fragment", Self.line("GET /ok#x HTTP/1.1")),
        Self("a backslash", Self.line("GET /a\\b HTTP/1.1")),
        Self("a raw control byte", Self.line("GET /o\u{1}k HTTP/1.1")),
        Self("DEL", Self.line("GET /o\u{7f}k HTTP/1.1")),
        Self("raw NUL", Self.line("GET /ok\0x HTTP/1.1")),
        Self("raw UTF-8", Self.line("GET /ä HTTP/1.1")),
        Self("%00", Self.line("GET /ok%00x HTTP/1.1")),
        Self("%0d%0a", Self.line("GET /ok%0d%0aX:%20y HTTP/1.1")),
        Self("%2f", Self.line("GET /a%2fb HTTP/1.1")),
        Self("%5C", Self.line("GET /a%5Cb HTTP/1.1")),
        Self("%7F", Self.line("GET /a%7Fb HTTP/1.1")),
        Self("%", Self.line("GET /a% HTTP/1.1")),
        Self("%4", Self.line("GET /a%4 HTTP/1.1")),
        Self("%zz", Self.line("GET /a%zz HTTP/1.1")),
        Self("a dot segment", Self.line("GET /a/./b HTTP/1.1")),
        Self("two dots", Self.line("GET /logs/../etc/passwd HTTP/1.1")),
        Self("encoded dots", Self.line("GET /logs/%2e%2e/etc HTTP/1.1")),
        Self("dots at the end", Self.line("GET /logs/.. HTTP/1.1")),
        Self("an overlong slash", Self.line("GET /a%c0%afb HTTP/1.1")),
        Self("half a character", Self.line("GET /a%c3 HTTP/1.1")),
        Self("a surrogate", Self.line("GET /a%ed%a0%80 HTTP/1.1")),
        Self("%00 in the query", Self.line("GET /ok?a=%00 HTTP/1.1")),
        Self("%0a in the query", Self.line("GET /ok?a=%0a HTTP/1.1")),
        Self("half an escape in the query", Self.line("GET /ok?a=%4 HTTP/1.1")),
        Self("bad UTF-8 in the query", Self.line("GET /ok?a=%ff HTTP/1.1")),
        Self("a target of 5,000 bytes", Self.line("GET /\(String(repeating: "a", count: 5000)) HTTP/1.1")),
        Self("a target of 20,000 bytes", Self.line("GET /\(String(repeating: "a", count: 20_000)) HTTP/1.1")),
        Self("a query of many parameters", Self.line("GET /?\(String(repeating: "a&", count: 4000)) HTTP/1.1")),
    ]

    private static let hosts = [
        Self("no Host", "GET /ok HTTP/1.1\r\n\r\n"),
        Self("no Host in HTTP/1.0", "GET /ok HTTP/1.0\r\n\r\n"),
        Self("two Hosts", Self.fields("Host: b")),
        Self("two equal Hosts", Self.fields("HOST: a")),
    ]

    private static let headers = [
        Self("no colon", Self.fields("nocolon")),
        Self("an empty name", Self.fields(": x")),
        Self("a space before the colon", Self.fields("X : y")),
        Self("a space in the name", Self.fields("X Y: z")),
        Self("a tab before the colon", Self.fields("X\t: y")),
        Self("a bracket in the name", Self.fields("X(: y")),
        Self("a control byte in the name", Self.fields("X\u{1}: y")),
        Self("UTF-8 in the name", Self.fields("Ä: y")),
        Self("a control byte in the value", Self.fields("X: a\u{1}b")),
        Self("DEL in the value", Self.fields("X: a\u{7f}b")),
        Self("NUL in the value", Self.fields("X: a\0b")),
        Self("NUL in the name", Self.fields("X\0Y: b")),
        Self("a bare carriage return in the value", Self.fields("X: a\rY: b")),
        Self("a bare line feed between fields", Self.fields("X: a\nY: b")),
        Self("a folded line", Self.fields("X: a\r\n b")),
        Self("a folded Content-Length", Self.fields("Content-Length: 3\r\n 0")),
        Self("a folded first line", "GET /ok HTTP/1.1\r\n X: a\r\nHost: a\r\n\r\n"),
        Self("a bare line feed at the end", "GET /ok HTTP/1.1\r\nHost: a\r\n\n"),
        Self("100 fields", Self.fields((0..<100).map { "X\($0): y" }.joined(separator: "\r\n"))),
        Self("2,000 fields", Self.fields((0..<2000).map { "X\($0): y" }.joined(separator: "\r\n"))),
        Self("a header of 20,000 bytes", Self.fields("X: \(String(repeating: "a", count: 20_000))")),
    ]

    private static let framing = [
        Self("two lengths", Self.body("Content-Length: 3\r\nContent-Length: 4", "abc")),
        Self("two equal lengths", Self.body("Content-Length: 3\r\nContent-Length: 3", "abc")),
        Self("a list of lengths", Self.body("Content-Length: 3, 3", "abc")),
        Self("a negative length", Self.body("Content-Length: -1", "abc")),
        Self("a signed length", Self.body("Content-Length: +3", "abc")),
        Self("a hexadecimal length", Self.body("Content-Length: 0x3", "abc")),
        Self("an empty length", Self.body("Content-Length:", "abc")),
        Self("a length of 2^64", Self.body("Content-Length: 18446744073709551616", "abc")),
        Self("a length of 2^63", Self.body("Content-Length: 9223372036854775808", "abc")),
        Self("a length with a space before the colon", Self.body("Content-Length : 26", "abc")),
        Self("a length beyond the limit", Self.body("Content-Length: 65537", "abc")),
        Self("length and encoding", Self.body("Content-Length: 3\r\nTransfer-Encoding: chunked", "0\r\n\r\n")),
        Self("encoding and length", Self.body("Transfer-Encoding: chunked\r\nContent-Length: 3", "0\r\n\r\n")),
        Self("gzip", Self.body("Transfer-Encoding: gzip", "abc")),
        Self("gzip, chunked", Self.body("Transfer-Encoding: gzip, chunked", "0\r\n\r\n")),
        Self("chunked, chunked", Self.body("Transfer-Encoding: chunked, chunked", "0\r\n\r\n")),
        Self("chunked twice", Self.body("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n")),
        Self("xchunked", Self.body("Transfer-Encoding: xchunked", "0\r\n\r\n")),
        Self("identity", Self.body("Transfer-Encoding: identity", "abc")),
        Self("an encoding with a space before the colon", Self.body("Transfer-Encoding : chunked", "0\r\n\r\n")),
        Self(
            "chunked in HTTP/1.0",
            "POST /size HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
        Self("a body that ends early", Self.body("Content-Length: 60000", "abc")),
    ]

    private static func chunked(_ name: String, _ body: String) -> Self {
        Self(name, Self.body("Transfer-Encoding: chunked", body))
    }

    private static let chunks = [
        Self.chunked("a chunk size of letters", "zz\r\nabc\r\n0\r\n\r\n"),
        Self.chunked("a negative chunk size", "-3\r\nabc\r\n0\r\n\r\n"),
        Self.chunked("an empty chunk size", "\r\nabc\r\n0\r\n\r\n"),
        Self.chunked("a space before a chunk size", " 3\r\nabc\r\n0\r\n\r\n"),
        Self.chunked("0x in a chunk size", "0x3\r\nabc\r\n0\r\n\r\n"),
        Self.chunked("a chunk size of 2^64", "10000000000000000\r\nabc\r\n0\r\n\r\n"),
        Self.chunked("a chunk without its end", "3\r\nabcd\r\n0\r\n\r\n"),
        Self.chunked("a chunk beyond the limit", "10001\r\n\(String(repeating: "a", count: 0x10001))\r\n0\r\n\r\n"),
        Self.chunked("a chunk's extension of 20,000 bytes", "3;\(String(repeating: "a", count: 20_000))"),
        Self.chunked("a trailer without colon", "3\r\nabc\r\n0\r\nnocolon\r\n\r\n"),
        Self.chunked("a trailer of 20,000 bytes", "0\r\nX: \(String(repeating: "a", count: 20_000))\r\n\r\n"),
        Self.chunked("a body that never ends", "3\r\nabc\r\n"),
    ]
}
