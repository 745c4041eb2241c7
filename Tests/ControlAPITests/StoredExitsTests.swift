import ControlMessages
import HTTPServer
import LinuxSystem
import Supervision
import Testing

@testable import ControlAPI
@testable import History

/// The routes of exits, of what is not in memory any more: it comes from the history.
@Suite struct StoredExitsTests {
    private static let count = 2 * Int64(RecentExits.maximumCount)
    private let desk: Desk

    /// The history has twice as many exits as are in memory: every tenth of db, which crashed, the others of web; the
    /// newest half came since the agent's start.
    init() {
        let story = Desk()
        let records = (1...Self.count).map { seq in
            seq % 10 == 0 ? story.exit(seq, "db", cause: .crashed) : story.exit(seq)
        }
        var recovery = HistoryRecovery.nothing
        recovery.newestExits = Array(records[..<RecentExits.maximumCount])
        recovery.lastExitSeq = Int64(RecentExits.maximumCount)
        self.desk = Desk.withWorkers(recovery: recovery)
        for record in records[RecentExits.maximumCount...] {
            self.desk.apply(.exit(record))
        }
        self.desk.history.contents.withLock { contents in
            contents.exits = records
            contents.status.oldestExit = 1
        }
    }

    private func exits(_ target: String) throws -> ExitsMessage {
        try self.desk.get(target).decode()
    }

    private func seqs(_ target: String) throws -> [Int64] {
        try self.exits(target).exits.map(\.seq)
    }

    private var questions: Int {
        self.desk.history.contents.withLock { $0.questions }
    }

    private func retain(from oldest: Int64) {
        self.desk.history.contents.withLock { contents in
            contents.exits.removeAll { $0.seq < oldest }
            contents.status.oldestExit = oldest
        }
    }

    @Test func theHistoryIsAskedOnlyForWhatIsNotInMemory() throws {
        let count = Self.count
        #expect(try self.seqs("/v1/exits").first == count)
        #expect(try self.seqs("/v1/exits?limit=2&before=\(count)") == [count - 1, count - 2])
        #expect(try self.seqs("/v1/exits?after=\(count - 2)") == [count - 1, count])
        #expect(try self.seqs("/v1/exits?worker=db&limit=2") == [count, count - 10])
        #expect(try self.desk.get("/v1/exits/\(count)").status == 200)
        #expect(self.questions == 0)
        #expect(try self.exits("/v1/exits").oldest == 1)
        #expect(try self.seqs("/v1/exits?order=asc&limit=2") == [1, 2])
        #expect(try self.seqs("/v1/exits?after=3&limit=2") == [4, 5])
        #expect(try self.seqs("/v1/exits?before=13&worker=db") == [10])
        #expect(try self.seqs("/v1/exits?cause=crashed&before=25") == [20, 10])
        #expect(try self.seqs("/v1/exits?worker=d*,mail*&before=25") == [20, 10])
        #expect(try self.desk.get("/v1/exits/3").decode(ExitMessage.self).seq == 3)
        #expect(self.questions == 6)
    }

    @Test func pagesGoOnFromMemoryIntoTheHistory() throws {
        var seqs: [Int64] = []
        var target = "/v1/exits?limit=300"
        while true {
            let page = try self.exits(target)
            seqs += page.exits.map(\.seq)
            guard let next = page.next else { break }
            target = "/v1/exits?limit=300&before=\(next)"
        }
        #expect(seqs == Array((1...Self.count).reversed()))
        seqs = []
        var after: Int64 = 0
        while true {
            let page = try self.exits("/v1/exits?limit=300&after=\(after)")
            guard !page.exits.isEmpty, let next = page.next else { break }
            seqs += page.exits.map(\.seq)
            after = next
        }
        #expect(seqs == Array(1...Self.count))
    }

    @Test func theExitsOfAWorkerThatIsNoMoreAreStillThere() throws {
        self.desk.history.contents.withLock { contents in
            contents.exits[0].instance = InstanceID(worker: "gone", index: 0)
        }
        #expect(try self.seqs("/v1/workers/gone/exits") == [1])
        #expect(try self.seqs("/v1/exits?worker=gone") == [1])
        #expect(try self.seqs("/v1/exits?worker=g*") == [1])
        #expect(try self.seqs("/v1/exits?worker=x*") == [])
        try self.desk.refused(404, .unknownWorker, "GET", "/v1/workers/gonne/exits")
        // Whatever else is wrong with the request: what is not there has no exits that could have gone.
        try self.desk.refused(404, .unknownWorker, "GET", "/v1/workers/wbe/exits?after=1041")
        let detail = try self.desk.refused(404, .unknownWorker, "GET", "/v1/exits?worker=gone,wbe")
        #expect(detail.contains("did you mean \"web\"?"))
    }

