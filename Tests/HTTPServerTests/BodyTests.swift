import HTTPServer
import Testing

@Suite(.timeLimit(.minutes(10)))
struct BodyTests {
    private static let limit = HTTPLimits().bodySize

    @Test(arguments: Transport.allCases)
    func aBodyOfTheLimitIsTaken(over transport: Transport) throws {
        let server = try TestServer(transport)
        defer { server.stop() }
        let client = try server.client()
        let body = String(repeating: "a", count: Self.limit)
        let declared = try client.exchange(
            "POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: \(Self.limit)\r\n\r\n\(body)"
        )
        #expect(declared.text == "\(Self.limit)")
        let chunked = try client.exchange(
            "POST /size HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n\(body)\r\n0\r\n\r\n"
        )
        #expect(chunked.text == "\(Self.limit)")
    }

    @Test func aDeclaredBodyBeyondTheLimitIsRefusedBeforeItIsSent() throws {
        let server = try TestServer(.tcp)
        defer { server.stop() }
        let client = try server.client()
        let response = try client.exchange(
            "POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: \(Self.limit + 1)\r\n\r\n"
        )
        #expect(response.status == 413)
        #expect(response.text.contains("\"code\":\"body_too_large\""))
        #expect(response.text.hasSuffix("}\n"), "a line, as every answer is")
        #expect(client.isAtEnd())
    }

    @Test(arguments: Transport.allCases)
    func aChunkedBodyIsRefusedWhenItPassesTheLimit(over transport: Transport) throws {
        let server = try TestServer(transport)
        defer { server.stop() }
        let client = try server.client()
        client.send("POST /size HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        let chunk = Array("1000\r\n\(String(repeating: "a", count: 0x1000))\r\n".utf8)
        // A gigabyte, unless the server ends it.
        var sent = 0
        while sent < 250_000, client.send(chunk) == chunk.count {
            sent += 1
        }
        #expect(sent < 250_000)
        let answer = client.readToEnd()
        let status = TestClient.parse(answer)?.response.status
        #expect(status == 413 || answer.isEmpty && client.wasReset)
        #expect(server.handledPaths.isEmpty)
    }

    @Test func theRefusalOfAChunkedBodyIsReadByAClientThatPauses() throws {
        let server = try TestServer(.tcp)
        defer { server.stop() }
        let client = try server.client()
        client.send("POST /size HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        client.send("10001\r\n\(String(repeating: "a", count: 0x10001))")
        let response = try client.readResponse()
        #expect(response.status == 413)
        #expect(response.header("Connection") == "close")
        #expect(client.isAtEnd())
    }

    @Test func aClientThatExpectsAContinueGetsIt() throws {
        let server = try TestServer(.tcp)
        defer { server.stop() }
        let client = try server.client()
        client.send("POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        #expect(try client.readInterim() == 100)
        #expect(try client.exchange("abc").text == "3")
    }

    @Test(arguments: [
        "Content-Length: 70000", "Transfer-Encoding: gzip", "Content-Length: 3\r\nTransfer-Encoding: chunked",
    ])
    func aClientThatExpectsAContinueIsRefusedInstead(_ framing: String) throws {
        let server = try TestServer(.tcp)
        defer { server.stop() }
        let client = try server.client()
        client.send("POST /size HTTP/1.1\r\nHost: a\r\n\(framing)\r\nExpect: 100-continue\r\n\r\n")
        let answer = client.readToEnd()
        let status = try #require(TestClient.parse(answer)).response.status
        #expect((400...499).contains(status))
        #expect(!answer.starts(with: Array("HTTP/1.1 100".utf8)))
    }

    @Test func aRefusedPathIsRefusedBeforeTheBody() throws {
        let server = try TestServer(.tcp)
        defer { server.stop() }
        let client = try server.client()
        client.send("POST /forbidden HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n")
        #expect(try client.readInterim() == 403)
    }

    @Test func aBodyOfAGetIsPassedOn() throws {
        let server = try TestServer(.tcp)
        defer { server.stop() }
        let response = try server.client().exchange("GET /size HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody")
        #expect(response.text == "4")
    }
}
