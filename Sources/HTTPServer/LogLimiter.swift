/// Lets so many lines a second through, and counts the others: a client must not be able to fill the log.
struct LogLimiter {
    let linesPerSecond: Int
    private var windowBegan: SuspendingClock.Instant?
    private var lines = 0
    private var dropped = 0

    init(linesPerSecond: Int) {
        self.linesPerSecond = linesPerSecond
    }

    /// `nil` when the line is to be dropped, else how many were dropped since the last one that was not.
    mutating func admit(at now: SuspendingClock.Instant) -> Int? {
        if self.windowBegan.map({ $0.duration(to: now) >= .seconds(1) }) ?? true {
            self.windowBegan = now
            self.lines = 0
        }
        guard self.lines < self.linesPerSecond else {
            self.dropped += 1
            return nil
        }
        self.lines += 1
        defer { self.dropped = 0 }
        return self.dropped
    }
}
