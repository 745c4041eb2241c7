import ControlMessages
import FoundationEssentials
import History
import Supervision
import Testing

@testable import ControlAPI
@testable import HTTPServer

/// GET /v1/events on a desk: what is followed, from memory and from a history that the test holds.
@Suite struct EventsTests {
    private let desk = Desk.withWorkers()

    // MARK: Live

    @Test func whatHappensComesAtOnceInTheFormOfServerSentEvents() throws {
        let client = try Follower(self.desk)
        #expect(client.response.status == 200)
        #expect(client.response.header("Content-Type") == "text/event-stream")
        #expect(client.response.header("Cache-Control") == "no-store")
        // The desk has told of two things before.
        #expect(client.response.header("Last-Event-ID") == "2")
        #expect(client.read() == ": after 2\n\n")
        self.desk.become(.running, "web", 1)
        let json =
            #"{"id":3,"at":"\#(TimestampText.format(self.desk.timer.now.wall))","type":"instance.status","worker":"web","#
            + #""instance":1,"run_id":null,"from":"running","to":"running","exit_seq":null,"operation_id":null,"text":""}"#
        #expect(client.read() == "id: 3\nevent: instance.status\ndata: \(json)\n\n")
        #expect(client.read().isEmpty)
    }

    @Test func ndjsonIsOneObjectALine() throws {
        let client = try Follower(self.desk, "?format=ndjson")
        #expect(client.response.header("Content-Type") == "application/x-ndjson")
        #expect(client.read().isEmpty)
        self.desk.apply(.exit(self.desk.exit(1)), .operation(self.desk.operation(.restart)))
        let lines = client.read()
        #expect(lines.hasSuffix("}\n"))
        let events = try client.events(lines)
        #expect(events.map(\.id) == [3, 4])
        #expect(events.map(\.type) == ["exit", "operation"])
        #expect(events[0].exitSeq == 1)
        #expect(events[0].text.hasPrefix("exited with code 1"))
    }

    @Test func onlyWhatIsAskedForComes() throws {
        let web = try Follower(self.desk, "?format=ndjson&worker=w*")
        let exits = try Follower(self.desk, "?format=ndjson&type=exit,operation&worker=db")
        self.desk.become(.running, "web")
        self.desk.become(.running, "db")
        self.desk.apply(.exit(self.desk.exit(1, "db")), .shuttingDown(requestedBy: "uid:0", reason: nil))
        #expect(try web.next().map(\.id) == [3])
        #expect(try exits.next().map(\.id) == [5])
    }

    @Test func aFollowerThatHasLeftIsForgotten() throws {
        let client = try Follower(self.desk)
        #expect(self.desk.handler.events.followerCount == 1)
        client.stream.close()
        #expect(self.desk.handler.events.followerCount == 0)
        self.desk.become(.running, "web")
    }

    @Test func heartbeatsAreCommentsOrEmptyLines() throws {
        #expect(try Follower(self.desk).stream.heartbeat == Array(": nothing new\n\n".utf8))
        #expect(try Follower(self.desk, "?format=ndjson").stream.heartbeat == Array("\n".utf8))
    }

    // MARK: Going on

    @Test func aClientGoesOnAfterTheLastEventThatItHas() throws {
        for _ in 0..<5 { self.desk.become(.running, "web") }
        let byHeader = try Follower(self.desk, "?format=ndjson", headers: [("Last-Event-ID", "4")])
        #expect(try byHeader.next().map(\.id) == [5, 6, 7])
        let byParameter = try Follower(self.desk, "?format=ndjson&after=5")
        #expect(try byParameter.next().map(\.id) == [6, 7])
        // A browser that comes back asks with the address that it began with.
        let both = try Follower(self.desk, "?format=ndjson&after=1", headers: [("Last-Event-ID", "6")])
        #expect(try both.next().map(\.id) == [7])
        self.desk.become(.running, "web")
        for client in [byHeader, byParameter, both] {
            #expect(try client.next().map(\.id) == [8])
        }
    }

    @Test func withoutFollowingTheStreamEndsWithWhatIsThere() throws {
        for _ in 0..<3 { self.desk.become(.running, "web") }
        let client = try Follower(self.desk, "?format=ndjson&after=2&follow=false")
        #expect(try client.next().map(\.id) == [3, 4, 5])
        #expect(client.stream.isFinished)
        #expect(try Follower(self.desk, "?follow=false").stream.isFinished)
    }

