import Supervision
import Testing

@Suite struct ExitCauseTests {
    private let usage = ResourceUsage(user: .seconds(1), system: .milliseconds(300), maximumResidentBytes: 52_428_800)

    /// The record of a run that is up and ends by itself with `status`.
    private func record(
        _ status: WaitStatus?,
        oom: OutOfMemory = .unknown,
        _ change: (inout WorkerSpecification) -> Void = { _ in }
    ) throws -> ExitRecord {
        var fixture = MachineFixture.running(change)
        return try #require(fixture.exited(.init(status: status, usage: self.usage, oom: oom)).exit)
    }

    /// The record of a run that was stopped, is brought to its end by `body`, and ends with `status`.
    private func stopped(
        _ status: WaitStatus?,
        _ change: (inout WorkerSpecification) -> Void = { _ in },
        _ body: (inout MachineFixture) -> Void = { _ in }
    ) throws -> ExitRecord {
        var fixture = MachineFixture.running(change)
        fixture.stop()
        body(&fixture)
        return try #require(fixture.exited(.init(status: status, oom: .no)).exit)
    }

    @Test func everyFieldOfARecordIsFilledIn() throws {
        var fixture = MachineFixture()
        fixture.start()
        let asked = fixture.now
        fixture.wait(.milliseconds(5))
        fixture.spawned(pid: 4242)
        let up = fixture.now
        fixture.wait(.milliseconds(300_333))
        let status = WaitStatus(signal: .segmentationViolation, coreDumped: true)
        let run = fixture.run
        let record = try #require(fixture.exited(.init(status: status, usage: self.usage)).exit)
        #expect(
            record
                == ExitRecord(
                    instance: InstanceID(worker: "web", index: 0),
                    runID: run,
                    pid: 4242,
                    startedAt: up.wall,
                    readyAt: up.wall,
                    endedAt: asked.wall.advanced(by: .milliseconds(300_338)),
                    uptime: .milliseconds(300_333),
                    waitStatus: status,
                    outcome: .signaled,
                    oom: .no,
                    cause: .crashed,
                    usage: self.usage,
                    decision: ExitDecision(action: .restart, consecutiveFailures: 1)
                )
        )
    }

    @Test func aRunThatNeverStartedHasNoPidAndNoStatus() throws {
        var fixture = MachineFixture()
        fixture.start()
        let run = fixture.run
        fixture.wait(.milliseconds(2))
        let record = try #require(fixture.spawnFailed(.missing).exit)
        #expect(
            record
                == ExitRecord(
                    instance: InstanceID(worker: "web", index: 0),
                    runID: run,
                    pid: nil,
                    startedAt: Moment.beginning.wall,
                    readyAt: nil,
                    endedAt: fixture.now.wall,
                    uptime: .milliseconds(2),
                    waitStatus: nil,
                    outcome: .notStarted,
                    oom: .no,
                    cause: .execFailed,
                    error: .missing,
                    decision: ExitDecision(action: .giveUp, consecutiveFailures: 1)
                )
        )
    }

    // MARK: By itself

    @Test func successOnItsOwnIsFinished() throws {
        let record = try self.record(WaitStatus(exitCode: 0))
        #expect(record.cause == .finished)
        #expect(record.outcome == .exited)
        #expect(record.requestedBy == nil)
    }

    @Test func aCodeThatIsNoSuccessIsAnErrorExit() throws {
        #expect(try self.record(WaitStatus(exitCode: 139)).cause == .errorExit)
    }

    @Test(arguments: [4, 5, 6, 7, 8, 11, 24, 25, 31] as [Int32])
    func aFaultSignalIsACrash(number: Int32) throws {
        #expect(try self.record(WaitStatus(signal: Signal(number))).cause == .crashed)
    }

    @Test(arguments: [1, 2, 3, 9, 10, 13, 14, 15, 34, 64] as [Int32])
    func anyOtherSignalThatTheAgentDidNotSendIsKilled(number: Int32) throws {
        let record = try self.record(WaitStatus(signal: Signal(number)), oom: .no)
        #expect(record.cause == .killed)
        #expect(record.operationID == nil)
        #expect(record.oom == .no)
    }

    @Test func outOfMemoryIsOnlyAskedForAtSIGKILL() throws {
        let killed = try self.record(WaitStatus(signal: .kill), oom: .yes)
        #expect(killed.cause == .oomKilled)
        #expect(killed.oom == .yes)
        let suspected = try self.record(WaitStatus(signal: .kill), oom: .suspected)
        #expect(suspected.cause == .killed)
        #expect(suspected.oom == .suspected)
        let terminated = try self.record(WaitStatus(signal: .terminate), oom: .yes)
        #expect(terminated.cause == .killed)
        #expect(terminated.oom == .no)
    }

    @Test(arguments: [nil, 0x137f, 0xffff, 0x7f | 0x80] as [Int32?])
    func nothingIsInventedForAStatusThatIsNoEnd(raw: Int32?) throws {
        let record = try self.record(raw.map { WaitStatus(rawValue: $0) })
        #expect(record.outcome == .unknown)
        #expect(record.cause == .unknown)
        #expect(record.waitStatus == nil)
        #expect(record.oom == .unknown)
        #expect(record.usage == self.usage)
        #expect(record.decision.action == .restart)
    }

    // MARK: A signal that somebody sent by name

    @Test(arguments: [Signal.kill, .hangup, .segmentationViolation, .terminate])
    func aSignalSentByNameIsKilledWithItsOperation(signal: Signal) throws {
        var fixture = MachineFixture.running()
        #expect(fixture.machine.signal(signal, by: MachineFixture.other) == fixture.run)
        let record = try #require(fixture.exited(.init(status: WaitStatus(signal: signal), oom: .yes)).exit)
        #expect(record.cause == .killed)
        #expect(record.requestedBy == "uid:1000")
        #expect(record.operationID == MachineFixture.other.operationID)
        #expect(record.oom == .no)
        #expect(record.decision.action == .restart)
    }

    @Test func theNewestOfTwoSendersIsNamed() throws {
        var fixture = MachineFixture.running()
        _ = fixture.machine.signal(.kill, by: MachineFixture.requester)
        _ = fixture.machine.signal(.kill, by: MachineFixture.other)
        _ = fixture.machine.signal(.hangup, by: MachineFixture.requester)
        #expect(fixture.exited(signal: .kill).exit?.requestedBy == "uid:1000")
    }

    @Test func aSignalSentByNameIsNotTheCauseOfAnotherEnd() throws {
        var fixture = MachineFixture.running()
        _ = fixture.machine.signal(.hangup, by: MachineFixture.other)
        let record = try #require(fixture.exited(signal: .kill).exit)
        #expect(record.cause == .killed)
        #expect(record.requestedBy == nil)
        var next = MachineFixture.running()
        _ = next.machine.signal(.hangup, by: MachineFixture.other)
        next.exited(code: 1)
        next.spawned()
        #expect(next.exited(signal: .hangup).exit?.requestedBy == nil, "it was sent to the run before")
    }

    @Test(arguments: [Signal.kill, .segmentationViolation, .hangup])
    func aSignalSentByNameIsNamedWhileStoppingToo(signal: Signal) throws {
        let record = try self.stopped(WaitStatus(signal: signal)) { _ in
        } _: {
            _ = $0.machine.signal(signal, by: MachineFixture.other)
        }
        #expect(record.cause == .killed)
        #expect(record.operationID == MachineFixture.other.operationID)
        #expect(record.decision.action == .stayDown)
    }

    @Test(arguments: Situation.allCases)
    func onlyALivingMainProcessCanBeSignalled(situation: Situation) {
        var fixture = situation.fixture()
        let run = fixture.machine.signal(.hangup, by: MachineFixture.other)
        switch situation {
        case .running, .stopping, .restarting, .killed: #expect(run == fixture.run)
        case .stopped, .failed, .finished, .backoff, .starting, .startingToStop, .stoppingRest, .clearing:
            #expect(run == nil)
        }
    }

    // MARK: Asked for

    @Test func anyCodeAndTheStopSignalAreStopped() throws {
        for status in [WaitStatus(exitCode: 0), WaitStatus(exitCode: 1), WaitStatus(signal: .terminate)] {
            let record = try self.stopped(status)
            #expect(record.cause == .stopped)
            #expect(record.requestedBy == "uid:0")
            #expect(record.operationID == MachineFixture.requester.operationID)
            #expect(!record.escalated)
            #expect(record.decision == ExitDecision(action: .stayDown, consecutiveFailures: 0))
        }
    }

    @Test func killedAfterTheGraceIsAStopTimeout() throws {
        let record = try self.stopped(WaitStatus(signal: .kill)) { _ in
        } _: {
            $0.wait(.seconds(10))
        }
        #expect(record.cause == .stopTimeout)
        #expect(record.escalated)
        #expect(record.requestedBy == "uid:0")
        #expect(record.oom == .no)
    }

    @Test func killedFromOutsideWhileStoppingIsKilled() throws {
        let record = try self.stopped(WaitStatus(signal: .kill))
        #expect(record.cause == .killed)
        #expect(record.requestedBy == nil)
        #expect(record.operationID == nil)
        #expect(!record.escalated)
        #expect(try self.stopped(WaitStatus(signal: .hangup)).cause == .killed)
    }

    @Test func outOfMemoryWhileStoppingIsTold() throws {
        var fixture = MachineFixture.running()
        fixture.stop()
        let record = try #require(fixture.exited(.init(status: WaitStatus(signal: .kill), oom: .yes)).exit)
        #expect(record.cause == .oomKilled)
    }

    @Test func aFaultWhileStoppingIsACrash() throws {
        #expect(try self.stopped(WaitStatus(signal: .segmentationViolation)).cause == .crashed)
        #expect(try self.stopped(WaitStatus(signal: .abort)) { $0.stop.signal = .quit }.cause == .crashed)
    }

    @Test(arguments: [Signal.kill, .abort, .interrupt])
    func theStopSignalItselfIsStoppedWhateverItIs(signal: Signal) throws {
        #expect(try self.stopped(WaitStatus(signal: signal)) { $0.stop.signal = signal }.cause == .stopped)
    }

    @Test func aStopCommandMayEndItBySignal() throws {
        let change: (inout WorkerSpecification) -> Void = { $0.stop.command = ["/bin/quit"] }
        #expect(try self.stopped(WaitStatus(signal: .terminate), change).cause == .stopped)
        #expect(try self.stopped(WaitStatus(signal: .segmentationViolation), change).cause == .crashed)
        #expect(try self.stopped(WaitStatus(signal: .kill), change).cause == .killed)
    }

    @Test func anUnknownStatusStaysUnknownWhileStopping() throws {
        let record = try self.stopped(nil)
        #expect(record.cause == .unknown)
        #expect(record.outcome == .unknown)
        #expect(record.decision.action == .stayDown)
    }
}
