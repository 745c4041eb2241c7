import Supervision
import TestSupport
import Testing

@testable import History

@Suite struct HistoryStoreTests {
    private let directory: TemporaryDirectory

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    /// Writes one exit through a first writer and reads it through a second one.
    private func roundTrip(_ record: ExitRecord) throws -> ExitRecord {
        let first = WriterHarness(self.directory)
        first.submit([Samples.transition(.exit(record))])
        first.close()
        let second = WriterHarness(self.directory)
        #expect(first.notices.isEmpty && second.notices.isEmpty)
        let seq = try #require(first.publishedExits.last).seq
        return try #require(try second.store().exit(seq: seq))
    }

    @Test func everyFieldOfAnExitComesBack() throws {
        var record = Samples.exit(1, cause: .crashed)
        record.escalated = true
        record.requestedBy = "token:deploy"
        record.operationID = Samples.operation(7)
        record.stderrTail = ["", "one \u{1f600} \"quoted\" \\ \u{0}", "", "last"]
        record.uptime = .nanoseconds(300_333_000_001)
        record.error = StartError(stage: "exec", errno: 2, errnoName: "ENOENT", message: "cannot execute /x")
        var expected = record
        expected.seq = 1
        #expect(try self.roundTrip(record) == expected)
    }

    @Test func absentFieldsStayAbsent() throws {
        let record = ExitRecord(
            instance: InstanceID(worker: "db", index: 11),
            runID: Samples.run(2),
            pid: nil,
            startedAt: Samples.time(0),
            readyAt: nil,
            endedAt: Samples.time(1),
            uptime: .zero,
            waitStatus: nil,
            outcome: .unknown,
            oom: .unknown,
            cause: .unknown,
            usage: ResourceUsage(user: .zero, system: .zero, maximumResidentBytes: nil),
            decision: ExitDecision(action: .hold, consecutiveFailures: 0)
        )
        var expected = record
        expected.seq = 1
        #expect(try self.roundTrip(record) == expected)
        var without = record
        without.runID = Samples.run(3)
        without.usage = nil
        #expect(try self.roundTrip(without).usage == nil)
    }

    @Test(arguments: ExitCause.allCases) func everyCauseComesBack(_ cause: ExitCause) throws {
        #expect(try self.roundTrip(Samples.exit(1, cause: cause)).cause == cause)
    }

    @Test func whatCanBeToldFromTheWaitStatusIsInColumnsOfItsOwn() throws {
        let harness = WriterHarness(self.directory)
        harness.submit([Samples.exitTransition(1, cause: .crashed), Samples.exitTransition(2)])
        let rows = try harness.store().connection.rows(
            "SELECT exit_code, signal, core_dumped FROM exits ORDER BY seq"
        ) { row in
            "\(row.int64().map(String.init) ?? "-") \(row.text() ?? "-") \(row.bool())"
        }
        #expect(rows == ["- SIGSEGV true", "3 - false"])
    }

    @Test func anExitThatIsToldAgainIsRecordedOnceAndMayBeReaped() throws {
        let first = WriterHarness(self.directory)
        first.submit([Samples.exitTransition(1), Samples.exitTransition(1), Samples.backoff(after: 1)])
        first.submit([Samples.exitTransition(1)])
        #expect(first.publishedExits.map(\.seq) == [1])
        #expect(first.reaped.last == Samples.run(1))
        first.close()

        let second = WriterHarness(self.directory)
        second.submit([Samples.exitTransition(1), Samples.exitTransition(2)])
        #expect(second.publishedExits.map(\.seq) == [2])
        #expect(Set(second.reaped) == [Samples.run(1), Samples.run(2)])
        #expect(try second.page(ExitQuery(isAscending: true)).records.map(\.runID) == [Samples.run(1), Samples.run(2)])
    }

