import HTTPServer
import Testing

@Suite(.timeLimit(.minutes(10)))
struct SuspensionTests {
    private static let later = "GET /later HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test(arguments: Transport.allCases)
    func anAnswerMayComeLater(over transport: Transport) throws {
        let server = try TestServer(transport)
        defer { server.stop() }
        let client = try server.client()
        for round in 0..<20 {
            client.send(Self.later)
            try server.waitForExchanges(1)
            server.answerAll("round \(round)")
            #expect(try client.readResponse().text == "round \(round)")
        }
    }

    @Test func manyMayWaitAtOnce() throws {
        let server = try TestServer(.tcp)
        defer { server.stop() }
        let clients = try (0..<100).map { _ in try server.client() }
        for client in clients {
            client.send(Self.later)
        }
        try server.waitForExchanges(100)
        #expect(try server.client().exchange("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n").text == "fine")
        server.answerAll("now")
        for client in clients {
            #expect(try client.readResponse().text == "now")
        }
    }

    @Test func waitingCostsNoTurns() throws {
        let server = try TestServer(.tcp, .unix)
        defer { server.stop() }
        let clients = try (0..<2).map { try server.client($0) }
        for client in clients {
            client.send(Self.later)
        }
        try server.waitForExchanges(2)
        clients[0].finishSending()
        #expect(server.turnsAtRest() == 0)
        server.answerAll("")
    }

    @Test func aUnixClientThatLeavesIsNoticedOnce() throws {
        let server = try TestServer(.unix)
        defer { server.stop() }
        do {
            let client = try server.client()
            client.send(Self.later)
            try server.waitForExchanges(1)
        }
        #expect(eventually { server.goneCount == 1 })
        #expect(eventually { server.counts[0].open == 0 })
        server.answerAll("too late")
        #expect(server.goneCount == 1)
    }

    @Test func aTCPClientThatResetsIsNoticedOnce() throws {
        let server = try TestServer(.tcp)
        defer { server.stop() }
        do {
            let client = try server.client()
            client.send(Self.later)
            try server.waitForExchanges(1)
            client.willReset()
        }
        #expect(eventually { server.goneCount == 1 })
        #expect(eventually { server.counts[0].open == 0 })
        server.answerAll("too late")
        #expect(server.goneCount == 1)
    }

    @Test(arguments: Transport.allCases)
    func aClientThatOnlyClosesItsSideStillGetsItsAnswer(over transport: Transport) throws {
        let server = try TestServer(transport)
        defer { server.stop() }
        let client = try server.client()
        client.send(Self.later)
        client.finishSending()
        try server.waitForExchanges(1)
        server.answerAll("late")
        #expect(try client.readResponse().text == "late")
        #expect(client.isAtEnd())
        #expect(server.goneCount == 0)
    }

    @Test func aTCPClientThatClosesIsLetGoWithItsAnswer() throws {
        let server = try TestServer(.tcp)
        defer { server.stop() }
        do {
            let client = try server.client()
            client.send(Self.later)
            try server.waitForExchanges(1)
        }
        server.answerAll("nobody reads this")
        #expect(eventually { server.counts[0].open == 0 })
    }

    @Test func stoppingTakesTheClientsFromThoseThatWait() throws {
        let server = try TestServer(.tcp, .unix)
        let clients = try (0..<20).map { try server.client($0 % 2) }
        for client in clients {
            client.send(Self.later)
        }
        try server.waitForExchanges(20)
        let gone = server.onLoop { running in
            running.stop()
            return server.handler.goneCount
        }
        #expect(gone == 20)
        for client in clients {
            #expect(client.readToEnd().isEmpty)
        }
        server.answerAll("too late")
        server.stop()
    }

    @Test func anAnswerGivenJustBeforeTheStopIsSent() throws {
        let server = try TestServer(.tcp)
        let client = try server.client()
        client.send(Self.later)
        try server.waitForExchanges(1)
        server.onLoop { running in
            for exchange in server.handler.waiting {
                exchange.respond(TestHandler.text("bye"))
            }
            running.stop()
        }
        #expect(try client.readResponse().text == "bye")
        #expect(client.isAtEnd())
        server.stop()
    }

    @Test func anAnswerOnlyNeedsTheLoop() throws {
        let server = try TestServer(.tcp)
        defer { server.stop() }
        let client = try server.client()
        let other = try server.client()
        client.send(Self.later)
        try server.waitForExchanges(1)
        // The second request's handler answers the first one.
        other.send("GET /release HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try client.readResponse().text == "released")
        #expect(try other.readResponse().text == "fine")
    }
}
