import ControlMessages
import HTTPServer
import Supervision
import Testing

@testable import ControlAPI

/// GET /v1/workers and GET /v1/workers/{worker}.
@Suite struct WorkersTests {
    private let desk = Desk.withWorkers()

    private func workers(_ target: String = "/v1/workers", as client: Desk.Client = .root) throws -> WorkersMessage {
        try self.desk.ask("GET", target, as: client).decode()
    }

    private func worker(_ name: String, as client: Desk.Client = .root) throws -> WorkerMessage {
        try self.desk.ask("GET", "/v1/workers/\(name)", as: client).decode()
    }

    @Test func allAreShownInTheOrderOfTheConfiguration() throws {
        let message = try self.workers()
        #expect(message.workers.map(\.name) == ["web", "db", "mailer"])
        #expect(message.workers[0].instances.map(\.id) == ["web.0", "web.1"])
        #expect(message.workers[0].command == ["/usr/bin/web", "{port}"])
        #expect(message.workers[0].restart == "on-failure")
        #expect(message.revision >> 32 == 1)
        #expect(try self.worker("db") == message.workers[1])
    }

    @Test func theFieldsStandInTheOrderOfTheContractWithNulls() throws {
        let desk = Desk.withWorkers()
        desk.become(.running, "db")
        let text = try desk.get("/v1/workers/db").text
        #expect(
            text == """
                {"name":"db","state":"running","desired":"up","health":"none","command":["/usr/bin/db"],\
                "restart":"on-failure","after":[],"hold":null,"operation_id":null,"deviations":[],"instances":[\
                {"instance":0,"id":"db.0","state":"running","desired":"up","ready":true,"health":"none",\
                "status_text":null,"pid":null,"run_id":null,"started_at":null,"ready_at":null,"next_start_at":null,\
                "consecutive_failures":0,"restarts":{"1m":0,"10m":0,"1h":0,"total":0},"up_share_24h":null,\
                "last_exit":null}]}
                """
        )
    }

    @Test func beforeTheConfigurationIsKnownThereAreNone() throws {
        let message: WorkersMessage = try Desk(generation: 7).get("/v1/workers").decode()
        #expect(message == WorkersMessage(revision: 7 << 32, workers: []))
    }

    @Test func anUnknownWorkerGetsASuggestion() throws {
        #expect(
            try self.desk.refused(404, .unknownWorker, "GET", "/v1/workers/wbe")
                == "no worker is called \"wbe\"; did you mean \"web\"?"
        )
        #expect(try self.desk.refused(404, .unknownWorker, "GET", "/v1/workers?workers=db,nobody").contains("nobody"))
        try self.desk.refused(404, .unknownWorker, "GET", "/v1/workers?workers=x*")
        try self.desk.refused(404, .unknownWorker, "GET", "/v1/workers/web*")
    }

    @Test func aListOfNamesAndGlobsChooses() throws {
        #expect(try self.workers("/v1/workers?workers=mailer,w*").workers.map(\.name) == ["web", "mailer"])
        #expect(try self.workers("/v1/workers?workers=*b").workers.map(\.name) == ["web", "db"])
        try self.desk.refused(400, .invalidParameter, "GET", "/v1/workers?workers=")
    }

    // MARK: Projection

    @Test func theLastExitIsShownWithOutputForThoseWhoMayReadIt() throws {
        self.desk.apply(.exit(self.desk.exit(17, "web", 1)))
        let full = try self.worker("web").instances[1].lastExit
        #expect(full?.seq == 17)
        #expect(full?.stderrTail == ["no such table"])
        #expect(full?.uptimeSeconds == 3)
        let without = try self.worker("web", as: .tcp(1)).instances[1].lastExit
        #expect(without?.seq == 17)
        #expect(without?.stderrTail == nil)
        #expect(try self.workers(as: .tcp(1)).workers[0].instances[1].lastExit == without)
        #expect(try self.workers().workers[0].instances[1].lastExit == full)
        #expect(try self.worker("web").instances[0].lastExit == nil)
    }

    @Test func cachedFragmentsAreWhatAFreshEncodingGives() throws {
        for step in 0..<200 {
            switch step % 7 {
            case 0: self.desk.become(.running, "web", step % 2, restarts: step / 10)
            case 1: self.desk.become(.backoff, "db", restarts: step / 5)
            case 2: self.desk.apply(.exit(self.desk.exit(Int64(step), "mailer")))
            case 3: self.desk.timer.advance(by: .seconds(step))
            case 4: self.desk.become(.stopped, "web", 0, desired: .down)
            case 5: _ = try self.desk.get("/v1/workers/web")
            default: break
            }
            for detail in Detail.allCases {
                let client = detail == .full ? Desk.Client.root : .tcp(1)
                let response = try self.desk.ask("GET", "/v1/workers", as: client)
                var status = self.desk.handler.status
                let now = self.desk.timer.now.monotonic
                // A copy that has forgotten all that it had encoded.
                let fresh = status.freshMessage(detail, at: now)
                #expect(try response.decode(WorkersMessage.self).revision == fresh.revision)
                var shown: WorkersMessage = try response.decode()
                // The share of time moves by itself; it is looked at now and then only.
                for worker in shown.workers.indices {
                    for index in shown.workers[worker].instances.indices {
                        shown.workers[worker].instances[index].upShare24h =
                            fresh.workers[worker].instances[index].upShare24h
                    }
                }
                try #require(shown == fresh, "step \(step)")
            }
        }
    }

    @Test func oneChangeEncodesOneWorkerAndAnyNumberOfClientsGetTheSameAnswer() throws {
        let first = try self.desk.get("/v1/workers")
        #expect(try self.desk.get("/v1/workers") === first)
        let db = try self.desk.get("/v1/workers/db")
        self.desk.become(.running, "web")
        #expect(try self.desk.get("/v1/workers") !== first)
        #expect(try self.desk.get("/v1/workers/db") === db)
        // Those who may see less share another one.
        let less = try self.desk.ask("GET", "/v1/workers", as: .tcp(1))
        #expect(try self.desk.ask("GET", "/v1/workers", as: .user(500)) === less)
        #expect(try self.desk.get("/v1/workers") !== less)
    }

    @Test func automaticRestartsAreCountedInWindowsThatMoveByThemselves() throws {
        self.desk.become(.running, "web")
        self.desk.become(.running, "web", restarts: 1)
        self.desk.timer.advance(by: .seconds(30))
        self.desk.become(.running, "web", restarts: 3)
        func counts() throws -> RestartCountsMessage { try self.worker("web").instances[0].restarts }
        #expect(try counts() == RestartCountsMessage(oneMinute: 3, tenMinutes: 3, oneHour: 3, total: 3))

        // Somebody waits for a change; the only one is that a count leaves its window.
        let revision = try self.workers().revision
        let waiting = self.desk.send("GET", "/v1/workers?after=\(revision)&timeout=5m")
        self.desk.timer.advance(by: .seconds(32))
        let news: WorkersMessage = try waiting.response().decode()
        #expect(news.revision > revision)
        #expect(news.workers[0].instances[0].restarts.oneMinute == 2)
        self.desk.timer.advance(by: .seconds(60))
        #expect(try counts() == RestartCountsMessage(oneMinute: 0, tenMinutes: 3, oneHour: 3, total: 3))
        self.desk.timer.advance(by: .seconds(600))
        #expect(try counts() == RestartCountsMessage(oneMinute: 0, tenMinutes: 0, oneHour: 3, total: 3))
        self.desk.timer.advance(by: .seconds(3700))
        #expect(try counts() == RestartCountsMessage(oneMinute: 0, tenMinutes: 0, oneHour: 0, total: 3))
        // Nothing is left that would wake the agent up.
        #expect(self.desk.timer.scheduled == 0)
    }

    @Test func theShareOfTimeMovesTheRevisionWhenSomebodyLooks() throws {
        self.desk.timer.advance(by: .seconds(600))
        self.desk.become(.running, "db")
        let before = try self.workers()
        #expect(before.workers[1].instances[0].upShare24h == 0)
        #expect(self.desk.timer.scheduled == 0)
        self.desk.timer.advance(by: .seconds(600))
        let after = try self.workers()
        #expect(after.workers[1].instances[0].upShare24h == 0.5)
        #expect(after.revision > before.revision)
        // Those of the others stand still, so they keep their answers.
        #expect(after.workers[0] == before.workers[0])
    }

    @Test func aHundredThousandTransitionsNeedNoMoreRoom() throws {
        for step in 0..<25_000 {
            let seq = Int64(step) + 1
            self.desk.timer.advance(by: .milliseconds(900))
            let record = self.desk.exit(seq)
            self.desk.apply(.exit(record))
            self.desk.become(.backoff, "web", restarts: step)
            self.desk.become(.running, "web", restarts: step + 1)
            var operation = self.desk.operation(.restart, .succeeded)
            operation.instances = [OperationInstance(instance: InstanceID(worker: "web", index: 0))]
            self.desk.apply(.operation(operation))
        }
        #expect(self.desk.handler.exits.count == RecentExits.maximumCount)
        #expect(self.desk.handler.exits.indexSize == RecentExits.maximumCount)
        #expect(self.desk.handler.operations.count == OperationLog.maximumCount)
        #expect(self.desk.handler.operations.awaitedCount == 0)
        let web = try #require(self.desk.handler.status.worker("web"))
        #expect(web.instances.count == 2)
        #expect(web.instances[0].restarts.size <= 3 * 61)
        #expect(self.desk.timer.scheduled == 1)
    }

    // MARK: ETag

    @Test func anAnswerThatStillStandsIsNotSentAgain() throws {
        for target in ["/v1/workers", "/v1/workers/web", "/v1/workers?workers=web", "/openapi.json"] {
            let tag = try #require(try self.desk.get(target).header("ETag"))
            for value in [tag, "W/\(tag)", "\"x\", \(tag)", "*"] {
                let response = try self.desk.ask("GET", target, headers: [("If-None-Match", value)])
                #expect(response.status == 304)
                #expect(response.body.isEmpty)
                #expect(response.header("ETag") == tag)
            }
            for value in ["\"1\"", "", String(tag.dropFirst())] {
                #expect(try self.desk.ask("GET", target, headers: [("If-None-Match", value)]).status == 200)
            }
        }
        let tag = try #require(try self.desk.get("/v1/workers").header("ETag"))
        #expect(tag == "\"\(self.desk.handler.status.revision)\"")
        let db = try #require(try self.desk.get("/v1/workers/db").header("ETag"))
        self.desk.become(.running, "web")
        #expect(try self.desk.ask("GET", "/v1/workers", headers: [("If-None-Match", tag)]).status == 200)
        #expect(try self.desk.ask("GET", "/v1/workers/web", headers: [("If-None-Match", tag)]).status == 200)
        // Nothing of this one has changed.
        #expect(try self.desk.ask("GET", "/v1/workers/db", headers: [("If-None-Match", db)]).status == 304)
    }

    // MARK: Long poll

    @Test func anyOtherRevisionIsAnsweredAtOnce() throws {
        let revision = try self.workers().revision
        for other in [0, revision - 1, revision + 1, revision + 1 << 32] {
            #expect(try self.workers("/v1/workers?after=\(other)&timeout=30s").revision == revision)
        }
        #expect(try self.workers("/v1/workers?after=\(revision)").revision == revision)
        #expect(try self.workers("/v1/workers?after=\(revision)&timeout=0s").revision == revision)
    }

    @Test func aPollIsAnsweredByTheNextChange() throws {
        let revision = try self.workers().revision
        let target = "/v1/workers?after=\(revision)&timeout=30s"
        let polls = [self.desk.send("GET", target), self.desk.send("GET", target + "&workers=db")]
        let less = self.desk.send("GET", target, as: .tcp(1))
        self.desk.timer.advance(by: .seconds(29))
        #expect(polls.allSatisfy { $0.responses.isEmpty })
        self.desk.become(.running, "web")
        let message: WorkersMessage = try polls[0].response().decode()
        #expect(message.revision == revision + 1)
        #expect(message.workers[0].instances[0].state == "running")
        #expect(try polls[1].response().decode(WorkersMessage.self).workers.map(\.name) == ["db"])
        #expect(try less.response().status == 200)
        #expect(self.desk.timer.scheduled == 0)
        #expect(self.desk.handler.waits.count == 0)
    }

    @Test func aPollThatNothingHappensToIsAnsweredWithThePresentState() throws {
        let revision = try self.workers().revision
        let poll = self.desk.send("GET", "/v1/workers?after=\(revision)&timeout=5m")
        self.desk.timer.advance(by: .seconds(300))
        #expect(try poll.response().decode(WorkersMessage.self).revision == revision)
        #expect(self.desk.handler.waits.count == 0)
    }

    @Test func aClientThatLeavesIsForgotten() throws {
        let revision = try self.workers().revision
        let poll = self.desk.send("GET", "/v1/workers?after=\(revision)&timeout=30s")
        #expect(self.desk.handler.waits.count == 1)
        poll.leave()
        #expect(self.desk.handler.waits.count == 0)
        #expect(self.desk.timer.scheduled == 0)
        self.desk.become(.running, "web")
        #expect(poll.responses.isEmpty)
    }

    @Test func tooManyWhoWaitAreToldToComeBack() throws {
        let desk = Desk.withWorkers(maximumWaits: 3)
        let revision = desk.handler.status.revision
        let target = "/v1/workers?after=\(revision)&timeout=30s"
        let polls = (0..<3).map { _ in desk.send("GET", target) }
        let response = try desk.ask("GET", target)
        #expect(response.status == 503)
        #expect(try response.problem().code == "busy")
        #expect(response.header("Retry-After") == "1")
        // A stop waits as well, so it is not even tried.
        #expect(try desk.ask("POST", "/v1/workers/web/stop").status == 503)
        #expect(desk.requests.isEmpty)
        #expect(try desk.get("/v1/workers").status == 200)
        polls[0].leave()
        #expect(desk.send("GET", target).responses.isEmpty)
    }
}

extension StatusProjection {
    /// What is to be shown, without anything that was encoded before.
    mutating func freshMessage(_ detail: Detail, at now: MonotonicInstant) -> WorkersMessage {
        var copies = self.workers
        return WorkersMessage(
            revision: self.revision,
            workers: copies.indices.map { copies[$0].message(detail, self.circumstances, at: self.milliseconds(now)) }
        )
    }
}
