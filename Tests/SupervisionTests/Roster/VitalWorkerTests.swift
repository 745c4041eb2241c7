import Testing

@testable import Supervision

/// A vital worker takes the agent with it, when it has ended for good.
@Suite struct VitalWorkerTests {

    /// A vital `web` beside a `db` that is not.
    private func running(
        instances: Int = 1,
        _ change: (inout WorkerSpecification) -> Void = { _ in }
    ) throws -> RosterHarness {
        var harness = RosterHarness([
            WorkerSpecification(name: "db", command: ["/bin/db"]),
            .web {
                $0.instances = instances
                $0.isVital = true
                change(&$0)
            },
        ])
        try harness.begin()
        try harness.bringAllUp()
        return harness
    }

    private func shutdown(_ harness: RosterHarness) -> Operation? {
        harness.model.operations.values.first { $0.action == .shutdown }
    }

    @Test func itsEndStopsTheOthersAndThenTheAgent() throws {
        var harness = try self.running { $0.restart = .never }
        try harness.end(.web(0), WaitStatus(exitCode: 3))
        let operation = try #require(self.shutdown(harness))
        #expect(operation.requestedBy == "vital:web.0")
        #expect(operation.reason == "web.0 is vital and has ended for good: exited with code 3; stays down")
        #expect(harness.status(.db(0)).state == .stopping)
        #expect(harness.ended.isEmpty)
        try harness.obey()
        #expect(harness.ended == [operation.id])
        #expect(harness.exitStatus == 3)
        #expect(harness.operation(operation.id)?.state == .succeeded)
    }

    private static let statuses: [(WaitStatus?, UInt8)] = [
        (WaitStatus(exitCode: 0), 0), (WaitStatus(exitCode: 255), 255), (WaitStatus(signal: .terminate), 143),
        (WaitStatus(signal: .kill), 137), (WaitStatus(signal: .segmentationViolation, coreDumped: true), 139), (nil, 1),
    ]

    @Test(arguments: Self.statuses)
    func theAgentEndsAsItDid(status: WaitStatus?, code: UInt8) throws {
        var harness = try self.running { $0.restart = .never }
        try harness.end(.web(0), status)
        try harness.obey()
        #expect(harness.exitStatus == code)
    }

    @Test func aCodeThatCountsAsSuccessIsStillItsCode() throws {
        var harness = try self.running { $0.success = [.code(0), .code(3)] }
        try harness.end(.web(0), WaitStatus(exitCode: 3))
        try harness.obey()
        #expect(harness.exitStatus == 3)
    }

    private static let failures: [(String, String, UInt8)] = [
        ("exec", "ENOENT", 127), ("exec", "EACCES", 126), ("directory", "ENOENT", 126),
    ]

    @Test(arguments: Self.failures)
    func aProgramThatCannotBeExecutedGivesTheCodeOfAShell(stage: String, errno: String, code: UInt8) throws {
        var harness = RosterHarness([.web { $0.isVital = true }])
        try harness.begin()
        try harness.refuse(.web(0), StartError(stage: stage, errno: 2, errnoName: errno, message: "cannot"))
        #expect(harness.ended.count == 1)
        #expect(harness.exitStatus == code)
    }

    @Test func aRestartIsNoEndForGood() throws {
        var harness = try self.running()
        try harness.end(.web(0), WaitStatus(exitCode: 3))
        try harness.bringAllUp()
        try harness.end(.web(0), WaitStatus(exitCode: 3))
        #expect(harness.status(.web(0)).state == .backoff)
        #expect(self.shutdown(harness) == nil)
    }

    @Test func aLimitIsOneUnlessItIsLeftByItself() throws {
        var harness = try self.running { $0.restartLimit = RestartLimit(restarts: 0, within: .seconds(60)) }
        try harness.end(.web(0), WaitStatus(exitCode: 3))
        #expect(self.shutdown(harness)?.reason?.hasSuffix("exited with code 3; given up") == true)
        harness = try self.running {
            $0.restartLimit = RestartLimit(restarts: 0, within: .seconds(60), retryAfter: .seconds(20))
        }
        try harness.end(.web(0), WaitStatus(exitCode: 3))
        #expect(harness.status(.web(0)).state == .failed)
        #expect(self.shutdown(harness) == nil)
    }

    @Test func whatSomebodyAskedForIsNone() throws {
        var harness = try self.running(instances: 2)
        try harness.submit(.web(.stop) { $0.instance = 0 })
        try harness.submit(.web(.scale) { $0.count = 1 })
        try harness.obey()
        #expect(harness.status(.web(0)).state == .stopped)
        #expect(self.shutdown(harness) == nil)
    }

