import Glibc
import HTTPServer
import Testing

/// Clients of streams that leave, do not read, or are many.
@Suite(.timeLimit(.minutes(10)))
struct StreamClientTests {
    private static func limits(_ change: (inout HTTPLimits) -> Void) -> HTTPLimits {
        var limits = HTTPLimits()
        change(&limits)
        return limits
    }

    /// More than the buffers of a socket take.
    private static let flood = String(repeating: "0123456789abcdef", count: 1 << 20)

    @Test func aUnixClientThatLeavesIsNoticedOnce() throws {
        let server = try TestServer(.unix)
        defer { server.stop() }
        do {
            let client = try server.follower()
            server.write("hello")
            #expect(try client.readBody(5) == "hello")
        }
        #expect(eventually { server.closedStreams == [0] })
        #expect(eventually { server.counts[0].open == 0 })
        #expect(server.write("too late") == [false])
        #expect(server.closedStreams == [0])
        #expect(server.counts[0].streams == 0)
    }

    @Test func aTCPClientThatResetsIsNoticedOnce() throws {
        let server = try TestServer(.tcp)
        defer { server.stop() }
        do {
            let client = try server.follower()
            client.willReset()
        }
        #expect(eventually { server.closedStreams == [0] })
        #expect(eventually { server.counts[0].open == 0 })
    }

    /// A client that has closed cannot be told from one that has closed its side, but by sending something.
    @Test(arguments: [true, false])
    func aTCPClientThatClosesIsNoticedAtTheNextHeartbeat(withBytes: Bool) throws {
        let server = try TestServer(limits: Self.limits { $0.heartbeatTime = .milliseconds(60) }, .tcp)
        defer { server.stop() }
        server.onLoop { _ in
            server.handler.prepareStream = { $0.heartbeat = withBytes ? Array(".".utf8) : nil }
        }
        do {
            _ = try server.follower()
        }
        #expect(eventually { server.closedStreams == [0] })
        #expect(eventually { server.counts[0].open == 0 })
    }

    @Test(arguments: Transport.allCases)
    func aSilentStreamGetsHeartbeats(over transport: Transport) throws {
        let server = try TestServer(limits: Self.limits { $0.heartbeatTime = .milliseconds(60) }, transport)
        defer { server.stop() }
        server.onLoop { _ in
            server.handler.prepareStream = { $0.heartbeat = Array(".".utf8) }
        }
        let client = try server.follower()
        #expect(try client.readBody(3) == "...")
        server.withStream { stream in
            stream.heartbeat = nil
            #expect(stream.write(Array("end".utf8)))
            stream.finish()
        }
        #expect(try client.readBodyToEnd().drop { $0 == "." } == "end")
    }

    @Test(arguments: Transport.allCases)
    func aClientThatDoesNotReadIsCutAndFindsTheLastWords(over transport: Transport) throws {
        let server = try TestServer(limits: Self.limits { $0.streamStallTime = .seconds(1) }, transport)
        defer { server.stop() }
        server.onLoop { _ in
            server.handler.prepareStream = { stream in
                stream.onStall = { Array("lagged".utf8) }
            }
        }
        let lazy = try server.follower()
        let eager = try server.follower()
        let flood = Self.flood
        #expect(server.withStream { $0.write(Array(flood.utf8)) })
        #expect(eventually { server.counts[0].cut == 1 })
        #expect(server.withStream { $0.waiting } == 6)
        #expect(server.withStream(1) { $0.write(Array("on it goes".utf8)) })
        #expect(try eager.readBody(10) == "on it goes")
        let read = try lazy.readBodyToEnd()
        #expect(read.utf8.count < flood.utf8.count)
        #expect(read.hasSuffix("lagged"))
        #expect(flood.hasPrefix(read.dropLast(6)))
        #expect(eventually { server.closedStreams == [0] })
    }

