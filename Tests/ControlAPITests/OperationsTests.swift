import ControlMessages
import HTTPServer
import Supervision
import Testing

@testable import ControlAPI

/// How requests for operations are answered, and GET /v1/operations.
@Suite struct OperationsTests {
    private let desk = Desk.withWorkers()

    /// A restart that has begun, as the supervisor and then the stream tell it.
    private func begin(
        _ target: String = "/v1/workers/web/restart",
        budget: Duration = .seconds(11)
    ) -> (FakeExchange, Supervision.Operation) {
        let exchange = self.desk.send("POST", target)
        let operation = self.desk.operation(.restart)
        self.desk.apply(.operation(operation))
        self.desk.answer(.accepted(operation, budget: budget))
        return (exchange, operation)
    }

    private func end(
        _ operation: Supervision.Operation,
        _ state: OperationState,
        error: String? = nil
    ) -> Supervision.Operation {
        var operation = operation
        operation.state = state
        operation.error = error
        operation.finishedAt = self.desk.timer.now.wall
        return operation
    }

    private var isQuiet: Bool {
        self.desk.handler.waits.count == 0 && self.desk.timer.scheduled == 0 && self.desk.handler.submissions.isEmpty
    }

    // MARK: Answers

    @Test func itIsAnsweredWhenItIsDone() throws {
        let (exchange, operation) = self.begin()
        self.desk.timer.advance(by: .seconds(5))
        #expect(exchange.responses.isEmpty)
        self.desk.apply(.operation(self.end(operation, .succeeded)))
        let response = try exchange.response()
        #expect(response.status == 200)
        let message: OperationMessage = try response.decode()
        #expect(message.id == operation.id.description)
        #expect(message.state == "succeeded")
        #expect(message.finishedAt == "2026-11-22T10:00:05.000Z")
        #expect(self.isQuiet)
    }

    @Test func whatAlreadyWasSoIsDoneToo() throws {
        let exchange = self.desk.send("POST", "/v1/workers/web/start")
        var operation = self.end(self.desk.operation(.start), .succeeded)
        operation.changed = false
        self.desk.apply(.operation(operation))
        self.desk.answer(.accepted(operation, budget: .zero))
        let response = try exchange.response()
        #expect(response.status == 200)
        #expect(try response.decode(OperationMessage.self).changed == false)
        #expect(self.isQuiet)
    }

    @Test func itIsKnownEvenWhenTheStreamComesLater() throws {
        let exchange = self.desk.send("POST", "/v1/workers/web/restart")
        let operation = self.desk.operation(.restart)
        self.desk.answer(.accepted(operation, budget: .seconds(1)))
        #expect(try self.desk.get("/v1/operations/\(operation.id)").status == 200)
        self.desk.apply(.operation(operation), .operation(self.end(operation, .succeeded)))
        #expect(try exchange.response().status == 200)
        #expect(try self.desk.get("/v1/operations").decode(OperationsMessage.self).operations.count == 1)
    }

    @Test func whoDoesNotWaitIsToldWhereToLook() throws {
        let (exchange, operation) = self.begin("/v1/workers/web/restart?wait=none")
        let response = try exchange.response()
        #expect(response.status == 202)
        #expect(response.header("Location") == "/v1/operations/\(operation.id)")
        #expect(try response.decode(OperationMessage.self).state == "running")
        #expect(self.isQuiet)
    }

    @Test func whoAsksForTheSameJoins() throws {
        let (first, operation) = self.begin()
        let second = self.desk.send("POST", "/v1/workers/web/restart")
        self.desk.answer(.joined(operation, budget: .seconds(11)))
        self.desk.apply(.operation(self.end(operation, .succeeded)))
        #expect(try first.response().decode(OperationMessage.self).id == operation.id.description)
        #expect(try second.response().decode(OperationMessage.self).id == operation.id.description)
    }

    @Test func aWorkerThatIsHeldIsAConflict() throws {
        let exchange = self.desk.send("POST", "/v1/workers/web/start")
        let other = self.desk.operation(.restart)
        self.desk.apply(.operation(other))
        self.desk.answer(.conflict(worker: "web", with: other))
        let response = try exchange.response()
        let problem = try response.problem()
        #expect(response.status == 409)
        #expect(problem.code == "conflict")
        #expect(problem.detail == "a restart that uid:0 asked for is under way for web")
        #expect(problem.operation?.id == other.id.description)
        #expect(response.header("Location") == "/v1/operations/\(other.id)")
        #expect(self.isQuiet)
    }

