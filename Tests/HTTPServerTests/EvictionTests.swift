import HTTPServer
import Testing

@Suite(.timeLimit(.minutes(10)))
struct EvictionTests {
    private static let limit = 8
    private static let limits: HTTPLimits = {
        var limits = HTTPLimits()
        limits.connectionsPerListener = Self.limit
        return limits
    }()
    private static let honest = "GET /ok HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test(arguments: Transport.allCases)
    func idleConnectionsGiveWay(over transport: Transport) throws {
        let server = try TestServer(limits: Self.limits, transport)
        defer { server.stop() }
        var attackers: [TestClient] = []
        for _ in 0..<100 {
            try attackers.append(server.client())
            #expect(try server.client().exchange(Self.honest).status == 200)
        }
        #expect(server.counts[0].evicted >= 80)
        #expect(server.counts[0].refused == 0)
        #expect(eventually { server.counts[0].open <= Self.limit })
    }

    @Test func unfinishedHeadersGiveWay() throws {
        let server = try TestServer(limits: Self.limits, .tcp)
        defer { server.stop() }
        let attackers = try (0..<(3 * Self.limit)).map { _ in
            let client = try server.client()
            client.send("GET /ok HTTP/1.1\r\nHost: a\r\nX:")
            return client
        }
        #expect(try server.client().exchange(Self.honest).status == 200)
        #expect(attackers[0].isAtEnd())
    }

    @Test func theOldestGivesWayFirst() throws {
        let server = try TestServer(limits: Self.limits, .tcp)
        defer { server.stop() }
        let clients = try (0..<Self.limit).map { _ in
            let client = try server.client()
            #expect(try client.exchange(Self.honest).status == 200)
            return client
        }
        // The first one becomes the youngest.
        #expect(try clients[0].exchange(Self.honest).status == 200)
        #expect(try server.client().exchange(Self.honest).status == 200)
        #expect(clients[1].isAtEnd())
        #expect(try clients[0].exchange(Self.honest).status == 200)
    }

    @Test func requestsThatWaitDoNotGiveWay() throws {
        let server = try TestServer(limits: Self.limits, .tcp, .unix)
        defer { server.stop() }
        let waiting = try (0..<Self.limit).map { _ in
            let client = try server.client(0)
            client.send("GET /later HTTP/1.1\r\nHost: a\r\n\r\n")
            return client
        }
        try server.waitForExchanges(Self.limit)
        let refused = try server.client(0)
        let response = try refused.readResponse()
        #expect(response.status == 503)
        #expect(response.header("Retry-After") == "1")
        #expect(response.text.contains("\"code\":\"busy\""))
        #expect(server.counts[0].refused == 1)
        // The other listener has its own limit.
        #expect(try server.client(1).exchange(Self.honest).status == 200)
        server.answerAll("done")
        for client in waiting {
            #expect(try client.readResponse().text == "done")
        }
    }

    @Test func aWaitingRequestWhoseClientEndedItsSideGivesWay() throws {
        let server = try TestServer(limits: Self.limits, .tcp)
        defer { server.stop() }
        let waiting = try (0..<Self.limit).map { _ in
            let client = try server.client()
            client.send("GET /later HTTP/1.1\r\nHost: a\r\n\r\n")
            return client
        }
        try server.waitForExchanges(Self.limit)
        waiting[3].finishSending()
        #expect(eventually { (try? server.client().exchange(Self.honest).status) == 200 })
        #expect(server.goneCount == 1)
        #expect(waiting[3].isAtEnd())
        server.answerAll("done")
    }
}
