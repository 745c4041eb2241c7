import Supervision
import Testing

@Suite struct InterruptedTransitionTests {
    // MARK: Asked to end while the process is being created

    @Test func aRunThatIsAskedToEndWhileItIsCreatedIsToldOnceItIsUp() {
        var fixture = MachineFixture()
        fixture.start()
        fixture.stop()
        #expect(fixture.state == .stopping)
        #expect(fixture.timeToDeadline == .seconds(10))
        fixture.wait(.seconds(4))
        #expect(fixture.spawned().process == .terminate(fixture.run, .signal(.terminate)))
        #expect(fixture.state == .stopping)
        #expect(fixture.timeToDeadline == .seconds(6), "the grace period runs from when it was asked")
        #expect(fixture.exited(signal: .terminate).exit?.cause == .stopped)
        #expect(fixture.state == .stopped)
    }

    @Test func aRunWhoseGraceEndsWhileItIsCreatedIsKilledEachSecondAndOnceMoreWhenItIsUp() {
        var fixture = MachineFixture()
        fixture.start()
        fixture.stop()
        #expect(fixture.wait(.seconds(10)).process == .kill(fixture.run))
        #expect(fixture.timeToDeadline == .seconds(1))
        #expect(fixture.wait(.seconds(1)).process == .kill(fixture.run))
        #expect(fixture.spawned().process == .kill(fixture.run))
        let record = fixture.exited(signal: .kill).exit
        #expect(record?.cause == .stopTimeout)
        #expect(record?.escalated == true)
        #expect(record?.pid == 42)
        #expect(fixture.state == .stopped)
    }

    @Test func aGraceOfZeroKillsAtOnceEvenWhatIsBeingCreated() {
        var fixture = MachineFixture()
        fixture.start()
        #expect(fixture.stop(grace: .zero).action.process == .kill(fixture.run))
        #expect(fixture.spawned().process == .kill(fixture.run))
        let record = fixture.exited(signal: .kill).exit
        #expect(record?.cause == .stopped)
        #expect(record?.escalated == false)
    }

    @Test(arguments: [false, true])
    func aStartThatFailsAfterItWasAskedToEndLeadsWhereWasAsked(startsAgain: Bool) throws {
        var fixture = MachineFixture()
        fixture.start()
        if startsAgain {
            fixture.restart(by: MachineFixture.other)
        } else {
            fixture.stop(by: MachineFixture.other)
        }
        let action = fixture.spawnFailed(.missing)
        let record = try #require(action.exit)
        #expect(record.cause == .execFailed)
        #expect(record.requestedBy == "uid:1000")
        #expect(record.operationID == MachineFixture.other.operationID)
        #expect(record.decision.action == (startsAgain ? .restart : .stayDown))
        #expect(fixture.state == (startsAgain ? .starting : .stopped))
        #expect(fixture.machine.consecutiveFailures == 0)
        #expect(action.process.kind == (startsAgain ? .spawn : .none))
    }

    // MARK: Changes of mind

    @Test func theLastWishDecidesWhatFollowsTheEnd() {
        var fixture = MachineFixture.running()
        fixture.restart()
        fixture.stop()
        fixture.start()
        fixture.stop()
        fixture.restart()
        #expect(fixture.machine.desired == .up)
        fixture.stop()
        #expect(fixture.machine.desired == .down)
        #expect(fixture.exited(signal: .terminate).process == .none)
        #expect(fixture.state == .stopped)
    }

    @Test func theStopSignalIsSentOnce() {
        var fixture = MachineFixture.running()
        #expect(fixture.stop().action.process.kind == .terminate)
        #expect(fixture.stop().action.process == .none)
        #expect(fixture.restart().process == .none)
        #expect(fixture.start().action.process == .none)
    }

    @Test func theExitIsPutDownToWhoAskedFirst() {
        var fixture = MachineFixture.running()
        fixture.restart(by: MachineFixture.requester)
        fixture.stop(by: MachineFixture.other)
        let record = fixture.exited(signal: .terminate).exit
        #expect(record?.requestedBy == "uid:0")
        #expect(record?.operationID == MachineFixture.requester.operationID)
        #expect(record?.decision.action == .stayDown)
    }

    // MARK: Grace

    @Test func aShorterGraceShortensAndALongerOneDoesNotLengthen() {
        var fixture = MachineFixture.running()
        fixture.stop()
        fixture.wait(.seconds(1))
        fixture.stop(grace: .seconds(3))
        #expect(fixture.timeToDeadline == .seconds(3))
        fixture.stop(grace: .seconds(100))
        #expect(fixture.timeToDeadline == .seconds(3))
        fixture.stop()
        #expect(fixture.timeToDeadline == .seconds(3))
        #expect(fixture.wait(.seconds(3)).process == .kill(fixture.run))
        #expect(fixture.exited(signal: .kill).exit?.cause == .stopTimeout)
    }

