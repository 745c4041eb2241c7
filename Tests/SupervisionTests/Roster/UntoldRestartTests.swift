import Testing

@testable import Supervision

/// A restart that nobody asked for is acted on before it is told, and told before anything else happens.
@Suite struct UntoldRestartTests {
    private static let first = InstanceID.web(0)
    private static let second = InstanceID.web(1)
    private let later = Moment.beginning.later(by: .seconds(3600))

    /// A roster with two instances that are up, and their runs.
    private func roster() throws -> (WorkerRoster, [RunID]) {
        let specification = WorkerSpecification.web {
            $0.instances = 2
            $0.restart = .always
        }
        var roster = WorkerRoster(specifications: [specification], randomness: Randomness(seed: 1))
        roster.begin(at: .beginning)
        var runs: [RunID] = []
        for id in [Self.first, Self.second] {
            let run = try #require(roster.status(of: id)?.runID)
            roster.spawned(id, run, pid: 100 + Int32(id.index), at: .beginning)
            runs.append(run)
        }
        _ = roster.takeEffects()
        return (roster, runs)
    }

    /// What is told by these effects, in a word each.
    private func told(_ effects: [Effect]) -> [String] {
        effects.compactMap { effect in
            guard case .publish(let transition) = effect else { return nil }
            switch transition.change {
            case .exit(let record): return "exit of \(record.instance)"
            case .instance(let change): return "\(change.status.id) \(change.to)"
            case .operation(let operation): return "\(operation.action)"
            case .configured, .recovered, .shuttingDown, .scaled, .removed: return "other"
            }
        }
    }

    private func killed() -> InstanceStateMachine.Ended {
        InstanceStateMachine.Ended(status: WaitStatus(signal: .kill))
    }

    @Test func theNewRunIsAskedForBeforeTheOldOneIsToldOf() throws {
        var (roster, runs) = try self.roster()
        roster.exited(Self.first, runs[0], self.killed(), at: self.later)
        let urgent = roster.takeUrgentEffects()
        guard case .spawn(Self.first, let next) = urgent.first, urgent.count == 1 else {
            Issue.record("\(urgent)")
            return
        }
        #expect(next != runs[0])
        #expect(roster.hasUntoldRestarts)
        let effects = roster.takeEffects()
        #expect(self.told(effects) == ["exit of web.0", "web.0 starting"])
        guard case .publish(let transition) = effects.last, case .instance(let change) = transition.change else {
            Issue.record("\(effects)")
            return
        }
        #expect(change.exitRunID == runs[0] && change.status.runID == next)
        #expect(change.text.contains("restart at once"))
        #expect(transition.at == self.later.wall)
        #expect(!roster.hasUntoldRestarts)
        #expect(roster.takeEffects().isEmpty)
    }

    /// Ends the first instance, has something happen, and says what is told after the restart.
    private func told(
        after happens: (_ roster: inout WorkerRoster, _ next: RunID, _ otherRun: RunID) -> Void
    ) throws -> [String] {
        var (roster, runs) = try self.roster()
        roster.exited(Self.first, runs[0], self.killed(), at: self.later)
        guard case .spawn(_, let next) = roster.takeUrgentEffects().first else {
            Issue.record("nothing is started again")
            return []
        }
        happens(&roster, next, runs[1])
        let told = self.told(roster.takeEffects())
        #expect(told.prefix(2) == ["exit of web.0", "web.0 starting"])
        return Array(told.dropFirst(2))
    }

    @Test func whateverHappensNextIsToldAfterIt() throws {
        let later = self.later
        let up = try self.told { roster, next, _ in roster.spawned(Self.first, next, pid: 7, at: later) }
        #expect(up == ["web.0 running"])
        let failed = try self.told { roster, next, _ in
            let error = StartError(stage: "clone", errno: 11, errnoName: "EAGAIN", message: "no")
            roster.spawnFailed(Self.first, next, error, at: later)
        }
        #expect(failed == ["exit of web.0", "web.0 backoff"])
        let again = try self.told { roster, _, other in roster.exited(Self.second, other, self.killed(), at: later) }
        #expect(again == ["exit of web.1", "web.1 starting"])
        let clearing = try self.told { roster, _, other in
            var ended = self.killed()
            ended.leavesProcesses = true
            roster.exited(Self.second, other, ended, at: later)
        }
        #expect(clearing == ["exit of web.1", "web.1 stopping"])
        let stopping = try self.told { roster, _, _ in
            _ = roster.submit(OperationRequest(action: .stop, workers: ["web"], requestedBy: "x"), at: later)
        }
        #expect(stopping.last == "stop")
        #expect(stopping.contains("web.0 stopping"))
        #expect(try self.told { roster, _, _ in roster.timeReached(.instance(Self.second), at: later) } == [])
        #expect(try self.told { roster, _, _ in roster.note(Self.first, "a note", at: later) } == [])
        #expect(try self.told { roster, _, other in roster.cleared(Self.second, other, at: later) } == [])
    }

    @Test func theNewRunIsAnnouncedBeforeItIsAskedFor() throws {
        var (roster, runs) = try self.roster()
        roster.announcesRuns = true
        roster.exited(Self.first, runs[0], self.killed(), at: self.later)
        let urgent = roster.takeUrgentEffects()
        guard urgent.count == 2, case .announce(let note) = urgent[0], case .spawn(_, let next) = urgent[1] else {
            Issue.record("\(urgent)")
            return
        }
        #expect(note.runID == next)
        #expect(note.replaced?.runID == runs[0])
        let again = roster.takeEffects().contains { if case .announce = $0 { true } else { false } }
        #expect(!again)
    }

    @Test func numbersRiseInTheOrderOfTheTelling() throws {
        var (roster, runs) = try self.roster()
        roster.exited(Self.first, runs[0], self.killed(), at: self.later)
        roster.exited(Self.second, runs[1], self.killed(), at: self.later)
        #expect(roster.takeUrgentEffects().count == 2)
        let ids = roster.takeEffects().compactMap {
            if case .publish(let transition) = $0 { transition.id } else { nil }
        }
        #expect(ids.count == 4)
        #expect(ids == ids.sorted() && Set(ids).count == 4)
    }

    @Test func anEndThatAnOperationWaitsForIsToldAtOnce() throws {
        var (roster, runs) = try self.roster()
        _ = roster.submit(OperationRequest(action: .restart, workers: ["web"], requestedBy: "x"), at: self.later)
        _ = roster.takeEffects()
        roster.exited(Self.first, runs[0], .init(status: WaitStatus(signal: .terminate)), at: self.later)
        #expect(!roster.hasUntoldRestarts)
        #expect(self.told(roster.takeUrgentEffects()).first == "exit of web.0")
    }
}
