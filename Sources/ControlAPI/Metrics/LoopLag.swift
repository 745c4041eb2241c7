public import LinuxSystem

/// How long the turns of a loop take: as long as a turn lasts, whatever comes next waits. Noted on that loop, read on
/// another.
public final class LoopLag: Sendable {
    private let turns = Locked(
        DurationHistogram([
            .microseconds(100), .microseconds(250), .microseconds(500), .milliseconds(1), .microseconds(2500),
            .milliseconds(5), .milliseconds(10), .milliseconds(25), .milliseconds(50), .milliseconds(100),
            .milliseconds(250), .milliseconds(500), .seconds(1), .seconds(5),
        ])
    )

    public init() {}

    /// Watches a loop, beside whoever wants to be called at the end of its turns already. On the loop, or before it runs.
    public func watch(_ loop: EventLoop) {
        let earlier = loop.endOfTurn
        loop.endOfTurn = { [unowned loop] in
            earlier?()
            self.note(loop.now.duration(to: .now))
        }
    }

    func note(_ duration: Duration) {
        self.turns.withLock { $0.note(duration) }
    }

    func write(to text: inout MetricsText) {
        self.turns.withLock { $0 }.write(
            "reeve_loop_lag_seconds",
            "How long the turns of the supervision loop take; what happens meanwhile waits for the next one.",
            to: &text
        )
    }
}
