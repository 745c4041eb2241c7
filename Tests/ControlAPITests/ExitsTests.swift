import ControlMessages
import HTTPServer
import Supervision
import Testing

@testable import ControlAPI

/// GET /v1/exits, GET /v1/exits/{seq} and GET /v1/workers/{worker}/exits.
@Suite struct ExitsTests {
    private let desk = Desk.withWorkers()

    /// 1 to 6: web, db, web, db, web, web; the third one crashed; each two minutes after the one before.
    private func story() {
        for seq: Int64 in 1...6 {
            self.desk.apply(
                .exit(
                    self.desk.exit(seq, [2, 4].contains(seq) ? "db" : "web", cause: seq == 3 ? .crashed : .errorExit)
                )
            )
            self.desk.timer.advance(by: .seconds(120))
        }
    }

    private func exits(_ target: String, as client: Desk.Client = .root) throws -> ExitsMessage {
        try self.desk.ask("GET", target, as: client).decode()
    }

    private func seqs(_ target: String) throws -> [Int64] {
        try self.exits(target).exits.map(\.seq)
    }

    @Test func withoutAnyThereIsNothingToTell() throws {
        #expect(try self.desk.get("/v1/exits").text == "{\"exits\":[],\"next\":null,\"oldest\":null}")
        #expect(try self.exits("/v1/exits?after=0") == ExitsMessage(exits: [], next: 0, oldest: nil))
        #expect(try self.exits("/v1/exits?order=asc") == ExitsMessage(exits: [], next: nil, oldest: nil))
        try self.desk.refused(404, .unknownExit, "GET", "/v1/exits/1")
    }

    @Test func theNewestComeFirstUnlessAfterIsGiven() throws {
        self.story()
        #expect(try self.seqs("/v1/exits") == [6, 5, 4, 3, 2, 1])
        #expect(try self.seqs("/v1/exits?after=2") == [3, 4, 5, 6])
        #expect(try self.seqs("/v1/exits?after=2&order=desc") == [6, 5, 4, 3])
        #expect(try self.seqs("/v1/exits?order=asc") == [1, 2, 3, 4, 5, 6])
        #expect(try self.seqs("/v1/exits?before=3") == [2, 1])
        #expect(try self.seqs("/v1/exits?after=1&before=4") == [2, 3])
        #expect(try self.seqs("/v1/exits?before=0") == [])
        #expect(try self.exits("/v1/exits").oldest == 1)
    }

    @Test func filtersChoose() throws {
        self.story()
        #expect(try self.seqs("/v1/exits?worker=db") == [4, 2])
        #expect(try self.seqs("/v1/workers/db/exits?order=asc") == [2, 4])
        #expect(try self.seqs("/v1/exits?worker=w*") == [6, 5, 3, 1])
        #expect(try self.seqs("/v1/exits?cause=crashed") == [3])
        #expect(try self.seqs("/v1/exits?cause=crashed,error_exit&worker=web") == [6, 5, 3, 1])
        // The last one ended two minutes ago.
        #expect(try self.seqs("/v1/exits?since=5m") == [6, 5])
        #expect(try self.seqs("/v1/exits?since=2026-11-22T10:06:00Z") == [6, 5, 4])
        #expect(try self.seqs("/v1/exits?worker=mailer") == [])
    }

    @Test func pagesFollowOneAnother() throws {
        self.story()
        let first = try self.exits("/v1/exits?limit=4")
        #expect(first.exits.map(\.seq) == [6, 5, 4, 3])
        #expect(first.next == 3)
        let second = try self.exits("/v1/exits?limit=4&before=3")
        #expect(second.exits.map(\.seq) == [2, 1])
        #expect(second.next == nil)
        // A page that is just full is the last one all the same.
        #expect(try self.exits("/v1/exits?limit=6").next == nil)

        let up = try self.exits("/v1/exits?after=0&limit=4")
        #expect(up.exits.map(\.seq) == [1, 2, 3, 4])
        #expect(up.next == 4)
        #expect(try self.exits("/v1/exits?after=4&limit=4").next == 6)
        #expect(try self.exits("/v1/exits?after=6") == ExitsMessage(exits: [], next: 6, oldest: 1))
        // Who follows db alone does not stay behind while web fills the history.
        let db = try self.exits("/v1/exits?worker=db&after=0")
        #expect(db.exits.map(\.seq) == [2, 4])
        #expect(db.next == 6)
    }

    /// Numbers never go back: such a client asks another agent, or one that lost its state directory.
    @Test(arguments: ["after=7", "after=7&timeout=30s", "after=9223372036854775807"])
    func whoIsAheadOfTheNewestIsToldWhereToGoOn(query: String) throws {
        try self.desk.refused(410, .gone, "GET", "/v1/exits?after=1&timeout=30s")
        self.story()
        try self.desk.refused(410, .gone, "GET", "/v1/exits?\(query)")
        #expect(try self.desk.get("/v1/exits?\(query)").text.hasSuffix(",\"oldest\":1}"))
        #expect(self.desk.handler.waits.count == 0)
    }

    @Test func outputIsForThoseWhoMayReadIt() throws {
        self.story()
        for target in ["/v1/exits", "/v1/exits?limit=3", "/v1/workers/web/exits"] {
            for client in [Desk.Client.root, .user(1002, groups: [501]), .tcp(3)] {
                #expect(try self.exits(target, as: client).exits.allSatisfy { $0.stderrTail == ["no such table"] })
            }
            for client in [Desk.Client.user(500), .tcp(1)] {
                #expect(try self.exits(target, as: client).exits.allSatisfy { $0.stderrTail == nil })
            }
        }
        #expect(try self.desk.ask("GET", "/v1/exits/3").decode(ExitMessage.self).stderrTail == ["no such table"])
        #expect(try self.desk.ask("GET", "/v1/exits/3", as: .tcp(1)).decode(ExitMessage.self).stderrTail == nil)
    }