    @Test func whatIsNoLongerKeptIsGone() throws {
        self.retain(from: 6)
        #expect(try self.exits("/v1/exits?limit=1").oldest == 6)
        for after in [0, 4] {
            let response = try self.desk.get("/v1/exits?after=\(after)&timeout=5s")
            #expect(response.status == 410)
            #expect(try response.problem().code == "gone")
            #expect(response.text.hasSuffix("\"operation\":null,\"oldest\":6}"))
        }
        #expect(try self.desk.get("/v1/exits/5").status == 410)
        #expect(try self.seqs("/v1/exits/?after=5&limit=2") == [6, 7])
        #expect(try self.desk.get("/v1/exits/6").status == 200)
        #expect(try self.seqs("/v1/exits?before=8") == [7, 6])
        try self.desk.refused(410, .gone, "GET", "/v1/exits?after=\(Self.count + 1)")
        try self.desk.refused(404, .unknownExit, "GET", "/v1/exits/\(Self.count + 1)")
        // Of a worker that has too many, some go before others.
        self.desk.history.contents.withLock { contents in contents.exits.removeAll { $0.seq == 8 } }
        #expect(try self.desk.get("/v1/exits/8").status == 410)
    }

    @Test func memoryShowsNoMoreThanIsKept() throws {
        self.retain(from: Self.count - 1)
        let page = try self.exits("/v1/exits")
        #expect(page.exits.map(\.seq) == [Self.count, Self.count - 1])
        #expect(page.oldest == Self.count - 1)
        #expect(try self.desk.get("/v1/exits/\(Self.count - 2)").status == 410)
    }

    @Test func nothingIsKeptOfADatabaseThatWasSetAside() throws {
        var recovery = HistoryRecovery.nothing
        recovery.lastExitSeq = 499
        let desk = Desk.withWorkers(recovery: recovery)
        try desk.refused(410, .gone, "GET", "/v1/exits?after=3")
        #expect(try desk.get("/v1/exits?after=3").text.hasSuffix("\"oldest\":500}"))
        #expect(try desk.get("/v1/exits?after=499").status == 200)
        try desk.refused(410, .gone, "GET", "/v1/exits/3")
        desk.apply(.exit(desk.exit(500)))
        #expect(try desk.get("/v1/exits?after=499").decode(ExitsMessage.self).exits.map(\.seq) == [500])
        try desk.refused(410, .gone, "GET", "/v1/exits?after=3")
    }

    // MARK: Waiting

    @Test func whoIsFarBehindIsAnsweredAtOnce() throws {
        #expect(try self.seqs("/v1/exits?after=3&limit=1&timeout=30s") == [4])
        #expect(self.desk.handler.waits.count == 0)
        #expect(self.desk.timer.scheduled == 0)
    }

