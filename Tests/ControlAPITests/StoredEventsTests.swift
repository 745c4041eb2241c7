import ControlMessages
import LinuxSystem
import Supervision
import Testing

@testable import ControlAPI
@testable import HTTPServer
@testable import History

/// Following from the history on: the seam between what it holds and what happens, retention, and trouble.
@Suite struct StoredEventsTests {
    /// Of an agent whose last life told 1000 events, of which the newest 500 were handed over.
    private static func desk(_ stored: ClosedRange<Int64> = 1...1000) -> Desk {
        var recovery = HistoryRecovery.nothing
        recovery.lastTransitionID = stored.upperBound
        recovery.newestTransitions = stored.suffix(500).map { Self.record($0) }
        let desk = Desk(recovery: recovery, firstTransition: stored.upperBound + 1)
        desk.history.contents.withLock { $0.transitions = stored.map { Self.record($0) } }
        return desk
    }

    private static func record(_ id: Int64, at seconds: Int64? = nil) -> TransitionRecord {
        let at = Timestamp(nanosecondsSinceEpoch: (seconds ?? id) * 1_000_000_000)
        let change = InstanceChange(
            from: .starting,
            to: .running,
            status: InstanceStatus(id: InstanceID(worker: id % 100 == 0 ? "db" : "web", index: 0))
        )
        return TransitionRecord(Transition(id: id, at: at, change: .instance(change)))
    }

    /// Something happens: the history knows of it before the desk is told.
    private static func happen(_ desk: Desk, _ id: Int64, isTold: Bool = true) {
        desk.history.contents.withLock { $0.transitions.append(Self.record(id)) }
        if isTold {
            Self.tell(desk, id)
        }
    }

    private static func tell(_ desk: Desk, _ id: Int64) {
        desk.become(.running, "web")
    }

    @Test func whatWasToldLastNeedsNoHistory() throws {
        let desk = Self.desk()
        let client = try Follower(desk, "?format=ndjson&after=500")
        #expect(try client.next().map(\.id) == Array(501...1000))
        #expect(desk.history.contents.withLock { $0.questions } == 0)
    }

    @Test func whatIsOlderComesFromTheHistoryAndThenWhatHappens() throws {
        let desk = Self.desk()
        let client = try Follower(desk, "?format=ndjson&after=0")
        var ids = try client.next().map(\.id)
        #expect(ids == Array(1...1000))
        Self.happen(desk, 1001)
        ids += try client.next().map(\.id)
        #expect(ids == Array(1...1001))
    }

    @Test func whatHappensWhileTheHistoryIsReadComesOnceAndInOrder() throws {
        let desk = Self.desk()
        desk.history.contents.withLock { $0.isHeld = true }
        let exchange = desk.send("GET", "/v1/events?format=ndjson&after=200")
        #expect(exchange.responses.isEmpty)
        Self.happen(desk, 1001)
        // Committed, and not told yet when the history answers.
        Self.happen(desk, 1002, isTold: false)
        desk.history.release()
        let client = try Follower(exchange)
        var ids = try client.next().map(\.id)
        Self.tell(desk, 1002)
        Self.happen(desk, 1003)
        ids += try client.next().map(\.id)
        #expect(ids == Array(201...1003))
    }

    @Test func aFilterIsForWhatIsStoredAsWell() throws {
        let desk = Self.desk()
        desk.apply(.configured([WorkerSpecification(name: "db", command: ["/usr/bin/db"])]))
        let client = try Follower(desk, "?format=ndjson&after=0&worker=db&follow=false")
        #expect(try client.next().map(\.id) == [100, 200, 300, 400, 500, 600, 700, 800, 900, 1000])
        #expect(client.stream.isFinished)
    }

