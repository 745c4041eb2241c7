import Supervision
import Testing

/// The backoff as the machine goes through it, on time moved by hand.
@Suite struct RestartBackoffTests {
    @Test func aCrashLoopBacksOffAsTheFormulaSays() throws {
        var fixture = MachineFixture.running()
        let expected: [Duration] = [0, 100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000]
            .map { .milliseconds($0) }
        for (index, delay) in expected.enumerated() {
            let record = try #require(fixture.exited(code: 1).exit)
            #expect(record.decision == ExitDecision(action: .restart, delay: delay, consecutiveFailures: index + 1))
            if delay > .zero {
                #expect(fixture.state == .backoff)
                #expect(fixture.machine.status.nextStartAt == fixture.now.wall.advanced(by: delay))
                #expect(fixture.timeToDeadline == delay)
                #expect(fixture.wait(delay - .nanoseconds(1)) == .none)
                #expect(fixture.state == .backoff)
                #expect(fixture.wait(.nanoseconds(1)).process == .spawn(fixture.run))
            }
            #expect(fixture.state == .starting)
            #expect(fixture.machine.deadline == nil)
            fixture.spawned()
        }
        #expect(fixture.machine.restarts == expected.count)
        #expect(fixture.machine.starts == expected.count + 1)
    }

    @Test func aRunAsLongAsResetAfterWasHealthyAndTheNextFailureRestartsAtOnce() throws {
        var fixture = MachineFixture.running()
        for _ in 0..<5 {
            fixture.crash()
        }
        fixture.wait(.seconds(30))
        fixture.spawned()
        let record = try #require(fixture.run(for: .seconds(10)).exit)
        #expect(record.decision == ExitDecision(action: .restart, delay: .zero, consecutiveFailures: 1))
        #expect(fixture.state == .starting)
        #expect(fixture.crash().exit?.decision.delay == .milliseconds(100))
    }

    @Test func aRunAMomentShorterThanResetAfterIsUnhealthy() throws {
        var fixture = MachineFixture.running()
        fixture.crash()
        fixture.spawned()
        let record = try #require(fixture.run(for: .seconds(10) - .nanoseconds(1)).exit)
        #expect(record.decision.consecutiveFailures == 2)
    }

    @Test func aShortRunIsUnhealthyWhateverItsExit() throws {
        var fixture = MachineFixture.running { $0.restart = .always }
        let first = try #require(fixture.run(for: .seconds(1), thenExit: 0).exit)
        #expect(first.cause == .finished)
        #expect(first.decision == ExitDecision(action: .restart, delay: .zero, consecutiveFailures: 1))
        fixture.spawned()
        let second = try #require(fixture.run(for: .seconds(1), thenExit: 0).exit)
        #expect(second.decision.consecutiveFailures == 2)
        #expect(second.decision.delay == .milliseconds(100))
    }

    @Test func aLongRunThatEndedWellLeavesNoFailure() throws {
        var fixture = MachineFixture.running { $0.restart = .always }
        fixture.crash()
        fixture.spawned()
        let record = try #require(fixture.run(for: .seconds(10), thenExit: 0).exit)
        #expect(record.decision == ExitDecision(action: .restart, delay: .zero, consecutiveFailures: 0))
        #expect(fixture.machine.consecutiveFailures == 0)
    }

    @Test func theBeginOfARunIsWhenItIsUpNotWhenItWasAskedFor() throws {
        var fixture = MachineFixture()
        fixture.start()
        fixture.wait(.seconds(20))
        fixture.spawned()
        fixture.now = fixture.now.later(by: .seconds(1))
        let record = try #require(fixture.exited(code: 1).exit)
        #expect(record.uptime == .seconds(1))
        #expect(record.decision.consecutiveFailures == 1)
        #expect(fixture.crash().exit?.decision.consecutiveFailures == 2)
    }

    @Test func aRunThatWasNeverSeenUpIsUnhealthyHoweverLongItTook() throws {
        var fixture = MachineFixture()
        fixture.start()
        for failures in 1...3 {
            fixture.now = fixture.now.later(by: .seconds(20))
            let record = try #require(fixture.exited(code: 1).exit)
            #expect(record.decision.consecutiveFailures == failures)
            fixture.wait(.seconds(1))
        }
    }

    @Test func whatEndsTheBackoffByHandForgetsTheFailures() throws {
        var fixture = MachineFixture.running()
        for _ in 0..<4 {
            fixture.crash()
        }
        #expect(fixture.state == .backoff)
        #expect(fixture.start().action.process == .spawn(fixture.run))
        #expect(fixture.machine.consecutiveFailures == 0)
        #expect(fixture.machine.restarts == 3, "a start by hand is no automatic restart")
        #expect(fixture.crash().exit?.decision.delay == .zero)
    }

    @Test func anEarlyCallInBackoffDoesNothing() {
        var fixture = MachineFixture.running()
        fixture.crash()
        fixture.crash()
        #expect(fixture.state == .backoff)
        #expect(fixture.wait(.zero) == .none)
        #expect(fixture.state == .backoff)
    }
}
