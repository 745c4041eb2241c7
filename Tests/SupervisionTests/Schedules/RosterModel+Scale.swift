@testable import Supervision

/// Instances that come and go.
extension RosterModel {
    mutating func see(_ change: ScaleChange) throws(Violation) {
        let name = change.worker
        guard change.from == self.counts[name], change.from != change.to, change.removed.isEmpty,
            change.added == change.from..<max(change.from, change.to)
        else { throw Violation("\(name) is scaled by \(change)") }
        self.setCount(of: name, to: change.to)
        for index in change.added {
            let id = InstanceID(worker: name, index: index)
            if self.statuses[id] == nil {
                self.add(id)
            }
        }
    }

    mutating func see(removed id: InstanceID, runs: [RunID: SimulatedRun]) throws(Violation) {
        guard let status = self.statuses[id] else { throw Violation("\(id): removed, and nobody knows it") }
        guard id.index >= self.counts[id.worker] ?? .max else { throw Violation("\(id): removed, and it is wanted") }
        guard status.state == .stopped, status.desired == .down, status.runID == nil,
            runs.values.allSatisfy({ $0.instance != id || $0.isGone && $0.isEndTold })
        else { throw Violation("\(id): removed in \(status)") }
        self.remove(id)
    }

    /// Whether an instance is one too many and not gone.
    var hasLeaving: Bool {
        self.statuses.keys.contains { $0.index >= self.counts[$0.worker] ?? 0 }
    }

    /// There are as many instances as there should be, and those beyond are on their way out.
    func checkCounts() throws(Violation) {
        var wanted: [String: Int] = [:]
        for (id, status) in self.statuses {
            guard id.index >= self.counts[id.worker] ?? 0 else {
                wanted[id.worker, default: 0] += 1
                continue
            }
            guard status.desired == .down, status.state == .stopping else {
                throw Violation("\(id): one too many, and it is \(status)")
            }
        }
        for (name, count) in self.counts where wanted[name, default: 0] != count {
            throw Violation("\(name) has \(wanted[name, default: 0]) instances instead of \(count)")
        }
    }
}