    @Test func theShapeIsTheContracts() throws {
        let id = RunID("01a202b2-c57b-7bdd-8fac-4ee446685257")
        var record = self.desk.exit(1042, cause: .crashed, run: id)
        record.waitStatus = WaitStatus(rawValue: 139)
        record.outcome = .signaled
        record.usage = ResourceUsage(
            user: .milliseconds(1200),
            system: .microseconds(300_400),
            maximumResidentBytes: 52_428_800
        )
        self.desk.apply(.exit(record))
        #expect(
            try self.desk.get("/v1/exits/1042").text == """
                {"seq":1042,"worker":"web","instance":0,"run_id":"01a202b2-c57b-7bdd-8fac-4ee446685257","pid":42,\
                "started_at":"2026-11-22T09:59:57.000Z","ready_at":null,"ended_at":"2026-11-22T10:00:00.000Z",\
                "uptime_seconds":3.0,"wait_status":139,"outcome":"signaled","exit_code":null,\
                "signal":{"number":11,"name":"SIGSEGV"},"core_dumped":true,"oom":"no","cause":"crashed","error":null,\
                "escalated":false,"requested_by":null,"operation_id":null,\
                "usage":{"user_seconds":1.2,"system_seconds":0.3,"max_rss_bytes":52428800},\
                "stderr_tail":["no such table"],\
                "decision":{"action":"restart","delay_seconds":0.1,"consecutive_failures":1}}
                """
        )
    }

    @Test func aRunThatNeverStartedHasNoNumbersThatWereInvented() throws {
        var record = self.desk.exit(1, cause: .execFailed)
        record.pid = nil
        record.waitStatus = nil
        record.outcome = .notStarted
        record.error = StartError(stage: "exec", errno: 2, errnoName: "ENOENT", message: "cannot execute /x")
        self.desk.apply(.exit(record))
        let message: ExitMessage = try self.desk.get("/v1/exits/1").decode()
        #expect(message.pid == nil && message.waitStatus == nil && message.exitCode == nil && message.signal == nil)
        #expect(!message.coreDumped)
        #expect(message.error == StartErrorMessage(stage: "exec", errno: "ENOENT", message: "cannot execute /x"))
    }

    @Test(arguments: [
        "cause=crash", "cause=", "since=yesterday", "limit=0", "limit=1001", "limit=x", "order=up", "before=-1",
        "timeout=5s", "timeout=5s&before=3", "after=1&timeout=6m", "worker=",
    ])
    func aValueThatDoesNotFitIsRefused(query: String) throws {
        try self.desk.refused(400, .invalidParameter, "GET", "/v1/exits?\(query)")
    }

    @Test func unknownOnesAreNotFound() throws {
        self.story()
        #expect(
            try self.desk.refused(404, .unknownExit, "GET", "/v1/exits/7") == "there is no exit 7 yet; the newest is 6"
        )
        for text in ["0", "-1", "x", "-9223372036854775808", "9223372036854775808"] {
            try self.desk.refused(400, .invalidParameter, "GET", "/v1/exits/\(text)")
        }
        let detail = try self.desk.refused(404, .unknownWorker, "GET", "/v1/workers/wbe/exits")
        #expect(detail.contains("did you mean \"web\"?"))
        try self.desk.refused(404, .unknownWorker, "GET", "/v1/exits?worker=wbe")
    }

    @Test func theExitsOfAWorkerThatIsNoMoreAreStillThere() throws {
        self.story()
        self.desk.apply(.configured([WorkerSpecification(name: "web", command: ["/x"])]))
        #expect(try self.seqs("/v1/workers/db/exits") == [4, 2])
        #expect(try self.seqs("/v1/exits?worker=db") == [4, 2])
    }

    // MARK: Long poll

    @Test func aPollIsAnsweredByTheNextExitThatFits() throws {
        self.story()
        let all = self.desk.send("GET", "/v1/exits?after=6&timeout=30s")
        let db = self.desk.send("GET", "/v1/workers/db/exits?after=4&timeout=30s")
        self.desk.apply(.exit(self.desk.exit(7)))
        let message: ExitsMessage = try all.response().decode()
        #expect(message.exits.map(\.seq) == [7])
        #expect(message.next == 7)
        #expect(db.responses.isEmpty)
        self.desk.apply(.exit(self.desk.exit(8, "db")), .exit(self.desk.exit(9, "db")))
        #expect(try db.response().decode(ExitsMessage.self).exits.map(\.seq) == [8, 9])
        #expect(self.desk.timer.scheduled == 0)
        #expect(self.desk.handler.waits.count == 0)
    }

    @Test func aPollWithSomethingToTellIsAnsweredAtOnce() throws {
        self.story()
        #expect(try self.seqs("/v1/exits?after=5&timeout=30s") == [6])
    }

    @Test func aPollThatNothingHappensToIsAnsweredWithoutExits() throws {
        self.story()
        let poll = self.desk.send("GET", "/v1/exits?worker=db&after=4&timeout=30s")
        self.desk.apply(.exit(self.desk.exit(7)))
        self.desk.timer.advance(by: .seconds(30))
        let message: ExitsMessage = try poll.response().decode()
        #expect(message.exits == [])
        #expect(message.next == 7)
        let left = self.desk.send("GET", "/v1/exits?after=7&timeout=30s")
        left.leave()
        #expect(self.desk.handler.waits.count == 0)
    }
}
