import Supervision
import Testing

@Suite struct StartOperationTests {
    private func stopped(
        instances: Int = 1,
        _ change: (inout WorkerSpecification) -> Void = { _ in }
    ) throws -> RosterHarness {
        try RosterHarness.begun(instances: instances) {
            $0.autostart = false
            change(&$0)
        }
    }

    @Test func aStartIsDoneWhenTheRunStayedUpForASecond() throws {
        var harness = try self.stopped()
        let submission = try harness.submit(.web(.start) { $0.reason = "release 42" })
        let accepted = try #require(submission.accepted)
        #expect(accepted.state == .running)
        #expect(accepted.changed)
        #expect(accepted.workers == ["web"])
        #expect(accepted.requestedBy == "uid:0")
        #expect(accepted.reason == "release 42")
        #expect(accepted.createdAt == harness.now.wall)
        #expect(submission.budget == .seconds(61))
        #expect(harness.status(.web(0)).operationID == accepted.id)
        let run = try #require(harness.run(of: .web(0)))
        harness.advance(by: .seconds(3))
        try harness.bringUp(.web(0))
        #expect(harness.status(.web(0)).state == .running)
        try harness.wait(.milliseconds(999))
        #expect(harness.operation(accepted.id)?.state == .running)
        #expect(harness.outcomes(accepted.id) == [.inProgress])
        try harness.wait(.milliseconds(1))
        let done = try #require(harness.operation(accepted.id))
        #expect(done.state == .succeeded)
        #expect(done.finishedAt == harness.now.wall)
        #expect(done.error == nil)
        #expect(done.instances[0].outcome == .up)
        #expect(done.instances[0].newRunID == run)
        #expect(done.instances[0].oldRunID == nil)
        #expect(done.instances[0].exitRunID == nil)
        #expect(harness.status(.web(0)).operationID == nil)
        #expect(harness.timers.isEmpty)
    }

    @Test func anObservationOfZeroIsDoneWhenItIsUp() throws {
        var harness = try self.stopped()
        let start = try #require(harness.submit(.web(.start) { $0.observe = .zero }).accepted)
        try harness.bringUp(.web(0))
        #expect(harness.operation(start.id)?.state == .succeeded)
    }

    @Test func aStartOfWhatRunsChangesNothing() throws {
        var harness = try RosterHarness.running(instances: 2)
        let submission = try harness.submit(.web(.start))
        let done = try #require(submission.accepted)
        #expect(done.state == .succeeded)
        #expect(!done.changed)
        #expect(done.instances.map(\.outcome) == [.unchanged, .unchanged])
        #expect(harness.model.active.isEmpty)
    }

    @Test func aStartWaitsForTheRunThatIsBeingCreated() throws {
        var harness = try RosterHarness.begun()
        let run = harness.run(of: .web(0))
        let start = try #require(harness.submit(.web(.start)).accepted)
        #expect(harness.operation(start.id)?.instances[0].newRunID == run)
        try harness.bringUp(.web(0))
        try harness.wait(.seconds(1))
        #expect(harness.outcomes(start.id) == [.up])
        #expect(harness.run(of: .web(0)) == run)
    }

    @Test func anExitOfTheNewRunFailsTheStartWithItsRecord() throws {
        var harness = try self.stopped()
        let start = try #require(harness.submit(.web(.start)).accepted)
        try harness.bringUp(.web(0))
        let run = try #require(harness.run(of: .web(0)))
        try harness.wait(.milliseconds(500))
        try harness.end(.web(0), WaitStatus(exitCode: 3))
        let done = try #require(harness.operation(start.id))
        #expect(done.state == .failed)
        #expect(done.instances[0].outcome == .failed)
        #expect(done.instances[0].newRunID == run)
        #expect(done.instances[0].exitRunID == run)
        #expect(done.error == "web.0 did not come up: exited with code 3; restart at once")
        #expect(harness.model.exits[run]?.cause == .errorExit)
        #expect(harness.status(.web(0)).state == .starting, "the policy goes on")
    }

    @Test func anExitAfterTheObservationIsNoneOfTheStartsBusiness() throws {
        var harness = try self.stopped()
        let start = try #require(harness.submit(.web(.start)).accepted)
        try harness.bringUp(.web(0))
        try harness.wait(.seconds(1))
        try harness.end(.web(0), WaitStatus(exitCode: 3))
        #expect(harness.operation(start.id)?.state == .succeeded)
    }

