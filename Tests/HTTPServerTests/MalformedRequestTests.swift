import HTTPServer
import Testing

@Suite(.timeLimit(.minutes(10)))
struct MalformedRequestTests {
    private static let limits: HTTPLimits = {
        var limits = HTTPLimits()
        limits.headerTime = .milliseconds(200)
        limits.bodyTime = .milliseconds(200)
        return limits
    }()

    /// What a client could sneak past a server in front of this one.
    private static let smuggled = Array("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n".utf8)

    @Test(arguments: Transport.allCases)
    func eachOneGetsOneRefusalAndNothingAfterIt(over transport: Transport) throws {
        let server = try TestServer(limits: Self.limits, transport)
        defer { server.stop() }
        for request in MalformedRequest.all {
            let client = try server.client()
            client.send(request.bytes + Self.smuggled)
            let answer = client.readToEnd()
            Self.expectOneRefusal(answer, to: request)
            #expect(!server.handledPaths.contains("/smuggled"), "\(request)")
            // Again, should it have missed the deadline.
            #expect(
                eventually { (try? server.client().exchange("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n").status) == 200 },
                "after \(request)"
            )
        }
        #expect(Set(server.handledPaths) == ["/ok"])
        #expect(eventually { server.counts[0].open == 0 })
    }

    private static func expectOneRefusal(_ answer: [UInt8], to request: MalformedRequest) {
        // A close without a word is allowed.
        guard !answer.isEmpty else { return }
        guard let (response, size) = TestClient.parse(answer) else {
            Issue.record("\(request): no whole response: \(String(decoding: answer.prefix(300), as: UTF8.self))")
            return
        }
        let isRefusal = (400...499).contains(response.status) || request.mayBe505 && response.status == 505
        #expect(isRefusal, "\(request): \(response.status)")
        #expect(response.header("Connection") == "close", "\(request)")
        #expect(!answer[size...].starts(with: Array("HTTP/".utf8)), "\(request): a second response")
    }

    @Test func theTableIsLongEnough() {
        #expect(MalformedRequest.all.count >= 60)
        #expect(Set(MalformedRequest.all.map(\.name)).count == MalformedRequest.all.count)
    }

    @Test func aRefusalIsAProblemDocument() throws {
        let server = try TestServer(.tcp)
        defer { server.stop() }
        let response = try server.client().exchange("GET /a%2fb HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(response.status == 400)
        #expect(response.header("Content-Type") == "application/problem+json")
        #expect(
            response.text == """
                {"type":"about:blank","title":"Bad Request","status":400,"code":"malformed_request",\
                "detail":"the target has an encoded control byte, or an encoded slash or backslash in its path",\
                "operation":null}

                """
        )
    }

    @Test func aLongTargetAndAnAbundantHeaderHaveTheirOwnStatus() throws {
        let server = try TestServer(.tcp)
        defer { server.stop() }
        let target = "/" + String(repeating: "a", count: 4096)
        #expect(try server.client().exchange("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n").status == 414)
        let fields = String(repeating: "X: y\r\n", count: 64)
        #expect(try server.client().exchange("GET /ok HTTP/1.1\r\nHost: a\r\n\(fields)\r\n").status == 431)
    }

    @Test func whatIsUnusualAndAllowedIsTaken() throws {
        let server = try TestServer(.tcp)
        defer { server.stop() }
        let longest = "/" + String(repeating: "a", count: 4095)
        let accepted = [
            "GET /ok HTTP/1.1\r\nHost:\r\n\r\n",
            "GET /ok HTTP/1.1\r\nhost:\t a \t\r\n\r\n",
            "GET /ok HTTP/1.1\r\nHost: a\r\nX:\r\nY: \r\n\r\n",
            "GET /ok HTTP/1.1\r\nHost: a\r\n!#$%&'*+-.^_`|~09AZaz: y\r\n\r\n",
            "GET /ok HTTP/1.1\r\nHost: a\r\nX: a\tb ä \"(;=)\r\n\r\n",
            "GET /ok?a=%2f&b=+&&=&c HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\nGET /ok HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /ok HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
            "GET /ok HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab",
            "PURGE /ok HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST /ok HTTP/1.1\r\nHost: a\r\ntransfer-encoding: Chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\n\r\n",
            "GET /ok HTTP/1.1\r\nHost: a\r\n" + (0..<63).map { "X\($0): y\r\n" }.joined() + "\r\n",
        ]
        let client = try server.client()
        for request in accepted {
            #expect(try client.exchange(request).status == 200, "\(request)")
        }
        #expect(try client.exchange("GET \(longest) HTTP/1.1\r\nHost: a\r\n\r\n").status == 404)
        #expect(server.counts[0].accepted == 1)
    }

    @Test func aRequestMayComeByteByByte() throws {
        let server = try TestServer(.tcp)
        defer { server.stop() }
        let client = try server.client()
        let request = "POST /describe HTTP/1.1\r\nHost: a\r\nX-Long: \(String(repeating: "x", count: 300))\r\n"
        for byte in (request + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n").utf8 {
            client.send([byte])
        }
        #expect(try client.readResponse().text.hasSuffix("\nabcde"))
    }
}
