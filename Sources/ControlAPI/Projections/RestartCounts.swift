internal import ControlMessages

/// The automatic restarts of one instance within the windows that the API shows.
struct RestartCounts {
    private var oneMinute = WindowCounter(milliseconds: 60_000)
    private var tenMinutes = WindowCounter(milliseconds: 600_000)
    private var oneHour = WindowCounter(milliseconds: 3_600_000)

    mutating func add(_ count: Int, at now: Int64) {
        self.oneMinute.add(count, at: now)
        self.tenMinutes.add(count, at: now)
        self.oneHour.add(count, at: now)
    }

    /// Counts what happened earlier as well.
    mutating func precede(by past: RestartCounts, at now: Int64) {
        self.oneMinute.precede(by: past.oneMinute, at: now)
        self.tenMinutes.precede(by: past.tenMinutes, at: now)
        self.oneHour.precede(by: past.oneHour, at: now)
    }

    /// `true` when a count has left its window.
    mutating func expire(at now: Int64) -> Bool {
        // Each must be asked, so no short circuit.
        let changes = [self.oneMinute.expire(at: now), self.tenMinutes.expire(at: now), self.oneHour.expire(at: now)]
        return changes.contains(true)
    }

    var nextExpiry: Int64? {
        [self.oneMinute.nextExpiry, self.tenMinutes.nextExpiry, self.oneHour.nextExpiry].compactMap { $0 }.min()
    }

    func message(total: Int) -> RestartCountsMessage {
        RestartCountsMessage(
            oneMinute: self.oneMinute.sum,
            tenMinutes: self.tenMinutes.sum,
            oneHour: self.oneHour.sum,
            total: total
        )
    }

    var size: Int {
        self.oneMinute.size + self.tenMinutes.size + self.oneHour.size
    }
}
