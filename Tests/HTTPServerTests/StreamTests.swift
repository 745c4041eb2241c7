import HTTPServer
import Testing

@Suite(.timeLimit(.minutes(10)))
struct StreamTests {
    private static let request = "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test(arguments: Transport.allCases)
    func whatIsWrittenComesAtOnce(over transport: Transport) throws {
        let server = try TestServer(transport)
        defer { server.stop() }
        let client = try server.client()
        client.send(Self.request)
        // The header does not wait for the first byte.
        let head = try client.readResponse(withBody: false)
        #expect(head.status == 200)
        #expect(head.header("Transfer-Encoding") == "chunked")
        for round in 0..<20 {
            #expect(server.write("round \(round)") == [true])
            #expect(try String(decoding: client.readChunk(), as: UTF8.self) == "round \(round)")
        }
        server.withStream { $0.finish() }
        #expect(try client.readChunk().isEmpty)
        #expect(server.closedStreams == [0])
        // The connection is kept.
        #expect(try client.exchange("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n").text == "fine")
        #expect(server.counts[0].streams == 0)
    }

    @Test func whatIsWrittenBeforeTheAnswerComesWithIt() throws {
        let server = try TestServer(.tcp)
        defer { server.stop() }
        server.onLoop { _ in
            server.handler.prepareStream = { stream in
                #expect(stream.write(Array("all".utf8)))
                stream.finish()
                #expect(!stream.write([1]))
            }
        }
        let client = try server.follower()
        #expect(try client.readBodyToEnd() == "all")
        #expect(server.closedStreams == [0])
    }

    @Test(arguments: Transport.allCases)
    func withHTTP10TheBodyEndsWithTheConnection(over transport: Transport) throws {
        let server = try TestServer(transport)
        defer { server.stop() }
        let client = try server.client()
        client.send("GET /stream HTTP/1.0\r\nHost: a\r\n\r\n")
        #expect(try client.readResponse(withBody: false).header("Transfer-Encoding") == nil)
        server.write("one,")
        server.write(String(repeating: "two", count: 1000))
        server.withStream { $0.finish() }
        #expect(client.readToEnd() == Array(("one," + String(repeating: "two", count: 1000)).utf8))
    }

    @Test func aHEADRequestGetsTheHeaderAlone() throws {
        let server = try TestServer(.unix)
        defer { server.stop() }
        let client = try server.client()
        client.send("HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n")
        let head = try client.readResponse(withBody: false)
        #expect(head.status == 200)
        #expect(head.header("Content-Type") == "text/plain")
        #expect(head.header("Content-Length") == nil)
        #expect(client.isAtEnd())
        #expect(server.closedStreams == [0])
    }

    @Test func aRequestBehindAStreamIsAnsweredAfterIt() throws {
        let server = try TestServer(.tcp)
        defer { server.stop() }
        let client = try server.client()
        client.send(Self.request + "GET /ok HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try client.readResponse(withBody: false).status == 200)
        server.write("first")
        #expect(try client.readBody(5) == "first")
        server.withStream { $0.finish() }
        #expect(try client.readChunk().isEmpty)
        #expect(try client.readResponse().text == "fine")
    }

    /// 32 MiB, of which a piece at a time is in memory.
    @Test(arguments: Transport.allCases)
    func aBacklogIsPulledAsItIsRead(over transport: Transport) throws {
        let server = try TestServer(transport)
        defer { server.stop() }
        let pieces = (0..<64).map { piece in (0..<4096).map { UInt8(truncatingIfNeeded: ($0 + piece) % 251) } }
        server.onLoop { _ in
            server.handler.prepareStream = { stream in
                var written = 0
                stream.onReady = { [unowned stream] in
                    #expect(stream.waiting == 0)
                    #expect(stream.write(pieces[written % 64]))
                    written += 1
                    if written == 8192 {
                        stream.finish()
                    }
                }
            }
        }
        let client = try server.follower()
        var received: [UInt8] = []
        var total = 0
        while case let chunk = try client.readChunk(), !chunk.isEmpty {
            received += chunk
            while received.count >= 4096 {
                try #require(Array(received.prefix(4096)) == pieces[total % 64])
                received.removeFirst(4096)
                total += 1
            }
        }
        #expect(total == 8192)
        #expect(received.isEmpty)
    }

    @Test func beyondTheLimitNothingIsTaken() throws {
        let server = try TestServer(.tcp)
        defer { server.stop() }
        let client = try server.follower()
        let taken = server.withStream { stream in
            [600, 400, 1].map { stream.write([UInt8](repeating: 0x61, count: $0)) } + [stream.waiting == 1000]
        }
        #expect(taken == [true, true, false, true])
        #expect(try client.readBody(1000).count == 1000)
        // What is larger than the limit goes alone.
        #expect(server.write(String(repeating: "b", count: 5000)) == [true])
        #expect(try client.readBody(5000).count == 5000)
    }

    @Test func restingCostsNoTurns() throws {
        let server = try TestServer(.tcp, .unix)
        defer { server.stop() }
        let clients = try (0..<20).map { try server.follower($0 % 2) }
        server.write("one")
        for client in clients {
            #expect(try client.readBody(3) == "one")
        }
        #expect(server.turnsAtRest() == 0)
    }

    @Test func stoppingEndsStreamsInOrder() throws {
        let server = try TestServer(.tcp, .unix)
        let clients = try (0..<10).map { try server.follower($0 % 2) }
        server.onLoop { running in
            for stream in server.handler.streams {
                #expect(stream.write(Array("last".utf8)))
            }
            running.stop()
        }
        for client in clients {
            #expect(try client.readBodyToEnd() == "last")
            #expect(client.isAtEnd())
        }
        #expect(server.closedStreams.sorted() == Array(0..<10))
        server.stop()
    }

    @Test func stoppingDoesNotWaitForAClientThatDoesNotRead() throws {
        let server = try TestServer(.unix)
        let client = try server.follower()
        server.write(String(repeating: "a", count: 4 << 20))
        #expect(server.write("b") == [false])
        server.onLoop { $0.stop() }
        #expect(server.closedStreams == [0])
        #expect(client.readToEnd().count > 0)
        server.stop()
    }
}
