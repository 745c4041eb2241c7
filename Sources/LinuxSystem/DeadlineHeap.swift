/// A binary heap of instants with numbers. Cancelled entries stay until they come up or outnumber the live ones.
struct DeadlineHeap {
    struct Entry {
        var instant: SuspendingClock.Instant
        var number: UInt64

        static func < (a: Entry, b: Entry) -> Bool {
            a.instant != b.instant ? a.instant < b.instant : a.number < b.number
        }
    }

    private var entries: [Entry] = []

    mutating func insert(_ entry: Entry) {
        self.entries.append(entry)
        var child = self.entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard self.entries[child] < self.entries[parent] else { break }
            self.entries.swapAt(child, parent)
            child = parent
        }
    }

    /// The earliest live instant; removes the cancelled ones before it.
    mutating func earliest(where isLive: (UInt64) -> Bool) -> SuspendingClock.Instant? {
        while let first = self.entries.first {
            if isLive(first.number) {
                return first.instant
            }
            self.removeFirst()
        }
        return nil
    }

    /// Removes and returns the earliest number that is due.
    mutating func popDue(at now: SuspendingClock.Instant) -> UInt64? {
        guard let first = self.entries.first, first.instant <= now else { return nil }
        self.removeFirst()
        return first.number
    }

    /// Rebuilds the heap when most of it is cancelled, so that its size is bounded by that of the live entries.
    mutating func dropCancelled(live: Int, where isLive: (UInt64) -> Bool) {
        guard self.entries.count > 64, self.entries.count > 2 * live else { return }
        let kept = self.entries.filter { isLive($0.number) }
        self.entries = []
        for entry in kept {
            self.insert(entry)
        }
    }

    private mutating func removeFirst() {
        guard let last = self.entries.popLast(), !self.entries.isEmpty else { return }
        self.entries[0] = last
        var parent = 0
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < self.entries.count {
                if self.entries[child] < self.entries[smallest] {
                    smallest = child
                }
            }
            guard smallest != parent else { return }
            self.entries.swapAt(parent, smallest)
            parent = smallest
        }
    }
}
