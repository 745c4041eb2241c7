import Supervision
import Testing

@Suite struct RestartOperationTests {
    /// Ends what was told to end, brings what follows up, and lets its observation pass.
    private func goOn(_ harness: inout RosterHarness) throws {
        try harness.obey()
        try harness.bringAllUp()
        try harness.wait(.seconds(1))
    }

    @Test func aRestartGivesANewRunAfterTheOldOneIsGone() throws {
        var harness = try RosterHarness.running()
        let old = try #require(harness.run(of: .web(0)))
        let submission = try harness.submit(.web(.restart))
        let restart = try #require(submission.accepted)
        #expect(submission.budget == .seconds(71))
        #expect(harness.status(.web(0)).state == .stopping)
        try harness.end(.web(0), WaitStatus(signal: .terminate), leavesRest: true)
        #expect(harness.runs.count == 1)
        try harness.wait(.seconds(10))
        try harness.obey()
        let new = try #require(harness.run(of: .web(0)))
        #expect(new != old)
        try self.goOn(&harness)
        let done = try #require(harness.operation(restart.id))
        #expect(done.state == .succeeded)
        #expect(done.instances[0].outcome == .up)
        #expect(done.instances[0].oldRunID == old)
        #expect(done.instances[0].newRunID == new)
        #expect(harness.model.exits[old]?.decision.action == .restart)
        #expect(harness.status(.web(0)).restarts == 0)
        #expect(harness.status(.web(0)).starts == 2)
    }

    @Test func theStartTimeoutBeginsWhenNothingOldIsLeft() throws {
        var harness = try RosterHarness.running { $0.stop.grace = .seconds(100) }
        let restart = try #require(harness.submit(.web(.restart)).accepted)
        try harness.wait(.seconds(90))
        #expect(harness.operation(restart.id)?.state == .running)
        try harness.obey()
        try harness.wait(.seconds(59))
        #expect(harness.operation(restart.id)?.state == .running)
        try harness.wait(.seconds(1))
        #expect(harness.operation(restart.id)?.state == .failed)
    }

    @Test func aRestartWhoseNewRunExitsHasFailed() throws {
        var harness = try RosterHarness.running()
        let restart = try #require(harness.submit(.web(.restart)).accepted)
        try harness.obey()
        let new = try #require(harness.run(of: .web(0)))
        try harness.bringUp(.web(0))
        try harness.end(.web(0), WaitStatus(exitCode: 1))
        let done = try #require(harness.operation(restart.id))
        #expect(done.state == .failed)
        #expect(done.instances[0].exitRunID == new)
    }

    @Test func aRestartOfWhatIsStoppedStartsIt() throws {
        var harness = try RosterHarness.begun { $0.autostart = false }
        let restart = try #require(harness.submit(.web(.restart)).accepted)
        #expect(restart.instances[0].oldRunID == nil)
        try self.goOn(&harness)
        #expect(harness.outcomes(restart.id) == [.up])
    }

    @Test func aSecondRestartJoinsAndAStartIsAConflict() throws {
        var harness = try RosterHarness.running()
        let restart = try #require(harness.submit(.web(.restart)).accepted)
        try #expect(harness.submit(.web(.restart)).joined?.id == restart.id)
        guard case .conflict = try harness.submit(.web(.start)) else {
            Issue.record("a start went through")
            return
        }
    }

    @Test func severalInstancesAreRestartedOneAfterTheOther() throws {
        var harness = try RosterHarness.running(instances: 3)
        let submission = try harness.submit(.web(.restart))
        let restart = try #require(submission.accepted)
        #expect(submission.budget == .seconds(3 * 71))
        for turn in 0..<3 {
            for index in 0..<3 {
                let expected: InstanceState = index == turn ? .stopping : .running
                #expect(harness.status(.web(index)).state == expected, "web.\(index) in turn \(turn)")
                #expect(harness.status(.web(index)).operationID == restart.id)
            }
            try harness.obey()
            try harness.bringAllUp()
            try harness.wait(.milliseconds(999))
            if turn < 2 {
                #expect(harness.status(.web(turn + 1)).state == .running, "the next waits for the observation")
            }
            try harness.wait(.milliseconds(1))
        }
        #expect(harness.operation(restart.id)?.state == .succeeded)
        #expect(harness.outcomes(restart.id) == [.up, .up, .up])
    }

    @Test func aRollingRestartStopsAtTheFirstInstanceThatDoesNotComeUp() throws {
        var harness = try RosterHarness.running(instances: 3)
        let restart = try #require(harness.submit(.web(.restart)).accepted)
        try self.goOn(&harness)
        let third = harness.run(of: .web(2))
        try harness.obey()
        try harness.refuse(.web(1), .missing)
        let done = try #require(harness.operation(restart.id))
        #expect(done.state == .failed)
        #expect(done.instances.map(\.outcome) == [.up, .failed, .skipped])
        #expect(done.error == "web.1 did not come up: cannot execute /x: No such file or directory; given up")
        #expect(harness.status(.web(2)).state == .running)
        #expect(harness.run(of: .web(2)) == third)
        #expect(harness.status(.web(2)).operationID == nil)
    }

    @Test func workersAreRestartedBesideEachOther() throws {
        var db = WorkerSpecification(name: "db", command: ["/bin/db"])
        db.instances = 2
        var harness = RosterHarness([db, .web()])
        try harness.begin()
        try harness.bringAllUp()
        let restart = try #require(harness.submit(.web(.restart) { $0.workers = ["web", "db"] }).accepted)
        #expect(harness.status(.db(0)).state == .stopping)
        #expect(harness.status(.web(0)).state == .stopping)
        #expect(harness.status(.db(1)).state == .running)
        try self.goOn(&harness)
        #expect(harness.status(.db(1)).state == .stopping)
        try self.goOn(&harness)
        #expect(harness.operation(restart.id)?.state == .succeeded)
    }

    @Test func anEndWhoseTurnHasNotComeDoesNotFailTheRestart() throws {
        var harness = try RosterHarness.running(instances: 2)
        let restart = try #require(harness.submit(.web(.restart)).accepted)
        try harness.end(.web(1), WaitStatus(exitCode: 1))
        try harness.bringUp(.web(1))
        try self.goOn(&harness)
        try self.goOn(&harness)
        #expect(harness.operation(restart.id)?.state == .succeeded)
    }

    @Test func theErrorNamesSomeOfManyFailures() throws {
        var harness = try RosterHarness.begun(instances: 12) { $0.autostart = false }
        let start = try #require(harness.submit(.web(.start)).accepted)
        for index in 0..<12 {
            try harness.refuse(.web(index), .missing)
        }
        let error = try #require(harness.operation(start.id)?.error)
        #expect(error.hasSuffix("; and 2 more"))
        #expect(error.split(separator: ";").count == 21)
    }
}
