import LinuxSystem
import Supervision

/// Who hears the stream of transitions: rooms that are made after the history, which feeds them. From any thread.
final class Listeners: Sendable {
    private let listeners = Locked<[@Sendable ([Transition]) -> Void]>([])

    func add(_ listener: @escaping @Sendable ([Transition]) -> Void) {
        self.listeners.withLock { $0.append(listener) }
    }

    func tell(_ batch: [Transition]) {
        for listener in self.listeners.withLock({ $0 }) {
            listener(batch)
        }
    }
}
