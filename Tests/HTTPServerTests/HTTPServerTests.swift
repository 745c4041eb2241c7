import HTTPServer
import LinuxSystem
import Testing

@Suite(.timeLimit(.minutes(10)))
struct HTTPServerTests {
    @Test(arguments: Transport.allCases)
    func aRequestIsAnswered(over transport: Transport) throws {
        let server = try TestServer(transport)
        defer { server.stop() }
        let response = try server.client().exchange("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(response.status == 200)
        #expect(response.header("Content-Type") == "text/plain")
        #expect(response.header("Date") != nil)
        #expect(response.text == "fine")
    }

    @Test func theHandlerSeesTheWholeRequest() throws {
        let server = try TestServer(.tcp)
        defer { server.stop() }
        let response = try server.client().exchange(
            "POST /describe/%C3%A4%20b?reason=a+b%2Fc&empty&x=1&x=2 HTTP/1.1\r\nhOST:  a \r\nX-One: 1 \r\n"
                + "Content-Length: 5\r\n\r\nhello"
        )
        #expect(
            response.text == """
                POST ["describe", "ä b"] reason=a b/c empty= x=1 x=2
                hOST: a
                X-One: 1
                Content-Length: 5
                hello
                """
        )
    }

    @Test func manyRequestsShareAConnectionAndOneResponse() throws {
        let server = try TestServer(.tcp)
        defer { server.stop() }
        let client = try server.client()
        for _ in 0..<1000 {
            let response = try client.exchange("GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(response.status == 200)
            #expect(response.body == server.handler.large.body)
        }
        #expect(server.counts[0].accepted == 1)
    }

    @Test(arguments: Transport.allCases)
    func pipelinedRequestsAreAnsweredInOrder(over transport: Transport) throws {
        let server = try TestServer(transport)
        defer { server.stop() }
        let client = try server.client()
        client.send((0..<50).map { "GET /describe/\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined())
        for number in 0..<50 {
            #expect(try client.readResponse().text.hasPrefix("GET [\"describe\", \"\(number)\"]"))
        }
    }

    @Test func aRequestBehindOneThatWaitsIsAnsweredAfterIt() throws {
        let server = try TestServer(.tcp)
        defer { server.stop() }
        let client = try server.client()
        client.send("GET /later HTTP/1.1\r\nHost: a\r\n\r\nGET /ok HTTP/1.1\r\nHost: a\r\n\r\n")
        try server.waitForExchanges(1)
        server.answerAll("late")
        #expect(try client.readResponse().text == "late")
        #expect(try client.readResponse().text == "fine")
    }

    @Test func aHeadRequestGetsTheLengthAndNoBody() throws {
        let server = try TestServer(.tcp)
        defer { server.stop() }
        let client = try server.client()
        client.send("HEAD /large HTTP/1.1\r\nHost: a\r\n\r\n")
        let response = try client.readResponse(withBody: false)
        #expect(response.status == 200)
        #expect(response.header("Content-Length") == "\(server.handler.large.body.count)")
        #expect(try client.exchange("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n").text == "fine")
    }

    @Test func aNotModifiedAnswerHasNoBody() throws {
        let server = try TestServer(.tcp)
        defer { server.stop() }
        let client = try server.client()
        client.send("GET /unchanged HTTP/1.1\r\nHost: a\r\n\r\n")
        let response = try client.readResponse(withBody: false)
        #expect(response.status == 304)
        #expect(response.header("ETag") == "\"1\"")
        #expect(try client.exchange("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n").text == "fine")
    }

    @Test func anOldClientIsAnsweredAndClosed() throws {
        let server = try TestServer(.tcp)
        defer { server.stop() }
        let client = try server.client()
        #expect(try client.exchange("GET /ok HTTP/1.0\r\nHost: a\r\n\r\n").text == "fine")
        #expect(client.isAtEnd())
    }

    @Test func aClientThatOnlyClosesItsSideIsAnswered() throws {
        let server = try TestServer(.tcp)
        defer { server.stop() }
        let client = try server.client()
        client.send("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n")
        client.finishSending()
        #expect(try client.readResponse().text == "fine")
    }

    @Test(arguments: Transport.allCases)
    func anEarlyRefusalKeepsTheConnectionUnlessABodyIsAnnounced(over transport: Transport) throws {
        let server = try TestServer(transport)
        defer { server.stop() }
        let client = try server.client()
        #expect(try client.exchange("GET /forbidden HTTP/1.1\r\nHost: a\r\n\r\n").status == 403)
        #expect(
            try client.exchange("POST /forbidden HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").status == 403
        )
        client.send("POST /forbidden HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
        let response = try client.readResponse()
        #expect(response.status == 403)
        #expect(response.header("Connection") == "close")
        #expect(client.isAtEnd())
        #expect(server.handledPaths.isEmpty)
    }

    @Test func listenersAreToldApart() throws {
        let server = try TestServer(.tcp, .tcp, .unix)
        defer { server.stop() }
        for index in 0..<3 {
            let response = try server.client(index).exchange("GET /who HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(response.text.hasPrefix("\(index) "))
        }
        #expect(server.counts.map(\.accepted) == [1, 1, 1])
    }

    @Test func aTCPClientIsKnownByItsAddress() throws {
        let server = try TestServer(.tcp)
        defer { server.stop() }
        #expect(try server.client().exchange("GET /who HTTP/1.1\r\nHost: a\r\n\r\n").text == "0 127.0.0.1")
    }

    @Test func aUnixClientIsKnownByItsCredentials() throws {
        let server = try TestServer(.unix)
        defer { server.stop() }
        let text = try server.client().exchange("GET /who HTTP/1.1\r\nHost: a\r\n\r\n").text
        #expect(text == "0 \(TestProcess.pid) \(TestProcess.uid) \(TestProcess.gid) \(TestProcess.groups)")
    }

    @Test func aServerWithoutClientsDoesNothing() throws {
        let server = try TestServer(.tcp, .unix)
        defer { server.stop() }
        for index in 0..<2 {
            let client = try server.client(index)
            #expect(try client.exchange("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
        }
        #expect(eventually { server.counts.allSatisfy { $0.open == 0 } })
        #expect(server.turnsAtRest() == 0)
    }

    @Test func aClientThatKeepsItsConnectionCostsNoTurns() throws {
        let server = try TestServer(.tcp)
        defer { server.stop() }
        let client = try server.client()
        #expect(try client.exchange("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
        #expect(server.turnsAtRest() == 0)
        #expect(server.counts[0].open == 1)
    }

    @Test func stoppingClosesEverything() throws {
        let server = try TestServer(.tcp, .unix)
        let idle = try server.client(0)
        #expect(try idle.exchange("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
        server.stop()
        #expect(idle.isAtEnd())
        // A child of another test has the sockets too until its exec.
        #expect(eventually { (try? server.client(0)) == nil && (try? server.client(1)) == nil })
    }

    @Test func aHandlerMayStopTheServer() throws {
        let server = try TestServer(.tcp)
        let client = try server.client()
        #expect(try client.exchange("GET /stop HTTP/1.1\r\nHost: a\r\n\r\n").text == "fine")
        #expect(client.isAtEnd())
        server.stop()
    }

    @Test func theLibrarysLogIsLimited() throws {
        var limits = HTTPLimits()
        limits.logLinesPerSecond = 3
        let server = try TestServer(limits: limits, .tcp)
        defer { server.stop() }
        for _ in 0..<20 {
            let client = try server.client()
            client.send("GET /ok HTTP/1.1\r\nno colon\r\n\r\n")
            _ = client.readToEnd()
        }
        #expect(server.logLines.count >= 3)
        #expect(server.logLines.count < 20)
    }
}