    @Test func whatTheSupervisorDoesNotKnowIsNotFound() throws {
        let cases: [(OperationSubmission, Int, String)] = [
            (.unknownWorker("web"), 404, "unknown_worker"),
            (.unknownInstance(InstanceID(worker: "web", index: 1), count: 1), 404, "unknown_instance"),
            (.noProcess("web"), 409, "no_process"),
        ]
        for (submission, status, code) in cases {
            let exchange = self.desk.send("POST", "/v1/workers/web/restart?instance=1")
            self.desk.answer(submission)
            #expect(try exchange.response().status == status)
            #expect(try exchange.response().problem().code == code)
        }
        #expect(self.isQuiet)
    }

    @Test func aBusyAgentSaysWhenToComeBack() throws {
        let exchange = self.desk.send("POST", "/v1/workers/web/restart")
        self.desk.answer(.busy("the agent is ending"))
        let response = try exchange.response()
        #expect(response.status == 503)
        #expect(response.header("Retry-After") == "1")
        #expect(try response.problem().code == "busy")
        #expect(try response.problem().detail == "the agent is ending")
        #expect(self.isQuiet)
    }

    @Test func aWorkerThatDoesNotComeUpIsAFailedDependencyWithItsExit() throws {
        let (exchange, operation) = self.begin()
        let run = self.desk.id()
        var failed = self.end(operation, .failed, error: "web.0 did not come up: exit code 1")
        failed.instances = [OperationInstance(instance: InstanceID(worker: "web", index: 0))]
        failed.instances[0].newRunID = run
        failed.instances[0].exitRunID = run
        failed.instances[0].outcome = .failed
        failed.instances[0].transcript = [TranscriptLine(at: self.desk.timer.now.wall, text: "exited with code 1")]
        // The exit is not committed yet, so nothing may show it.
        self.desk.apply(.operation(failed))
        #expect(exchange.responses.isEmpty)
        self.desk.apply(.exit(self.desk.exit(1042, run: run)))
        let response = try exchange.response()
        let problem = try response.problem()
        #expect(response.status == 424)
        #expect(problem.code == "did_not_come_up")
        #expect(problem.detail == "web.0 did not come up: exit code 1")
        let instance = try #require(problem.operation?.instances.first)
        #expect(instance.exit?.seq == 1042)
        #expect(instance.exit?.stderrTail == ["no such table"])
        #expect(instance.outcome == "failed")
        #expect(instance.transcript == [TranscriptMessage(at: "2026-11-22T10:00:00.000Z", text: "exited with code 1")])
        #expect(self.isQuiet)
    }

    @Test func aScaleWhoseInstancesDoNotComeUpIsAFailedDependency() throws {
        let exchange = self.desk.send("PUT", "/v1/workers/web/instances?count=3")
        let operation = self.desk.operation(.scale)
        self.desk.answer(.accepted(operation, budget: .seconds(10)))
        self.desk.apply(.operation(self.end(operation, .failed, error: "web.2 did not come up: exit code 1")))
        #expect(try exchange.response().status == 424)
        #expect(try exchange.response().problem().operation?.action == "scale")
        #expect(self.isQuiet)
    }

    @Test func anEndWithoutItsExitIsAnsweredAtTheTimeout() throws {
        let (exchange, operation) = self.begin()
        var failed = self.end(operation, .failed)
        failed.instances = [OperationInstance(instance: InstanceID(worker: "web", index: 0))]
        failed.instances[0].exitRunID = self.desk.id()
        self.desk.apply(.operation(failed))
        self.desk.timer.advance(by: .seconds(16))
        #expect(try exchange.response().status == 424)
        #expect(try exchange.response().problem().operation?.instances[0].exit == nil)
    }

