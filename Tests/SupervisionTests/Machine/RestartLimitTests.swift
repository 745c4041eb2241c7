import Supervision
import Testing

@Suite struct RestartLimitTests {
    /// A machine without delays, so that only the limit decides.
    private func running(_ limit: RestartLimit) -> MachineFixture {
        MachineFixture.running {
            $0.restartLimit = limit
            $0.backoff.initial = .zero
        }
    }

    @Test(arguments: [0, 1, 2, 10])
    func exactlyTheAllowedRestartsHappenAndTheNextOneGivesUp(restarts: Int) throws {
        var fixture = self.running(RestartLimit(restarts: restarts, within: .seconds(600)))
        for count in 0..<restarts {
            #expect(fixture.exited(code: 1).exit?.decision.action == .restart, "restart \(count + 1)")
            #expect(fixture.state == .starting)
            fixture.spawned()
        }
        let record = try #require(fixture.exited(code: 1).exit)
        #expect(
            record.decision == ExitDecision(action: .giveUp, delay: .zero, consecutiveFailures: restarts + 1)
        )
        #expect(fixture.state == .failed)
        #expect(fixture.machine.desired == .up)
        #expect(fixture.machine.deadline == nil)
        #expect(fixture.machine.restarts == restarts)
    }

    @Test func theWindowSlides() {
        var fixture = self.running(RestartLimit(restarts: 2, within: .seconds(10)))
        #expect(fixture.run(for: .zero).exit?.decision.action == .restart)
        fixture.spawned()
        #expect(fixture.run(for: .seconds(4)).exit?.decision.action == .restart)
        fixture.spawned()
        // Ten seconds after the first, which leaves the window in this instant; the second is still in it.
        #expect(fixture.run(for: .seconds(6)).exit?.decision.action == .restart)
        fixture.spawned()
        #expect(fixture.run(for: .seconds(4) - .nanoseconds(1)).exit?.decision.action == .giveUp)
    }

    @Test func aRestartThatIsRefusedIsNotCounted() {
        var fixture = self.running(RestartLimit(restarts: 1, within: .seconds(10), retryAfter: .seconds(1)))
        fixture.crash()
        #expect(fixture.crash().exit?.decision.action == .giveUp)
        fixture.wait(.seconds(1))
        #expect(fixture.state == .starting)
        #expect(fixture.crash().exit?.decision.action == .restart)
        #expect(fixture.crash().exit?.decision.action == .giveUp)
    }

    @Test func failedIsLeftByItselfAfterRetryAfter() {
        var fixture = self.running(RestartLimit(restarts: 0, within: .seconds(10), retryAfter: .seconds(3600)))
        fixture.exited(code: 1)
        #expect(fixture.state == .failed)
        #expect(fixture.machine.status.nextStartAt == fixture.now.wall.advanced(by: .seconds(3600)))
        #expect(fixture.timeToDeadline == .seconds(3600))
        #expect(fixture.wait(.seconds(3599)) == .none)
        #expect(fixture.wait(.seconds(1)).process == .spawn(fixture.run))
        #expect(fixture.state == .starting)
        #expect(fixture.machine.consecutiveFailures == 0)
    }

    @Test(arguments: [true, false])
    func aStartByHandIsNeverBlockedAndForgetsTheWindow(byRestart: Bool) {
        var fixture = self.running(RestartLimit(restarts: 1, within: .seconds(600)))
        fixture.crash()
        fixture.crash()
        #expect(fixture.state == .failed)
        let action = byRestart ? fixture.restart() : fixture.start().action
        #expect(action.process == .spawn(fixture.run))
        #expect(fixture.machine.consecutiveFailures == 0)
        #expect(fixture.crash().exit?.decision.action == .restart)
        #expect(fixture.crash().exit?.decision.action == .giveUp)
    }

    @Test func endsThatWereAskedForAreNotCounted() {
        var fixture = self.running(RestartLimit(restarts: 1, within: .seconds(600)))
        for _ in 0..<5 {
            fixture.restart()
            fixture.exited(signal: .terminate)
            fixture.spawned()
        }
        #expect(fixture.machine.restarts == 0)
        #expect(fixture.exited(code: 1).exit?.decision.action == .restart)
    }

    @Test func startsThatFailAreCounted() {
        var fixture = self.running(RestartLimit(restarts: 1, within: .seconds(600)))
        fixture.exited(code: 1)
        #expect(fixture.spawnFailed(.tooManyProcesses).exit?.decision.action == .giveUp)
        #expect(fixture.state == .failed)
    }

    @Test func resetForgetsTheWindowOfARunningInstanceAndSaysSo() {
        var fixture = self.running(RestartLimit(restarts: 1, within: .seconds(600)))
        fixture.exited(code: 1)
        fixture.spawned()
        #expect(fixture.reset() == true)
        #expect(fixture.reset() == false, "nothing was left to forget")
        #expect(fixture.state == .running)
        #expect(fixture.exited(code: 1).exit?.decision.action == .restart)
        fixture.spawned()
        #expect(fixture.exited(code: 1).exit?.decision.action == .giveUp)
    }

    @Test func resetMakesFailedStopped() {
        var fixture = self.running(RestartLimit(restarts: 0, within: .seconds(600), retryAfter: .seconds(60)))
        fixture.exited(code: 1)
        #expect(fixture.reset() == true)
        #expect(fixture.state == .stopped)
        #expect(fixture.machine.desired == .down)
        #expect(fixture.machine.deadline == nil)
        #expect(fixture.reset() == false)
        #expect(fixture.wait(.seconds(60)) == .none)
    }

    @Test func aWindowWithOnlyHealthyRestartsIsForgottenByResetToo() {
        var fixture = MachineFixture.running {
            $0.restart = .always
            $0.restartLimit = RestartLimit(restarts: 1, within: .seconds(600))
        }
        fixture.run(for: .seconds(20), thenExit: 0)
        fixture.spawned()
        #expect(fixture.machine.consecutiveFailures == 0)
        #expect(fixture.reset() == true)
        #expect(fixture.run(for: .seconds(20), thenExit: 0).exit?.decision.action == .restart)
    }
}
