/// How long the keeper waits before it starts an agent again. Pure.
///
/// An agent that had come up is started again at once, however often somebody kills it, but no sooner than `spacing` after its
/// last start. One that did not come up, or that crashed by itself soon after, is started again at once the first time and
/// then with a delay that doubles up to `longest`: what keeps it from coming up may need time to pass.
struct RestartDelay {
    static let spacing = Duration.milliseconds(200)
    static let first = Duration.milliseconds(100)
    static let longest = Duration.seconds(10)
    /// An agent that lived so long was healthy.
    static let healthy = Duration.seconds(10)

    /// Agents in a row that did not come up, or crashed soon.
    private(set) var failures = 0

    /// What is known of an agent that ended.
    struct End {
        var wasReady: Bool
        /// Since it was started.
        var lived: Duration
        /// By SIGKILL, SIGTERM and the like: somebody else's doing, and no reason to believe that it happens again.
        var wasKilled: Bool
    }

    mutating func delay(after end: End) -> Duration {
        if end.wasReady && (end.wasKilled || end.lived >= Self.healthy) {
            self.failures = 0
            return max(.zero, Self.spacing - end.lived)
        }
        self.failures += 1
        guard self.failures > 1 else { return max(.zero, Self.spacing - end.lived) }
        var delay = Self.first
        for _ in 2..<min(self.failures, 32) where delay < Self.longest {
            delay *= 2
        }
        return min(delay, Self.longest)
    }
}
