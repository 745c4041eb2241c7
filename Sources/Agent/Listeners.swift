import LinuxSystem
import Supervision

/// Who hears the stream of transitions, and which exits have become durable since they were told: rooms that are made after
/// the history, which feeds them. From any thread.
final class Listeners: Sendable {
    private struct All: Sendable {
        var transitions: [@Sendable ([Transition]) -> Void] = []
        var durable: [@Sendable ([RunID]) -> Void] = []
    }

    private let all = Locked(All())

    func add(_ listener: @escaping @Sendable ([Transition]) -> Void) {
        self.all.withLock { $0.transitions.append(listener) }
    }

    func addForDurable(_ listener: @escaping @Sendable ([RunID]) -> Void) {
        self.all.withLock { $0.durable.append(listener) }
    }

    func tell(_ batch: [Transition]) {
        for listener in self.all.withLock({ $0.transitions }) {
            listener(batch)
        }
    }

    func tellDurable(_ runs: [RunID]) {
        for listener in self.all.withLock({ $0.durable }) {
            listener(runs)
        }
    }
}
