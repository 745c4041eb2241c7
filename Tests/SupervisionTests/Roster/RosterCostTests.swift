import Supervision
import Testing

/// Thousands of instances at once: what is published and asked for grows with their number and not with its square.
@Suite struct RosterCostTests {
    private static let count = 1_000

    private func count(_ effects: [Effect]) -> (snapshots: Int, operationTimers: Int) {
        var snapshots = 0
        var timers = 0
        for effect in effects {
            switch effect {
            case .publish(let transition):
                if case .operation = transition.change { snapshots += 1 }
            case .timer(.operation, _): timers += 1
            case .announce, .spawn, .terminate, .kill, .signal, .timer(.instance, _), .upgrade, .ended: break
            }
        }
        return (snapshots, timers)
    }

    /// A roster whose instances are all stopped, or all up.
    private func roster(areUp: Bool) -> (WorkerRoster, [InstanceID]) {
        let specification = WorkerSpecification.web {
            $0.instances = Self.count
            $0.autostart = areUp
        }
        var roster = WorkerRoster(specifications: [specification], randomness: Randomness(seed: 1))
        let ids = (0..<Self.count).map { InstanceID.web($0) }
        roster.begin(at: .beginning)
        if areUp {
            for (pid, id) in ids.enumerated() {
                guard let run = roster.status(of: id)?.runID else { continue }
                roster.spawned(id, run, pid: Int32(pid) + 100, at: .beginning)
            }
        }
        _ = roster.takeEffects()
        return (roster, ids)
    }

    @Test func aStopOfThousandsIsPublishedTenTimesASecondAtMost() throws {
        var (roster, ids) = self.roster(areUp: true)
        var now = Moment.beginning
        let request = OperationRequest(action: .stop, workers: ["web"], requestedBy: "uid:0")
        let stop = try #require(roster.submit(request, at: now).accepted)
        var effects = roster.takeEffects()
        for id in ids {
            // Ten milliseconds between two ends: ten seconds in all.
            now = now.later(by: .milliseconds(10))
            let run = try #require(roster.status(of: id)?.runID)
            roster.exited(id, run, .init(status: WaitStatus(signal: .terminate)), at: now)
            effects += roster.takeEffects()
        }
        let (snapshots, timers) = self.count(effects)
        #expect(snapshots >= 99 && snapshots <= 103)
        #expect(timers <= 2 * snapshots)
        let last = effects.last { if case .publish = $0 { true } else { false } }
        guard case .publish(let transition) = last, case .operation(let operation) = transition.change else {
            Issue.record("the end of the operation is not the last that is published")
            return
        }
        #expect(operation.id == stop.id)
        #expect(operation.state == .succeeded)
    }

    @Test func aStartOfThousandsAsksForFewTimers() throws {
        var (roster, ids) = self.roster(areUp: false)
        let request = OperationRequest(action: .start, workers: ["web"], requestedBy: "uid:0")
        let start = try #require(roster.submit(request, at: .beginning).accepted)
        for id in ids {
            let run = try #require(roster.status(of: id)?.runID)
            roster.spawned(id, run, pid: 1, at: .beginning)
        }
        roster.timeReached(.operation(start.id), at: .beginning.later(by: .seconds(1)))
        let (snapshots, timers) = self.count(roster.takeEffects())
        #expect(snapshots == 2)
        #expect(timers <= 6)
    }

    /// A snapshot that was put off comes by the operation's timer, even when nothing happens any more.
    @Test func aSnapshotThatWasPutOffComesByTime() throws {
        var (roster, ids) = self.roster(areUp: true)
        let request = OperationRequest(action: .stop, workers: ["web"], requestedBy: "uid:0")
        let stop = try #require(roster.submit(request, at: .beginning).accepted)
        _ = roster.takeEffects()
        let run = try #require(roster.status(of: ids[0])?.runID)
        roster.exited(ids[0], run, .init(status: WaitStatus(exitCode: 0)), at: .beginning)
        let effects = roster.takeEffects()
        #expect(self.count(effects) == (0, 1))
        let later = Moment.beginning.later(by: .milliseconds(100))
        #expect(effects.contains(.timer(.operation(stop.id), later.monotonic)))
        roster.timeReached(.operation(stop.id), at: later)
        let published = roster.takeEffects().compactMap { effect in
            if case .publish(let transition) = effect, case .operation(let operation) = transition.change {
                operation
            } else {
                nil
            }
        }
        #expect(published.map { $0.instances[0].outcome } == [.stopped])
    }
}
