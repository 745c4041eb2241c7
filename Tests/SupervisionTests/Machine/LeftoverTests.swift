import Supervision
import Testing

/// Nothing of a run is left before another follows, and before it is said to be stopped.
@Suite struct LeftoverTests {
    @Test func whatAnEndByItselfLeavesIsKilledBeforeTheRestart() {
        var fixture = MachineFixture.running()
        let action = fixture.exited(code: 1, leavesProcesses: true)
        #expect(action.exit?.decision.action == .restart)
        #expect(action.process == .kill(fixture.run))
        #expect(fixture.state == .stopping)
        #expect(fixture.machine.desired == .up)
        #expect(fixture.machine.status.pid == nil)
        #expect(fixture.machine.status.runID == fixture.run)
        let cleared = fixture.cleared()
        #expect(cleared.exit == nil)
        #expect(cleared.process == .spawn(fixture.run))
        #expect(fixture.machine.restarts == 1)
    }

    @Test func whatIsLeftIsKilledEachSecond() {
        var fixture = MachineFixture.running()
        fixture.exited(code: 1, leavesProcesses: true)
        for _ in 0..<3 {
            #expect(fixture.timeToDeadline == .seconds(1))
            #expect(fixture.wait(.seconds(1)).process == .kill(fixture.run))
        }
    }

    @Test func theBackoffRunsWhileTheRestIsKilled() {
        var fixture = MachineFixture.running { $0.backoff.initial = .seconds(2) }
        fixture.crash()
        fixture.spawned()
        fixture.exited(code: 1, leavesProcesses: true)
        fixture.wait(.milliseconds(500))
        #expect(fixture.cleared().process == .none)
        #expect(fixture.state == .backoff)
        #expect(fixture.timeToDeadline == .milliseconds(1500))

        var late = MachineFixture.running { $0.backoff.initial = .seconds(2) }
        late.crash()
        late.spawned()
        late.exited(code: 1, leavesProcesses: true)
        late.wait(.seconds(3))
        #expect(late.cleared().process == .spawn(late.run), "the delay has passed")
        #expect(late.machine.restarts == 2)
    }

    @Test func theDecisionHoldsAfterTheRestIsGone() {
        var finished = MachineFixture.running()
        finished.exited(code: 0, leavesProcesses: true)
        #expect(finished.state == .stopping)
        finished.cleared()
        #expect(finished.state == .finished)
        var failed = MachineFixture.running { $0.restart = .never }
        failed.exited(code: 1, leavesProcesses: true)
        failed.cleared()
        #expect(failed.state == .failed)
    }

    @Test func whatAStoppedRunLeavesKeepsTheRestOfTheGrace() {
        var fixture = MachineFixture.running()
        fixture.stop()
        fixture.wait(.seconds(3))
        let action = fixture.exited(signal: .terminate, leavesProcesses: true)
        #expect(action.exit?.cause == .stopped)
        #expect(action.process == .none)
        #expect(fixture.state == .stopping)
        #expect(fixture.machine.status.pid == nil)
        #expect(fixture.timeToDeadline == .seconds(7))
        #expect(fixture.wait(.seconds(7)).process == .kill(fixture.run))
        #expect(fixture.wait(.seconds(1)).process == .kill(fixture.run))
        #expect(fixture.cleared() == .none)
        #expect(fixture.state == .stopped)
        #expect(fixture.machine.deadline == nil)
    }

    @Test func whatAKilledRunLeavesIsKilledAtOnce() {
        var fixture = MachineFixture.running()
        fixture.stop(grace: .zero)
        #expect(fixture.exited(signal: .kill, leavesProcesses: true).process == .kill(fixture.run))
    }

    @Test func aGraceOfZeroReachesTheRestToo() {
        var fixture = Situation.stoppingRest.fixture()
        #expect(fixture.stop(grace: .zero).action.process == .kill(fixture.run))
    }

    @Test func aRestartWaitsForTheRest() {
        var fixture = MachineFixture.running()
        fixture.restart()
        #expect(fixture.exited(signal: .terminate, leavesProcesses: true).process == .none)
        #expect(fixture.state == .stopping)
        #expect(fixture.cleared().process == .spawn(fixture.run))
        #expect(fixture.machine.restarts == 0)
    }

    @Test func clearedBeforeTheExitIsNoNews() {
        var fixture = MachineFixture.running()
        #expect(fixture.cleared() == .none)
        fixture.stop()
        #expect(fixture.cleared() == .none)
        #expect(fixture.state == .stopping)
    }

    @Test func anExitThatOvertakesTheOutcomeOfExecMayLeaveProcesses() {
        var fixture = MachineFixture()
        fixture.start()
        let first = fixture.run
        #expect(fixture.exited(code: 1, leavesProcesses: true).process == .kill(first))
        #expect(fixture.spawned(first) == .none)
        #expect(fixture.state == .stopping)
        #expect(fixture.cleared(first).process.kind == .spawn)
        var stopped = MachineFixture()
        stopped.start()
        stopped.stop()
        #expect(stopped.exited(code: 1, leavesProcesses: true).process == .none)
        #expect(stopped.spawned() == .none)
        #expect(stopped.state == .stopping)
        stopped.cleared()
        #expect(stopped.state == .stopped)
    }
}
