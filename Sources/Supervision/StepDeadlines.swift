/// Instants at which steps of an operation want to be looked at. Each is the same duration after the moment at which it was
/// set, and time does not go back, so they stand in order as they come; the ones that are stale by then are skipped.
struct StepDeadlines: Sendable {
    private var entries: [(step: Int, at: MonotonicInstant)] = []
    private var head = 0

    mutating func append(_ step: Int, at instant: MonotonicInstant) {
        self.entries.append((step, instant))
    }

    /// The earliest instant for which `isCurrent` is true; forgets those before it.
    mutating func first(where isCurrent: (Int, MonotonicInstant) -> Bool) -> MonotonicInstant? {
        while self.head < self.entries.count {
            let (step, at) = self.entries[self.head]
            if isCurrent(step, at) {
                return at
            }
            self.head += 1
        }
        return nil
    }

    /// Removes the earliest entry, if its time has come.
    mutating func popFirst(dueAt now: MonotonicInstant) -> (step: Int, at: MonotonicInstant)? {
        guard self.head < self.entries.count, self.entries[self.head].at <= now else { return nil }
        defer { self.head += 1 }
        return self.entries[self.head]
    }
}