    @Test func oneInstanceIsEnough() throws {
        var harness = try self.running(instances: 3)
        try harness.end(.web(1), WaitStatus(exitCode: 0))
        #expect(self.shutdown(harness)?.requestedBy == "vital:web.1")
    }

    @Test func whatIsLeftOfItIsKilledFirst() throws {
        var harness = try self.running { $0.restart = .never }
        try harness.end(.web(0), WaitStatus(exitCode: 3), leavesRest: true)
        #expect(self.shutdown(harness) == nil)
        try harness.obey()
        for run in harness.runs.keys.sorted() {
            harness.endRest(run)
        }
        try harness.tellAll()
        #expect(self.shutdown(harness) != nil)
        try harness.obey()
        #expect(harness.exitStatus == 3)
    }

    @Test func aJobThatSomebodyStartsEndsItsOperationFirst() throws {
        var harness = RosterHarness([
            .web {
                $0.isVital = true
                $0.autostart = false
            }
        ])
        try harness.begin()
        let start = try #require(harness.submit(.web(.start)).accepted)
        try harness.bringAllUp()
        try harness.end(.web(0), WaitStatus(exitCode: 0))
        #expect(harness.operation(start.id)?.state == .succeeded)
        #expect(harness.ended.count == 1)
    }

    @Test func aShutdownThatIsUnderWayKeepsItsOwnCode() throws {
        var harness = try self.running { $0.restart = .never }
        try harness.submit(OperationRequest(action: .shutdown, workers: [], requestedBy: "signal:TERM"))
        try harness.end(.web(0), WaitStatus(exitCode: 3))
        try harness.obey()
        #expect(harness.ended.count == 1)
        #expect(harness.exitStatus == 0)
    }

    @Test func aSignalToTheAgentKeepsTheCodeOfTheWorker() throws {
        var harness = try self.running { $0.restart = .never }
        try harness.end(.web(0), WaitStatus(exitCode: 3))
        let term = OperationRequest(action: .shutdown, workers: [], requestedBy: "signal:TERM")
        try #expect(harness.submit(term).joined?.requestedBy == "vital:web.0")
        try harness.obey()
        #expect(harness.exitStatus == 3)
    }
}

/// The agent dies around the end of a vital worker.
@Suite struct VitalWorkerRecoveryTests {
    private let specifications = [
        WorkerSpecification(name: "db", command: ["/bin/db"]),
        WorkerSpecification.web {
            $0.isVital = true
            $0.restart = .never
        },
    ]

    /// What a life of the agent leaves behind.
    private struct Legacy {
        var memory = RosterMemory()
        var notes: [InstanceID: RunNote] = [:]
        var exits: [ExitRecord] = []
        var operations: [OperationID: Operation] = [:]
        var effects: [Effect] = []

        mutating func take(_ roster: inout WorkerRoster, at now: Moment) {
            for effect in roster.takeEffects() {
                self.effects.append(effect)
                switch effect {
                case .announce(let note): self.notes[note.instance] = note
                case .publish(let transition):
                    switch transition.change {
                    case .exit(let exit): self.exits.append(exit)
                    case .operation(let operation): self.operations[operation.id] = operation
                    case .configured, .instance, .scaled, .removed, .recovered, .shuttingDown: break
                    }
                case .spawn, .terminate, .kill, .signal, .timer, .upgrade, .ended: break
                }
            }
            self.memory.take(from: &roster, at: now)
        }

        var hasEnded: UInt8? {
            self.effects.lazy.compactMap { if case .ended(_, let status) = $0 { status } else { nil } }.first
        }

        var spawns: [InstanceID] {
            self.effects.compactMap { if case .spawn(let id, _) = $0 { id } else { nil } }
        }
    }

    private let now = Moment.beginning

    /// A life in which both workers are up.
    private func firstLife() throws -> (WorkerRoster, Legacy) {
        var roster = WorkerRoster(specifications: self.specifications, randomness: Randomness(seed: 1))
        roster.announcesRuns = true
        var legacy = Legacy()
        roster.begin(at: self.now)
        legacy.take(&roster, at: self.now)
        for (id, note) in legacy.notes {
            roster.spawned(id, note.runID, pid: 42, at: self.now)
        }
        legacy.take(&roster, at: self.now)
        return (roster, legacy)
    }