    @Test func aProgramThatCannotBeExecutedFailsTheStart() throws {
        var harness = try self.stopped()
        let start = try #require(harness.submit(.web(.start)).accepted)
        try harness.refuse(.web(0), .missing)
        let done = try #require(harness.operation(start.id))
        #expect(done.state == .failed)
        #expect(done.error == "web.0 did not come up: cannot execute /x: No such file or directory; given up")
        #expect(harness.status(.web(0)).state == .failed)
    }

    @Test func aJobThatFinishesIsDone() throws {
        var harness = try self.stopped()
        let start = try #require(harness.submit(.web(.start)).accepted)
        try harness.bringUp(.web(0))
        let run = harness.run(of: .web(0))
        try harness.end(.web(0), WaitStatus(exitCode: 0))
        let done = try #require(harness.operation(start.id))
        #expect(done.state == .succeeded)
        #expect(done.instances[0].outcome == .finished)
        #expect(done.instances[0].exitRunID == run)
        #expect(harness.status(.web(0)).state == .finished)
    }

    @Test func aJobThatIsToRunAlwaysHasNotComeUpWhenItEndsWell() throws {
        var harness = try self.stopped { $0.restart = .always }
        let start = try #require(harness.submit(.web(.start)).accepted)
        try harness.bringUp(.web(0))
        try harness.end(.web(0), WaitStatus(exitCode: 0))
        #expect(harness.operation(start.id)?.state == .failed)
    }

    @Test func aStartThatHangsInExecFailsAfterAMinute() throws {
        var harness = try self.stopped()
        let start = try #require(harness.submit(.web(.start)).accepted)
        try harness.wait(.seconds(60) - .nanoseconds(1))
        #expect(harness.operation(start.id)?.state == .running)
        try harness.wait(.nanoseconds(1))
        let done = try #require(harness.operation(start.id))
        #expect(done.state == .failed)
        #expect(done.instances[0].exitRunID == nil)
        #expect(done.error == "web.0 did not come up: not up after 60.0 s")
        #expect(harness.status(.web(0)).state == .starting)
        try harness.bringUp(.web(0))
        #expect(harness.status(.web(0)).state == .running)
    }

    @Test func severalInstancesStartAtOnceAndAllAreWaitedFor() throws {
        var harness = try self.stopped(instances: 3)
        let start = try #require(harness.submit(.web(.start)).accepted)
        #expect(harness.runs.count == 3)
        try harness.bringUp(.web(1))
        try harness.end(.web(1), WaitStatus(signal: .segmentationViolation))
        #expect(harness.outcomes(start.id) == [.inProgress, .failed, .inProgress])
        try harness.bringUp(.web(0))
        try harness.bringUp(.web(2))
        try harness.wait(.seconds(1))
        #expect(harness.outcomes(start.id) == [.up, .failed, .up])
        #expect(harness.operation(start.id)?.state == .failed)
    }

    @Test func oneInstanceCanBeStarted() throws {
        var harness = try self.stopped(instances: 3)
        let start = try #require(harness.submit(.web(.start) { $0.instance = 1 }).accepted)
        #expect(start.instances.map(\.instance) == [.web(1)])
        #expect(harness.status(.web(0)).state == .stopped)
        #expect(harness.status(.web(1)).state == .starting)
    }

    @Test func autostartFalseLeavesItStopped() throws {
        let harness = try self.stopped(instances: 2)
        #expect(harness.status(.web(0)).state == .stopped)
        #expect(harness.status(.web(0)).desired == .down)
        #expect(harness.runs.isEmpty)
    }

    @Test func aWorkerOfNoInstancesIsStartedAndStoppedAtOnce() throws {
        var harness = try RosterHarness.begun(instances: 0)
        for action in [OperationAction.start, .restart, .stop, .reset] {
            let done = try #require(harness.submit(.web(action)).accepted)
            #expect(done.state == .succeeded)
            #expect(!done.changed)
            #expect(done.workers == ["web"])
            #expect(done.instances.isEmpty)
        }
        #expect(harness.model.active.isEmpty)
    }
}