    @Test func aClientThatNeverReadsIsClosed() throws {
        let limits = Self.limits {
            $0.streamStallTime = .seconds(1)
            $0.streamFarewellTime = .seconds(1)
        }
        let server = try TestServer(limits: limits, .unix)
        defer { server.stop() }
        server.onLoop { _ in
            var index = 0
            server.handler.prepareStream = { stream in
                // Half of them have nothing to say.
                let last: [UInt8]? = index % 2 == 0 ? Array("lagged".utf8) : nil
                stream.onStall = { last }
                index += 1
            }
        }
        let clients = try (0..<4).map { _ in try server.follower() }
        server.write(Self.flood)
        #expect(eventually { server.closedStreams.count == 4 })
        #expect(eventually { server.counts[0].open == 0 })
        #expect(server.counts[0].expired == 4)
        #expect(server.counts[0].cut == 2)
        for client in clients {
            #expect(!client.readToEnd().isEmpty)
        }
    }

    @Test func aSlowClientThatReadsIsNotCut() throws {
        let server = try TestServer(limits: Self.limits { $0.streamStallTime = .seconds(2) }, .tcp)
        defer { server.stop() }
        let client = try server.follower()
        server.write(Self.flood)
        var count = 0
        var pauses = 0
        while count < Self.flood.utf8.count {
            count += try client.readChunk().count
            // Longer in all than a client may take nothing.
            if count / (1 << 20) > pauses {
                pauses += 1
                TestProcess.pause(milliseconds: 200)
            }
        }
        #expect(pauses >= 15)
        #expect(server.counts[0].cut == 0)
    }

    @Test func streamsLeaveRoomForRequests() throws {
        let server = try TestServer(limits: Self.limits { $0.connectionsPerListener = 8 }, .unix)
        defer { server.stop() }
        let followers = try (0..<4).map { _ in try server.follower() }
        let refused = try server.client().exchange("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(refused.status == 503)
        #expect(refused.header("Retry-After") == "1")
        #expect(server.closedStreams == [4])
        // Newcomers take the places of each other.
        let idle = try (0..<8).map { _ in try server.client() }
        #expect(try server.client().exchange("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n").text == "fine")
        server.write("still here")
        for follower in followers {
            #expect(try follower.readBody(10) == "still here")
        }
        withExtendedLifetime(idle) {}
    }

    @Test func oneThatWasCutGivesWay() throws {
        let limits = Self.limits {
            $0.connectionsPerListener = 2
            $0.streamStallTime = .seconds(1)
        }
        let server = try TestServer(limits: limits, .unix)
        defer { server.stop() }
        server.onLoop { _ in
            server.handler.prepareStream = { $0.onStall = { Array("lagged".utf8) } }
        }
        let lazy = try server.follower()
        server.write(Self.flood)
        #expect(eventually { server.counts[0].cut == 1 })
        let waiting = try server.client()
        waiting.send("GET /later HTTP/1.1\r\nHost: a\r\n\r\n")
        try server.waitForExchanges(1)
        #expect(try server.client().exchange("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n").text == "fine")
        #expect(server.counts[0].evicted == 1)
        #expect(server.closedStreams == [0])
        #expect(!lazy.readToEnd().isEmpty)
    }

    /// In a process of its own, because it needs more descriptors than others have.
    @Test func aThousandFollowersShareWhatTheyAreTold() async {
        await #expect(processExitsWith: .success) {
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            limit.rlim_cur = min(limit.rlim_max, 4096)
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            var limits = HTTPLimits()
            limits.connectionsPerListener = 2048
            let server = try TestServer(limits: limits, .unix)
            let followers = try (0..<1000).map { _ in try server.follower() }
            let piece = String(repeating: "x", count: 250)
            for _ in 0..<20 {
                guard server.write(piece).allSatisfy({ $0 }) else { exit(1) }
                for follower in followers {
                    guard try follower.readBody(250) == piece else { exit(2) }
                }
            }
            guard server.counts[0].streams == 1000, server.turnsAtRest() == 0 else { exit(3) }
            server.stop()
        }
    }
}
