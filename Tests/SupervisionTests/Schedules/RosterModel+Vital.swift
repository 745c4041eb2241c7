@testable import Supervision

/// Vital workers, whose end is the agent's.
extension RosterModel {
    mutating func see(shutdownBy requester: String) throws(Violation) {
        self.isShuttingDown = true
        guard requester.hasPrefix("vital:") else { return }
        guard let status = self.statuses.values.first(where: { "vital:\($0.id)" == requester }) else {
            throw Violation("a shutdown by \(requester), whom nobody knows")
        }
        guard self.specifications[status.id.worker]?.isVital == true, Self.hasEndedForGood(status) else {
            throw Violation("a shutdown by \(status), which is no end of a vital worker")
        }
        self.vitalEnd = self.lastExits[status.id]
    }

    /// No vital worker has ended for good and is waited for by an agent that goes on.
    func checkVital() throws(Violation) {
        for status in self.statuses.values where self.specifications[status.id.worker]?.isVital == true {
            guard !Self.hasEndedForGood(status) else {
                throw Violation("\(status.id): it is vital, \(status.state), and the agent goes on")
            }
        }
    }

    func check(_ exitStatus: UInt8, of shutdown: Operation) throws(Violation) {
        var expected = 0
        if shutdown.requestedBy.hasPrefix("vital:") {
            guard let end = self.vitalEnd else { throw Violation("a vital worker without an end") }
            switch end.waitStatus?.kind {
            case .exited(let code): expected = Int(code)
            case .signaled(let signal, _): expected = 128 + Int(signal.number)
            case .stopped, .continued, .invalid, nil:
                expected = end.error.map { $0.stage == "exec" && $0.errnoName == "ENOENT" ? 127 : 126 } ?? 1
            }
        }
        guard Int(exitStatus) == expected else { throw Violation("ended with \(exitStatus) instead of \(expected)") }
    }

    private static func hasEndedForGood(_ status: InstanceStatus) -> Bool {
        status.state == .finished || status.state == .failed && status.nextStartAt == nil
    }
}