    @Test func sinceBeginsWithTheFirstEventOfThatTime() throws {
        let desk = Self.desk()
        desk.history.contents.withLock { contents in
            let now = desk.timer.now.wall.nanosecondsSinceEpoch / 1_000_000_000
            contents.transitions = (1...1000).map { Self.record($0, at: now - 1000 + $0) }
        }
        let client = try Follower(desk, "?format=ndjson&since=900s&follow=false")
        #expect(try client.next().map(\.id) == Array(100...1000))
        let nothing = try Follower(desk, "?format=ndjson&since=0s&follow=false")
        #expect(nothing.response.header("Last-Event-ID") == "999")
        let future = try Follower(desk, "?format=ndjson&since=2100-01-01T00:00:00Z")
        #expect(future.response.header("Last-Event-ID") == "1000")
    }

    @Test func whatIsNoLongerKeptIsGoneAndSaysWhatIs() throws {
        let desk = Self.desk(301...1000)
        let answer = try desk.get("/v1/events?after=100")
        #expect(answer.status == 410)
        #expect(answer.text.hasSuffix(",\"oldest\":301}"))
        #expect(try Follower(desk, "?format=ndjson&after=300").next().first?.id == 301)
    }

    /// The database was damaged and set aside: what the client lacks is lost, and it must not be left out in silence.
    @Test func aHistoryThatBeganAnewDoesNotHideWhatWasLost() throws {
        var recovery = HistoryRecovery.nothing
        recovery.lastTransitionID = 1000
        let desk = Desk(recovery: recovery, firstTransition: 1001)
        desk.history.contents.withLock { $0.newestTransition = 1000 }
        let answer = try desk.get("/v1/events?after=900")
        #expect(answer.status == 410)
        #expect(answer.text.hasSuffix(",\"oldest\":1001}"))
        #expect(try Follower(desk, "?after=1000").response.status == 200)
    }

    @Test func aHistoryThatCannotBeReadIsSaid() throws {
        let desk = Self.desk()
        desk.history.contents.withLock { $0.isReadable = false }
        try desk.refused(503, .historyUnavailable, "GET", "/v1/events?after=1")
        desk.history.contents.withLock { $0.error = SQLiteError(extendedCode: 10, message: "disk I/O error") }
        try desk.refused(503, .historyUnavailable, "GET", "/v1/events?since=1h")
        // Who needs none of it gets what happens.
        let live = try Follower(desk, "?format=ndjson&after=999")
        Self.tell(desk, 1001)
        #expect(try live.next().map(\.id) == [1000, 1001])
    }

    @Test func aClientThatFellBehindWhatIsKeptIsTold() throws {
        let desk = Self.desk()
        let client = try Follower(desk, "?format=ndjson&after=0")
        #expect(client.read(atMost: 1000).hasPrefix(#"{"id":1,"#))
        desk.history.contents.withLock { contents in contents.transitions.removeAll { $0.id < 800 } }
        let rest = client.read()
        #expect(rest.contains("events before 800 are no longer kept; go on after the last id that you have"))
        #expect(client.stream.isCut)
    }

    /// Two thousand stay in memory; a client that needs older ones reads them from the history.
    @Test func aClientThatFellBehindMemoryGoesOnFromTheHistory() throws {
        let desk = Self.desk(1...10)
        let client = try Follower(desk, "?format=ndjson")
        for id in Int64(11)...5000 {
            Self.happen(desk, id)
        }
        #expect(client.stream.waiting <= EventFeed.streamLimit)
        #expect(try client.next().map(\.id) == Array(11...5000))
        #expect(desk.handler.events.recent.count == RecentEvents.maximumCount)
    }

    @Test func theHistoryIsAskedForFewAtOnce() throws {
        let desk = Self.desk()
        let clients = try (0..<20).map { _ in try Follower(desk, "?format=ndjson&after=0") }
        desk.history.contents.withLock { contents in
            contents.questions = 0
            contents.isHeld = true
        }
        // Each has read its first page and wants the next one.
        let first = clients.map { $0.read() }
        #expect(desk.history.contents.withLock { $0.questions } == EventFeed.maximumReads)
        clients[0].stream.close()
        desk.history.release()
        for (client, lines) in zip(clients, first).dropFirst() {
            let events = try client.events(lines + client.read())
            #expect(events.map(\.id) == Array(1...1000))
        }
    }
}