    private func nextLife(
        after legacy: Legacy,
        web: SurvivingRun.Condition?,
        specifications: [WorkerSpecification]? = nil,
        isContinuation: Bool = true
    ) throws -> (WorkerRoster, Legacy) {
        var roster = WorkerRoster(
            specifications: specifications ?? self.specifications,
            randomness: Randomness(seed: 2)
        )
        roster.announcesRuns = true
        var recovery = legacy.memory.recovery()
        recovery.isContinuation = isContinuation
        recovery.lastExits = legacy.exits
        recovery.unfinishedOperations = legacy.operations.values.filter { $0.finishedAt == nil }
        recovery.survivors = [SurvivingRun(note: try #require(legacy.notes[.db(0)]), pid: 42, condition: .alive)]
        if let web {
            recovery.survivors.append(
                SurvivingRun(note: try #require(legacy.notes[.web(0)]), pid: 43, condition: web)
            )
        }
        var next = Legacy()
        roster.begin(at: self.now, after: recovery)
        next.take(&roster, at: self.now)
        return (roster, next)
    }

    private func end(
        _ id: InstanceID,
        _ status: WaitStatus,
        _ roster: inout WorkerRoster,
        _ legacy: inout Legacy
    ) throws {
        let run = try #require(roster.status(of: id)?.runID)
        roster.exited(id, run, .init(status: status), at: self.now)
        legacy.take(&roster, at: self.now)
    }

    @Test func anEndThatNobodySawIsDecidedAboutByTheNextAgent() throws {
        let (_, legacy) = try self.firstLife()
        let ended = SurvivingRun.Condition.ended(.init(status: WaitStatus(exitCode: 7)))
        var (roster, next) = try self.nextLife(after: legacy, web: ended)
        #expect(next.hasEnded == nil)
        #expect(next.spawns.isEmpty)
        try self.end(.db(0), WaitStatus(signal: .terminate), &roster, &next)
        #expect(next.hasEnded == 7)
    }

    @Test func theShutdownGoesOnWithItsCode() throws {
        var (roster, legacy) = try self.firstLife()
        try self.end(.web(0), WaitStatus(exitCode: 7), &roster, &legacy)
        var (second, next) = try self.nextLife(after: legacy, web: nil)
        // What ended the agent is not started by its successor, nor is anything else.
        #expect(next.spawns.isEmpty)
        #expect(second.status(of: .db(0))?.state == .stopping)
        try self.end(.db(0), WaitStatus(signal: .terminate), &second, &next)
        #expect(next.hasEnded == 7)
        #expect(next.operations.count == 1)
        #expect(next.operations.values.first?.requestedBy == "vital:web.0")
    }

    @Test func itGoesOnWhenNotAllOfItIsConfiguredAnyMore() throws {
        var (roster, legacy) = try self.firstLife()
        try self.end(.web(0), WaitStatus(exitCode: 7), &roster, &legacy)
        let rest = [self.specifications[0]]
        var (second, next) = try self.nextLife(after: legacy, web: nil, specifications: rest)
        #expect(second.status(of: .db(0))?.state == .stopping)
        try self.end(.db(0), WaitStatus(signal: .terminate), &second, &next)
        #expect(next.hasEnded == 7)
    }

    @Test func theServiceThatIsStartedAnewStartsEverything() throws {
        var (roster, legacy) = try self.firstLife()
        try self.end(.web(0), WaitStatus(exitCode: 7), &roster, &legacy)
        try self.end(.db(0), WaitStatus(signal: .terminate), &roster, &legacy)
        #expect(legacy.hasEnded == 7)
        var recovery = legacy.memory.recovery()
        recovery.lastExits = legacy.exits
        var next = Legacy()
        var second = WorkerRoster(specifications: self.specifications, randomness: Randomness(seed: 2))
        second.begin(at: self.now, after: recovery)
        next.take(&second, at: self.now)
        #expect(next.spawns == [.db(0), .web(0)])
        #expect(next.hasEnded == nil)
    }

    /// The configuration calls a worker vital that had finished before.
    @Test func whatIsFoundEndedForGoodEndsTheAgent() throws {
        var specifications = self.specifications
        specifications[1].isVital = false
        var roster = WorkerRoster(specifications: specifications, randomness: Randomness(seed: 1))
        roster.announcesRuns = true
        var legacy = Legacy()
        roster.begin(at: self.now)
        legacy.take(&roster, at: self.now)
        for (id, note) in legacy.notes {
            roster.spawned(id, note.runID, pid: 42, at: self.now)
        }
        try self.end(.web(0), WaitStatus(exitCode: 9), &roster, &legacy)
        var (second, next) = try self.nextLife(after: legacy, web: nil)
        try self.end(.db(0), WaitStatus(signal: .terminate), &second, &next)
        #expect(next.hasEnded == 9)
    }
}