    @Test func whoFindsNothingInTheHistoryWaitsForWhatComes() throws {
        let poll = self.desk.send("GET", "/v1/exits?worker=mailer&after=3&timeout=30s")
        #expect(poll.responses.isEmpty)
        self.desk.apply(.exit(self.desk.exit(Self.count + 1)), .exit(self.desk.exit(Self.count + 2, "mailer")))
        #expect(try poll.response().decode(ExitsMessage.self).exits.map(\.seq) == [Self.count + 2])
        let inVain = self.desk.send("GET", "/v1/exits?worker=mailer&after=3&cause=crashed&timeout=30s")
        self.desk.timer.advance(by: .seconds(30))
        #expect(
            try inVain.response().decode(ExitsMessage.self) == ExitsMessage(exits: [], next: Self.count + 2, oldest: 1)
        )
        #expect(self.desk.handler.waits.count == 0)
        #expect(self.desk.timer.scheduled == 0)
    }

    @Test func whatComesWhileTheHistoryIsAskedIsNotMissed() throws {
        self.desk.history.contents.withLock { $0.isHeld = true }
        let poll = self.desk.send("GET", "/v1/exits?worker=mailer&after=3&timeout=30s")
        self.desk.apply(.exit(self.desk.exit(Self.count + 1, "mailer")))
        #expect(poll.responses.isEmpty)
        self.desk.history.release()
        #expect(try poll.response().decode(ExitsMessage.self).exits.map(\.seq) == [Self.count + 1])
    }

    /// A batch may hold more exits than memory does.
    @Test func whoWaitsIsToldBeforeItFallsOutOfMemory() throws {
        let poll = self.desk.send("GET", "/v1/exits?after=\(Self.count)&limit=1000&timeout=30s")
        let batch = (1...Self.count).map { Transition.Change.exit(self.desk.exit(Self.count + $0)) }
        self.desk.apply(batch)
        let message: ExitsMessage = try poll.response().decode()
        let next = try #require(message.next)
        #expect(message.exits.map(\.seq) == Array((Self.count + 1)...next))
    }

    // MARK: Trouble

    @Test func anUnreadableHistoryIsSaidToBe() throws {
        let count = Self.count
        self.desk.history.contents.withLock { contents in
            contents.error = SQLiteError(extendedCode: 10, message: "disk I/O error")
            contents.status.degraded = "disk I/O error"
        }
        for target in ["/v1/exits?after=3", "/v1/exits?before=3", "/v1/exits/3", "/v1/exits?worker=gone"] {
            let detail = try self.desk.refused(503, .historyUnavailable, "GET", target)
            #expect(detail == "the history cannot be read: disk I/O error")
            #expect(try self.desk.get(target).header("Retry-After") == "1")
        }
        // What is in memory is shown, and that there is more.
        let page = try self.exits("/v1/exits?limit=1000")
        #expect(page.exits.count == RecentExits.maximumCount)
        #expect(page.exits.first?.seq == count)
        #expect(page.next == page.exits.last?.seq)
        try self.desk.refused(503, .historyUnavailable, "GET", "/v1/exits?before=\(try #require(page.next))")
    }

    @Test func ofADatabaseThatIsNotOpenOnlyMemoryIsShown() throws {
        self.desk.history.contents.withLock { $0.isReadable = false }
        #expect(try self.exits("/v1/exits?limit=1000").next == Self.count / 2 + 1)
        try self.desk.refused(503, .historyUnavailable, "GET", "/v1/exits?order=asc")
    }

    @Test func whoWaitsForAHistoryThatHangsIsToldSo() throws {
        self.desk.history.contents.withLock { $0.isHeld = true }
        let left = self.desk.send("GET", "/v1/exits/2")
        left.leave()
        let waiting = self.desk.send("GET", "/v1/exits/3")
        self.desk.timer.advance(by: HistoryQuestion.patience)
        #expect(try waiting.response().status == 503)
        #expect(try waiting.response().problem().code == "history_unavailable")
        // Questions to a history that hangs do not heap up.
        for _ in 2..<HistoryQuestion.maximumCount {
            _ = self.desk.send("GET", "/v1/exits/3")
        }
        try self.desk.refused(503, .busy, "GET", "/v1/exits/3")
        self.desk.history.release()
        #expect(self.desk.handler.questions.isEmpty)
        #expect(left.responses.isEmpty && waiting.responses.count == 1)
        #expect(try self.desk.get("/v1/exits/3").status == 200)
    }

    // MARK: Durability

    @Test func aRecordThatIsNotDurableSaysSoUntilItIs() throws {
        let seq = Self.count + 1
        var record = self.desk.exit(seq)
        record.isDurable = false
        var operation = self.desk.operation(.restart, .failed)
        operation.instances = [OperationInstance(instance: record.instance)]
        operation.instances[0].exitRunID = record.runID
        self.desk.become(.backoff, "web")
        self.desk.apply(.exit(record), .operation(operation))
        let targets = [
            "/v1/exits", "/v1/exits?limit=1", "/v1/exits/\(seq)", "/v1/workers", "/v1/workers/web",
            "/v1/operations/\(operation.id)",
        ]
        for target in targets {
            #expect(try self.desk.get(target).text.contains("\"seq\":\(seq),\"durable\":false,\"worker\":\"web\""))
        }
        self.desk.handler.madeDurable([record.runID])
        for target in targets {
            let text = try self.desk.get(target).text
            #expect(text.contains("\"seq\":\(seq),\"worker\":\"web\"") && !text.contains("durable"))
        }
    }
}