    @Test func whatCannotBeGoneOnFromIsSaid() throws {
        #expect(try self.desk.refused(410, .gone, "GET", "/v1/events?after=3").contains("the newest is 2"))
        for query in ["after=x", "after=1&since=1h", "since=never", "type=exits", "format=xml", "follow=1"] {
            try self.desk.refused(400, .invalidParameter, "GET", "/v1/events?\(query)")
        }
        try self.desk.refused(400, .invalidParameter, "GET", "/v1/events", headers: [("Last-Event-ID", "x")])
        try self.desk.refused(404, .unknownWorker, "GET", "/v1/events?worker=wbe")
        try self.desk.refused(403, .forbidden, "GET", "/v1/events", as: .user(7, groups: [500]))
        #expect(self.desk.handler.events.followerCount == 0)
    }

    // MARK: Reading slowly

    @Test func aSlowClientGetsEveryEventOnce() throws {
        let slow = try Follower(self.desk, "?format=ndjson")
        let quick = try Follower(self.desk, "?format=ndjson")
        // More than one stream holds, less than memory does.
        for _ in 0..<1000 { self.desk.become(.running, "web") }
        #expect(slow.stream.waiting <= EventFeed.streamLimit)
        #expect(try slow.next().map(\.id) == Array(3...1002))
        #expect(try quick.next().map(\.id) == Array(3...1002))
    }

    @Test func aClientThatDoesNotReadIsToldAndCut() throws {
        let stalled = try Follower(self.desk)
        let other = try Follower(self.desk, "?format=ndjson")
        self.desk.become(.running, "web")
        let last = try #require(stalled.stream.onStall?())
        stalled.stream.cut(with: last)
        self.desk.become(.running, "web")
        let text = stalled.read()
        #expect(text.hasPrefix("event: lagged\ndata: {\"id\":null,\"at\":\""))
        #expect(text.hasSuffix("go on after the last id that you have\"}\n\n"))
        #expect(try other.next().map(\.id) == [3, 4])
        let metrics = try self.desk.get("/metrics").text
        #expect(metrics.contains("\nreeve_event_followers_cut_total 1\n"))
    }

    @Test func anEventThatIsUnderWayWhenItsClientIsCutArrivesWhole() throws {
        let stalled = try Follower(self.desk)
        self.desk.become(.running, "web")
        self.desk.become(.running, "web")
        var text = stalled.read(atMost: 20)
        stalled.stream.cut(with: try #require(stalled.stream.onStall?()))
        text += stalled.read()
        #expect(text.hasPrefix(": after 2\n\nid: 3\nevent: "))
        let frames = text.split(separator: "\n\n").map(String.init)
        #expect(frames.count == 3)
        #expect(frames[1].hasSuffix("\"text\":\"\"}"))
        #expect(frames[2].hasPrefix("event: lagged\n"))
    }
}

/// A client of the desk that reads when the test says so.
final class Follower {
    let response: HTTPResponse
    let stream: HTTPStream

    convenience init(
        _ desk: Desk,
        _ query: String = "",
        headers: [(String, String)] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try self.init(desk.send("GET", "/v1/events\(query)", headers: headers), sourceLocation: sourceLocation)
    }

    init(_ exchange: FakeExchange, sourceLocation: SourceLocation = #_sourceLocation) throws {
        self.response = try exchange.response(sourceLocation: sourceLocation)
        self.stream = try #require(self.response.stream, "\(self.response.text)", sourceLocation: sourceLocation)
    }

    /// All that comes until nothing more does.
    func read(atMost limit: Int = .max) -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while bytes.count < limit {
            let size = min(limit - bytes.count, buffer.count)
            let count = buffer.withUnsafeMutableBytes { buffer in
                self.stream.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<size]))
            }
            if count == 0 { break }
            bytes += buffer[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    func events(_ lines: String) throws -> [EventMessage] {
        try lines.split(separator: "\n").map { line in
            try JSONDecoder().decode(EventMessage.self, from: Data(line.utf8))
        }
    }

    /// The events that have come, of a stream of lines.
    func next() throws -> [EventMessage] {
        try self.events(self.read())
    }
}