    @Test func aStopThatFailsIsNoWorkerThatDidNotComeUp() throws {
        let exchange = self.desk.send("POST", "/v1/workers/web/stop")
        let operation = self.end(self.desk.operation(.stop), .failed, error: "it cannot be killed")
        self.desk.apply(.operation(operation))
        self.desk.answer(.accepted(operation, budget: .seconds(1)))
        #expect(try exchange.response().status == 500)
        #expect(try exchange.response().problem().detail == "it cannot be killed")
    }

    @Test func anOperationThatIsSupersededIsAConflictWithTheOtherOne() throws {
        let (exchange, operation) = self.begin()
        let stop = self.desk.operation(.stop)
        var aborted = self.end(operation, .aborted, error: "superseded by operation \(stop.id)")
        aborted.abortedBy = stop.id
        self.desk.apply(.operation(stop), .operation(aborted))
        let response = try exchange.response()
        let problem = try response.problem()
        #expect(response.status == 409)
        #expect(problem.code == "conflict")
        #expect(response.header("Location") == "/v1/operations/\(stop.id)")
        #expect(problem.operation?.abortedBy == stop.id.description)
    }

    // MARK: Time

    @Test func theDefaultTimeoutIsTheBudgetAndFiveSeconds() throws {
        let (exchange, operation) = self.begin(budget: .seconds(11))
        self.desk.timer.advance(by: .milliseconds(15_999))
        #expect(exchange.responses.isEmpty)
        self.desk.timer.advance(by: .milliseconds(1))
        let response = try exchange.response()
        #expect(response.status == 504)
        #expect(try response.problem().code == "timeout")
        #expect(try response.problem().operation?.state == "running")
        #expect(response.header("Location") == "/v1/operations/\(operation.id)")
        #expect(self.isQuiet)
        // It goes on.
        self.desk.apply(.operation(self.end(operation, .succeeded)))
        #expect(
            try self.desk.get("/v1/operations/\(operation.id)").decode(OperationMessage.self).state == "succeeded"
        )
    }

    @Test func aTimeoutOfTheClientCountsFromItsRequest() throws {
        let exchange = self.desk.send("POST", "/v1/workers/web/restart?timeout=2s")
        self.desk.timer.advance(by: .seconds(1))
        let operation = self.desk.operation(.restart)
        self.desk.answer(.accepted(operation, budget: .seconds(600)))
        self.desk.timer.advance(by: .milliseconds(999))
        #expect(exchange.responses.isEmpty)
        self.desk.timer.advance(by: .milliseconds(1))
        #expect(try exchange.response().status == 504)
    }

    @Test(arguments: ["0s", "1ms"])
    func howeverShortTheTimeoutTheAnswerNamesTheOperation(timeout: String) throws {
        let waiting = self.desk.send("POST", "/v1/workers/web/restart?timeout=\(timeout)")
        let detached = self.desk.send("POST", "/v1/workers/db/restart?timeout=\(timeout)&wait=none")
        self.desk.timer.advance(by: .milliseconds(10))
        #expect(waiting.responses.isEmpty && detached.responses.isEmpty)
        for _ in 1...2 {
            self.desk.answer(.accepted(self.desk.operation(.restart), budget: .seconds(600)))
        }
        self.desk.timer.advance(by: .zero)
        #expect(try waiting.response().status == 504)
        #expect(try waiting.response().header("Location") != nil)
        #expect(try detached.response().status == 202)
        #expect(self.isQuiet)
    }

    @Test func aSupervisorThatHangsLetsNobodyWaitForEver() throws {
        let exchange = self.desk.send("POST", "/v1/workers/web/restart")
        let impatient = self.desk.send("POST", "/v1/workers/web/restart?timeout=2s&wait=none")
        self.desk.timer.advance(by: .seconds(2))
        #expect(try impatient.response().status == 504)
        #expect(exchange.responses.isEmpty)
        self.desk.timer.advance(by: .seconds(28))
        let response = try exchange.response()
        #expect(response.status == 504)
        #expect(try response.problem().code == "timeout")
        // What it says later finds nobody, and gives the places back.
        #expect(self.desk.handler.waits.count == 2)
        self.desk.answer(.accepted(self.desk.operation(.restart), budget: .seconds(1)))
        self.desk.answer(.accepted(self.desk.operation(.restart), budget: .seconds(1)))
        #expect(self.isQuiet)
    }

    @Test func aClientThatLeavesEndsNothing() throws {
        let (exchange, operation) = self.begin()
        exchange.leave()
        #expect(self.isQuiet)
        self.desk.apply(.operation(self.end(operation, .succeeded)))
        #expect(exchange.responses.isEmpty)
        #expect(
            try self.desk.get("/v1/operations/\(operation.id)").decode(OperationMessage.self).state == "succeeded"
        )
        // Also one that leaves before the supervisor has answered.
        let early = self.desk.send("POST", "/v1/workers/web/restart")
        early.leave()
        self.desk.answer(.accepted(self.desk.operation(.restart), budget: .seconds(1)))
        #expect(early.responses.isEmpty)
        #expect(self.isQuiet)
    }

    // MARK: GET

    @Test func theNewestAreShownFirst() throws {
        let operations = (0..<150).map { _ in self.desk.operation(.restart, .succeeded) }
        for operation in operations {
            self.desk.apply(.operation(operation))
        }
        let ids = operations.reversed().map(\.id.description)
        #expect(
            try self.desk.get("/v1/operations").decode(OperationsMessage.self).operations.map(\.id)
                == Array(ids.prefix(100))
        )
        #expect(
            try self.desk.get("/v1/operations?limit=1").decode(OperationsMessage.self).operations.map(\.id) == [ids[0]]
        )
        try self.desk.refused(400, .invalidParameter, "GET", "/v1/operations?limit=1001")
    }

    @Test func oneIsShownAsItIsOrWhenItEnds() throws {
        let operation = self.desk.operation(.stop)
        self.desk.apply(.operation(operation))
        let target = "/v1/operations/\(operation.id)"
        #expect(
            try self.desk.get(target).text == """
                {"id":"\(operation.id)","action":"stop","workers":["web"],"state":"running","changed":true,\
                "requested_by":"uid:0","reason":null,"created_at":"2026-11-22T10:00:00.000Z","finished_at":null,\
                "aborted_by":null,"error":null,"instances":[]}
                """
        )
        let waiting = self.desk.send("GET", target + "?timeout=30s")
        let impatient = self.desk.send("GET", target + "?timeout=1s")
        self.desk.timer.advance(by: .seconds(1))
        #expect(try impatient.response().status == 200)
        #expect(try impatient.response().decode(OperationMessage.self).state == "running")
        #expect(waiting.responses.isEmpty)
        self.desk.apply(.operation(self.end(operation, .failed)))
        // The look itself went well.
        #expect(try waiting.response().status == 200)
        #expect(try waiting.response().decode(OperationMessage.self).state == "failed")
        #expect(self.isQuiet)
    }

    @Test func unknownOnesAreNotFound() throws {
        for id in ["01a202c5-1674-707a-8dfe-2a2217fc695b", "nonsense", "01a202c5"] {
            let detail = try self.desk.refused(404, .unknownOperation, "GET", "/v1/operations/\(id)?timeout=30s")
            #expect(detail == "no operation has the id \(id), or it is no longer kept")
        }
        #expect(self.isQuiet)
    }

    // MARK: The log itself

    @Test func theOldestThatHaveEndedGoFirst() {
        var log = OperationLog(capacity: 3)
        let running = self.desk.operation(.restart)
        let ended = (0..<4).map { _ in self.desk.operation(.stop, .succeeded) }
        for operation in [running] + ended {
            log.apply(operation, exits: RecentExits())
        }
        #expect(log.newest(10).map(\.operation.id) == [ended[3].id, ended[2].id, running.id])
        #expect(log[ended[1].id] == nil)
    }

    @Test func largeOperationsAreFewer() {
        var log = OperationLog()
        for _ in 0..<30 {
            var operation = self.desk.operation(.restart, .succeeded)
            operation.instances = (0..<1000).map { OperationInstance(instance: InstanceID(worker: "web", index: $0)) }
            operation.instances[0].exitRunID = self.desk.id()
            log.apply(operation, exits: RecentExits())
            log.apply(operation, exits: RecentExits())
        }
        #expect(log.count == 20)
        #expect(log.instances == OperationLog.maximumInstances)
        #expect(log.awaitedCount == 20)
    }
}