    @Test func aLaterGraceOfZeroKillsAtOnce() {
        var fixture = MachineFixture.running()
        fixture.stop()
        #expect(fixture.stop(grace: .zero).action.process == .kill(fixture.run))
        #expect(fixture.stop(grace: .zero).action.process == .none, "it is killed again each second anyway")
        #expect(fixture.exited(signal: .kill).exit?.cause == .stopped)
    }

    @Test func killIsRepeatedEachSecondWhileItLives() {
        var fixture = MachineFixture.running()
        fixture.stop(grace: .seconds(2))
        #expect(fixture.wait(.milliseconds(1999)) == .none)
        #expect(fixture.wait(.milliseconds(1)).process == .kill(fixture.run))
        for _ in 0..<5 {
            #expect(fixture.timeToDeadline == .seconds(1))
            #expect(fixture.wait(.milliseconds(999)) == .none)
            #expect(fixture.wait(.milliseconds(1)).process == .kill(fixture.run))
        }
        #expect(fixture.state == .stopping)
        fixture.exited(signal: .kill)
        #expect(fixture.state == .stopped)
        #expect(fixture.machine.deadline == nil)
    }

    @Test func aStopAfterTheKillDoesNotPostponeTheNextKill() {
        var fixture = MachineFixture.running()
        fixture.stop(grace: .seconds(1))
        fixture.wait(.seconds(1))
        fixture.stop(grace: .seconds(30))
        #expect(fixture.timeToDeadline == .seconds(1))
    }

    @Test func aStopCommandIsUsedInsteadOfTheSignal() {
        var fixture = MachineFixture.running { $0.stop.command = ["/bin/quit"] }
        #expect(fixture.stop().action.process == .terminate(fixture.run, .command))
        var other = MachineFixture { $0.stop.command = ["/bin/quit"] }
        other.start()
        other.stop()
        #expect(other.spawned().process == .terminate(other.run, .command))
    }

    @Test func theConfiguredSignalIsUsed() {
        var fixture = MachineFixture.running { $0.stop.signal = .quit }
        #expect(fixture.stop().action.process == .terminate(fixture.run, .signal(.quit)))
        #expect(fixture.exited(signal: .quit).exit?.cause == .stopped)
    }

    // MARK: Late and early reports

    @Test func anExitMayArriveBeforeTheOutcomeOfExec() {
        var fixture = MachineFixture()
        fixture.start()
        let first = fixture.run
        let action = fixture.exited(code: 1)
        #expect(action.exit?.cause == .errorExit)
        #expect(action.exit?.runID == first)
        #expect(action.process == .spawn(fixture.run))
        #expect(fixture.run != first)
        #expect(fixture.spawned(first) == .none)
        #expect(fixture.state == .starting)
        #expect(fixture.spawnFailed(.missing, first) == .none)
        #expect(fixture.state == .starting)
    }

    @Test func anExitBeforeTheOutcomeOfExecEndsAStop() {
        var fixture = MachineFixture()
        fixture.start()
        fixture.stop()
        #expect(fixture.exited(code: 0).process == .none)
        #expect(fixture.state == .stopped)
        #expect(fixture.spawned() == .none)
        #expect(fixture.state == .stopped)
    }

    @Test(arguments: Situation.allCases)
    func reportsOfAnotherRunDoNothing(situation: Situation) {
        var fixture = situation.fixture()
        let before = fixture.machine
        let stranger = UUIDv7(high: 1, low: 1)
        #expect(fixture.spawned(stranger) == .none)
        #expect(fixture.spawnFailed(.missing, stranger) == .none)
        #expect(fixture.exited(.init(status: WaitStatus(exitCode: 1)), stranger) == .none)
        #expect(fixture.cleared(stranger) == .none)
        #expect(fixture.machine == before)
    }

    @Test(arguments: [Situation.stopped, .failed, .finished, .backoff, .stoppingRest, .clearing])
    func anExitToldTwiceIsRecordedOnce(situation: Situation) {
        var fixture = situation.fixture()
        let before = fixture.machine
        #expect(fixture.exited(code: 1) == .none)
        #expect(fixture.machine == before)
    }

    @Test(arguments: Situation.allCases)
    func timeBeforeTheDeadlineDoesNothing(situation: Situation) {
        var fixture = situation.fixture()
        let before = fixture.machine
        #expect(fixture.wait(.milliseconds(1)) == .none)
        #expect(fixture.machine == before)
        guard before.deadline == nil else { return }
        #expect(fixture.wait(.seconds(100_000)) == .none)
        #expect(fixture.machine == before)
    }
}
