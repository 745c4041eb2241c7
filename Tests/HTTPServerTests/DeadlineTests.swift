import HTTPServer
import Testing

/// With deadlines of some hundred milliseconds: what is tested is that they come, however the bytes drip.
@Suite(.timeLimit(.minutes(10)))
struct DeadlineTests {
    private static func limits(_ change: (inout HTTPLimits) -> Void) -> HTTPLimits {
        var limits = HTTPLimits()
        change(&limits)
        return limits
    }

    /// Sends a byte at a time until the server has closed; returns whether it did.
    private static func drip(_ byte: UInt8, to client: TestClient) -> Bool {
        for _ in 0..<2000 {
            guard client.send([byte]) == 1 else { return true }
            TestProcess.pause(milliseconds: 5)
        }
        return false
    }

    @Test(arguments: Transport.allCases)
    func aHeaderThatDripsIsCut(over transport: Transport) throws {
        let server = try TestServer(limits: Self.limits { $0.headerTime = .milliseconds(200) }, transport)
        defer { server.stop() }
        let client = try server.client()
        client.send("GET /ok HTTP/1.1\r\nHost: a\r\nX: ")
        #expect(Self.drip(0x61, to: client))
        #expect(server.counts[0].expired == 1)
        #expect(eventually { server.counts[0].open == 0 })
    }

    @Test func aSilentConnectionIsCut() throws {
        let server = try TestServer(limits: Self.limits { $0.headerTime = .milliseconds(200) }, .tcp)
        defer { server.stop() }
        let client = try server.client()
        #expect(client.isAtEnd())
        #expect(server.counts[0].expired == 1)
    }

    @Test func aLaterHeaderThatDripsIsCut() throws {
        let server = try TestServer(limits: Self.limits { $0.headerTime = .seconds(2) }, .tcp)
        defer { server.stop() }
        let client = try server.client()
        #expect(try client.exchange("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
        client.send("GET /ok HTTP/1.1\r\nHost: a\r\nX: ")
        #expect(Self.drip(0x61, to: client))
        #expect(server.counts[0].expired == 1)
    }

    @Test(arguments: ["Content-Length: 60000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nffff\r\n"])
    func aBodyThatDripsIsCut(_ framing: String) throws {
        let server = try TestServer(limits: Self.limits { $0.bodyTime = .milliseconds(200) }, .tcp)
        defer { server.stop() }
        let client = try server.client()
        client.send("POST /size HTTP/1.1\r\nHost: a\r\n\(framing)")
        #expect(Self.drip(0x61, to: client))
        #expect(server.counts[0].expired == 1)
        #expect(server.handledPaths.isEmpty)
    }

    @Test func aKeptConnectionIsClosedAfterItsIdleTime() throws {
        let server = try TestServer(limits: Self.limits { $0.idleTime = .milliseconds(200) }, .tcp)
        defer { server.stop() }
        let client = try server.client()
        #expect(try client.exchange("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
        #expect(client.isAtEnd())
        #expect(server.counts[0].expired == 1)
    }

    @Test(arguments: Transport.allCases)
    func aClientThatDoesNotReadIsCut(over transport: Transport) throws {
        let server = try TestServer(limits: Self.limits { $0.responseTime = .milliseconds(200) }, transport)
        defer { server.stop() }
        let client = try server.client()
        client.send("GET /huge HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(eventually { server.counts[0].expired == 1 })
        #expect(eventually { server.counts[0].open == 0 })
    }

    @Test func aRequestThatWaitsHasNoDeadline() throws {
        let limits = Self.limits {
            $0.headerTime = .seconds(1)
            $0.bodyTime = .seconds(1)
            $0.idleTime = .seconds(1)
            $0.responseTime = .seconds(1)
        }
        let server = try TestServer(limits: limits, .tcp)
        defer { server.stop() }
        let client = try server.client()
        client.send("GET /later HTTP/1.1\r\nHost: a\r\n\r\n")
        try server.waitForExchanges(1)
        TestProcess.pause(milliseconds: 1500)
        server.answerAll("patience")
        #expect(try client.readResponse().text == "patience")
    }

    /// The loop stands still, as when the process is stopped, and the request comes in its time all the same.
    @Test func aRequestThatIsThereWhenItsDeadlineIsSeenIsAnswered() throws {
        let limits = Self.limits {
            $0.headerTime = .seconds(1)
            $0.bodyTime = .seconds(1)
        }
        let server = try TestServer(limits: limits, .tcp)
        defer { server.stop() }
        let client = try server.client()
        #expect(eventually { server.counts[0].open == 1 })
        server.onLoop { _ in
            client.send("POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n")
            client.send([UInt8](repeating: 0x61, count: 60000))
            TestProcess.pause(milliseconds: 2000)
        }
        #expect(try client.readResponse().text == "60000")
        #expect(server.counts[0].expired == 0)
    }

    @Test func aParserThatIsStuckDoesNotSpin() throws {
        let server = try TestServer(.tcp)
        defer { server.stop() }
        let client = try server.client()
        let extensions = String(repeating: "a", count: 20_000)
        client.send("POST /size HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;\(extensions)")
        // 300 ms in pauses of 20 ms; the library alone would turn some hundred thousand times.
        #expect(server.turnsAtRest() < 100)
        #expect(try server.client().exchange("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
    }
}
