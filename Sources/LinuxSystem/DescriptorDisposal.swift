internal import Glibc

/// Closes descriptors on a thread of its own, where that may take long: the last one of an unlinked file gives its memory and its
/// blocks back, which is a millisecond and more for every 10 MiB. The thread lives as long as there is something to close.
public final class DescriptorDisposal: Sendable {
    private struct State {
        var waiting: [Int32] = []
        var hasThread = false
        /// Since the last `finish`.
        var wasUsed = false
    }

    private let name: String
    private let limit: Int
    private let state = Locked(State())
    /// How many were closed; held while one is.
    private let closed = Locked(0)

    /// - Parameters:
    ///   - name: of the thread.
    ///   - limit: how many may wait; one more is closed at once.
    public init(name: String, limit: Int) {
        self.name = name
        self.limit = limit
    }

    public func close(_ descriptor: consuming Descriptor) {
        let number = descriptor.take()
        let (isTaken, begins) = self.state.withLock { state in
            state.wasUsed = true
            guard state.waiting.count < self.limit else { return (false, false) }
            state.waiting.append(number)
            defer { state.hasThread = true }
            return (true, !state.hasThread)
        }
        guard isTaken else {
            Glibc.close(number)
            return
        }
        guard begins else { return }
        do throws(Errno) {
            try SystemThread.start(name: self.name, inBackground: true) { while self.closeNext() {} }
        } catch {
            self.finish()
        }
    }

    /// Comes back when all that was handed in is closed. Answers whether there was anything since the last time.
    @discardableResult
    public func finish() -> Bool {
        let wasUsed = self.state.withLock { state in
            defer { state.wasUsed = false }
            return state.wasUsed
        }
        while self.closeNext() {}
        return wasUsed
    }

    private func closeNext() -> Bool {
        self.closed.withLock { count in
            let next = self.state.withLock { state -> Int32? in
                guard !state.waiting.isEmpty else {
                    state.hasThread = false
                    return nil
                }
                return state.waiting.removeFirst()
            }
            guard let next else { return false }
            Glibc.close(next)
            count += 1
            return true
        }
    }
}
