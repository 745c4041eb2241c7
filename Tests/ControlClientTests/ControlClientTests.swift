import ControlMessages
import Testing

@testable import ControlClient

@Suite(.serialized, .timeLimit(.minutes(10)))
struct ControlClientTests {
    private static func answer(_ status: String, _ body: String, headers: [String] = []) -> String {
        (["HTTP/1.1 \(status)", "Content-Length: \(body.utf8.count)", "Connection: close"] + headers)
            .joined(separator: "\r\n") + "\r\n\r\n" + body
    }

    private func client(_ server: StubServer, limit: Int = ControlClient.maximumAnswer) throws -> ControlClient {
        try ControlClient(.unixSocket(server.path), answerLimit: limit)
    }

    @Test func anAnswerComesWithItsStatusHeadersAndBody() throws {
        let server = try StubServer([Self.answer("418 Teapot", "short", headers: ["X-Check-State:  OK "])])
        try server.run()
        let response = try self.client(server).request("GET", "/v1/check/web")
        #expect(response.status == 418)
        #expect(response.text == "short")
        #expect(response.header("x-check-STATE") == "OK")
        #expect(response.header("Location") == nil)
    }

    @Test func theQueryIsEncodedAndThePathIsSentAsItIs() throws {
        let server = try StubServer([Self.answer("200 OK", "{}")])
        try server.run()
        let path = ControlRequest.path("v1", "workers", "a/b c", "restart")
        _ = try self.client(server).request(
            "POST",
            path,
            query: [("reason", "release 42 & é"), ("wait", "none")],
            headers: [("Idempotency-Key", "k1")]
        )
        let request = try #require(server.requests.first)
        #expect(
            request.hasPrefix(
                "POST /v1/workers/a%2Fb%20c/restart?reason=release%2042%20%26%20%C3%A9&wait=none HTTP/1.1\r\n"
            )
        )
        #expect(request.contains("\r\nHost: localhost\r\n"))
        #expect(request.contains("\r\nIdempotency-Key: k1\r\n"))
        #expect(request.contains("\r\nContent-Length: 0\r\n"))
        #expect(!request.lowercased().contains("content-type:"))
        #expect(!request.lowercased().contains("expect:"))
        #expect(!request.lowercased().contains("authorization:"))
    }

    @Test func dotsInAPathAreNotResolved() throws {
        let server = try StubServer([Self.answer("404 Not Found", "")])
        try server.run()
        _ = try self.client(server).request("GET", "/v1/../healthz")
        #expect(server.requests.first?.hasPrefix("GET /v1/../healthz HTTP/1.1\r\n") == true)
    }

    @Test func aBodyIsSentAsJSON() throws {
        let server = try StubServer([Self.answer("200 OK", "{}")])
        try server.run()
        let request = try ControlRequest.perform(
            "restart",
            workers: .named(["web", "api-*"]),
            options: OperationOptions()
        )
        _ = try self.client(server).send(request)
        let sent = try #require(server.requests.first)
        #expect(sent.hasPrefix("POST /v1/operations HTTP/1.1\r\n"))
        #expect(sent.contains("\r\nContent-Type: application/json\r\n"))
        #expect(sent.hasSuffix("\r\n\r\n" + #"{"action":"restart","workers":["web","api-*"]}"#))
    }

    @Test(arguments: ["PUT", "DELETE", "HEAD", "OPTIONS"])
    func everyMethodIsSentAsItIsCalled(method: String) throws {
        let server = try StubServer([Self.answer("204 No Content", "")])
        try server.run()
        #expect(try self.client(server).request(method, "/v1/workers/web/hold").status == 204)
        #expect(server.requests.first?.hasPrefix("\(method) /v1/workers/web/hold HTTP/1.1\r\n") == true)
    }

    @Test func oneClientSendsRequestAfterRequest() throws {
        let server = try StubServer([Self.answer("200 OK", "a"), Self.answer("200 OK", "b")])
        try server.run()
        let client = try self.client(server)
        #expect(try client.request("POST", "/1", body: Array("{}".utf8)).text == "a")
        #expect(try client.request("GET", "/2").text == "b")
        // Nothing of the first request is left in the second.
        #expect(server.requests.last?.hasPrefix("GET /2 HTTP/1.1\r\n") == true)
        #expect(server.requests.last?.lowercased().contains("content-") == false)
    }

    @Test func aRedirectIsNotFollowed() throws {
        let server = try StubServer([
            Self.answer("302 Found", "", headers: ["Location: http://localhost/elsewhere"]), Self.answer("200 OK", ""),
        ])
        try server.run()
        #expect(try self.client(server).request("GET", "/").status == 302)
        #expect(server.requests.count == 1)
        // The server's thread waits for a second connection.
        server.close()
    }

    @Test func anAnswerThatIsTooLongIsRefused() throws {
        let long = String(repeating: "x", count: 5000)
        let server = try StubServer([Self.answer("200 OK", long), Self.answer("200 OK", "", headers: ["A: \(long)"])])
        try server.run()
        let client = try self.client(server, limit: 1000)
        #expect(throws: ControlClientError.answerTooLarge(limit: 1000)) { try client.request("GET", "/") }
        #expect(throws: ControlClientError.answerTooLarge(limit: 1000)) { try client.request("GET", "/") }
    }

    @Test func aSocketThatIsNotThereSaysWhatToDo() throws {
        let path = "/tmp/reeve-no-such-directory/control.sock"
        let error = #expect(throws: ControlClientError.self) {
            try ControlClient(.unixSocket(path)).request("GET", "/healthz")
        }
        #expect(error == .cannotReach(endpoint: path, reason: .noSocket))
        #expect(error.map(\.description)?.contains("\(path): there is no such socket; start the agent") == true)
    }

    @Test func aSocketThatNobodyListensOnIsRefused() throws {
        let server = try StubServer([])
        server.close()
        #expect(throws: ControlClientError.cannotReach(endpoint: server.path, reason: .refused)) {
            try self.client(server).request("GET", "/healthz")
        }
    }

    @Test func aSocketPathThatIsTooLongIsSaidToBe() throws {
        let path = "/tmp/" + String(repeating: "x", count: 200)
        let error = #expect(throws: ControlClientError.self) {
            try ControlClient(.unixSocket(path)).request("GET", "/healthz")
        }
        #expect(error.map(\.description)?.contains("longer than 107 bytes") == true)
    }

    @Test func anAgentThatDoesNotAnswerRunsIntoTheTimeout() throws {
        // Connections are taken by the kernel, and nobody answers.
        let server = try StubServer([])
        #expect(throws: ControlClientError.timedOut(endpoint: server.path)) {
            try self.client(server).request("GET", "/healthz", timeout: .milliseconds(50))
        }
    }

    @Test func aConnectionThatBreaksIsNoAnswer() throws {
        let server = try StubServer(["", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"])
        try server.run()
        let client = try self.client(server)
        for _ in 1...2 {
            let error = #expect(throws: ControlClientError.self) { try client.request("POST", "/") }
            guard case .disconnected? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
        }
    }

    @Test(arguments: [
        ControlRequest("GET", "v1"), ControlRequest("GET", "/a b"), ControlRequest("GET", "/a?b=c"),
        ControlRequest("GET", "/a\r\nX: y"), ControlRequest("GE T", "/"), ControlRequest("", "/"),
        ControlRequest("GET", "/", headers: [("A", "b\r\nC: d")]), ControlRequest("GET", "/", headers: [("A:", "b")]),
    ])
    func whatWouldBeReadAsSomethingElseIsNotSent(request: ControlRequest) throws {
        let error = #expect(throws: ControlClientError.self) {
            try ControlClient(.unixSocket("/nonexistent")).send(request)
        }
        guard case .invalidRequest? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test(arguments: ["ftp://localhost", "localhost:80", "file:///etc/passwd", "http://a b", "http://a/?q="])
    func aURLThatIsNoBaseIsRefused(url: String) throws {
        let error = #expect(throws: ControlClientError.self) {
            try ControlClient(.url(url, token: nil)).request("GET", "/healthz")
        }
        guard case .invalidRequest? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func aTokenWithALineBreakIsRefusedAndNotShown() throws {
        let error = #expect(throws: ControlClientError.self) {
            try ControlClient(.url("http://127.0.0.1:1", token: "secret\nX: y")).request("GET", "/healthz")
        }
        guard case .invalidRequest(let detail)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(!detail.contains("secret"))
    }

    @Test func aProblemIsThrownAndOtherErrorsAreNotTakenForOne() throws {
        let problem = ProblemMessage(
            title: "Not Found",
            status: 404,
            code: ProblemCode.unknownWorker.rawValue,
            detail: "no worker is called \"wbe\""
        )
        let body = String(decoding: try ContractEncoder.encode(problem), as: UTF8.self)
        let server = try StubServer([
            Self.answer("404 Not Found", body, headers: ["Content-Type: application/problem+json"]),
            Self.answer("502 Bad Gateway", "<html>"), Self.answer("200 OK", #"{"revision": 1}"#),
            Self.answer("200 OK", "nothing"),
        ])
        try server.run()
        let client = try self.client(server)
        #expect(throws: ControlClientError.problem(problem)) { try client.worker("wbe") }
        for words in ["status 502", "workers is missing", "no JSON"] {
            let error = #expect(throws: ControlClientError.self) { try client.workers() }
            #expect(error.map(\.description)?.contains(words) == true, "\(String(describing: error))")
        }
    }
}