    @Test func transitionsKeepWhatAnEventShowsAndTheirOrder() throws {
        let harness = WriterHarness(self.directory)
        harness.submit([Samples.transition(.configured([])), Samples.exitTransition(1), Samples.backoff(after: 1)])
        harness.submit([
            Samples.backoff(after: 1), Samples.transition(.recovered),
            Samples.transition(.shuttingDown(requestedBy: "uid:0", reason: nil)),
        ])
        let live = harness.published.map { TransitionRecord($0) }
        #expect(try harness.transitions(after: 0) == live)
        #expect(live.map(\.id) == [1, 2, 3, 4, 5, 6])
        // Both changes point to the exit, in the same group and in a later one.
        #expect(live.map(\.exitSeq) == [nil, 1, 1, 1, nil, nil])
        #expect(live[2].from == "running" && live[2].to == "backoff")
        #expect(try harness.transitions(after: 4, limit: 1).map(\.kind) == [.recovered])
    }

    @Test func theEventsOfAScaleSayWhatCameAndWhatWent() throws {
        let harness = WriterHarness(self.directory)
        let operation = Samples.operation(1)
        let change = ScaleChange(worker: "web", from: 4, to: 2, operationID: operation, text: "scaled by uid:0")
        harness.submit([
            Samples.transition(.scaled(change)),
            Samples.transition(.removed(InstanceID(worker: "web", index: 3), operation)),
            Samples.transition(.shuttingDown(requestedBy: "worker:web.0", reason: "it ended for good")),
        ])
        let events = try harness.transitions(after: 0)
        #expect(events == harness.published.map { TransitionRecord($0) })
        #expect(events.map(\.kind.rawValue) == ["worker.scaled", "instance.removed", "agent.shutting_down"])
        #expect(events[0].worker == "web" && events[0].instance == nil)
        #expect(events[0].from == "4" && events[0].to == "2" && events[0].text == "scaled by uid:0")
        #expect(events[1].worker == "web" && events[1].instance == 3)
        #expect(events.map(\.operationID) == [operation, operation, nil])
        #expect(events[2].text == "requested by worker:web.0: it ended for good")
    }

    @Test func whatIsRememberedOfInstancesIsWrittenWithTheTransitions() throws {
        let first = WriterHarness(self.directory)
        let web = InstanceMemory(
            id: InstanceID(worker: "web", index: 1),
            desired: .up,
            isDecided: true,
            isPersistent: true,
            bootID: Samples.bootID,
            state: .backoff,
            runID: Samples.run(3),
            consecutiveFailures: 4,
            nextStartAt: Samples.time(500),
            starts: 9,
            restarts: 8,
            recentRestarts: [Samples.time(1), Samples.time(2)],
            updatedAt: Samples.time(3)
        )
        var db = InstanceMemory(
            id: InstanceID(worker: "db", index: 0),
            desired: .down,
            bootID: Samples.bootID,
            updatedAt: Samples.time(4)
        )
        first.submit([Samples.exitTransition(1)], memories: [web, db], isSynced: true)
        db.desired = .up
        first.submit([], memories: [db])
        first.close()
        let second = WriterHarness(self.directory)
        #expect(second.recovery.memories == [db, web])
        #expect(second.recovery.lastExits.isEmpty == false)
        #expect(second.recovery.lastExitSeq == 1)
    }

    @Test func anotherBootForgetsBackoffsButNotPersistentDecisions() {
        var memory = InstanceMemory(
            id: InstanceID(worker: "web", index: 0),
            desired: .down,
            isDecided: true,
            isPersistent: true,
            bootID: "before",
            state: .backoff,
            consecutiveFailures: 4,
            nextStartAt: Samples.time(500),
            restarts: 8,
            recentRestarts: [Samples.time(1)],
            updatedAt: Samples.time(3)
        )
        #expect(memory.counting(inBoot: "before") == memory)
        let counting = memory.counting(inBoot: "now")
        #expect(counting.consecutiveFailures == 0 && counting.nextStartAt == nil && counting.recentRestarts.isEmpty)
        #expect(counting.restarts == 8 && counting.desired == .down)
        #expect(counting.isDecided)
        memory.isPersistent = false
        #expect(!memory.counting(inBoot: "now").isDecided)
        #expect(memory.counting(inBoot: "before").isDecided)
    }
}
