internal import History

/// The newest events, in memory, in the order of their ids: what all who are not far behind are served from. The rest is in
/// the history.
struct RecentEvents {
    /// How many are kept.
    static let maximumCount = 2_000

    private let capacity: Int
    private var frames: [EventFrame] = []
    /// The oldest that is kept; what stands before it is let go of later, many at once.
    private var head = 0
    /// Every event with a higher id is here.
    private(set) var floor: Int64
    /// The highest id that was told.
    private(set) var lastID: Int64

    /// Goes on where the agent before ended.
    init(_ recovery: HistoryRecovery = .nothing, capacity: Int = Self.maximumCount) {
        self.capacity = capacity
        self.lastID = 0
        // None, though there were some: they cannot be read, or were lost with a database that was set aside.
        self.floor = recovery.newestTransitions.first.map { $0.id - 1 } ?? recovery.lastTransitionID
        for record in recovery.newestTransitions {
            self.append(record)
        }
        self.lastID = max(self.lastID, recovery.lastTransitionID)
    }

    var count: Int {
        self.frames.count - self.head
    }

    mutating func append(_ record: TransitionRecord) {
        guard record.id > self.lastID else { return }
        self.lastID = record.id
        self.frames.append(EventFrame(record))
        guard self.count > self.capacity else { return }
        self.floor = self.frames[self.head].record.id
        self.head += 1
        if self.head >= max(16, self.capacity / 4) {
            self.frames.removeFirst(self.head)
            self.head = 0
        }
    }

    /// Whether every event with a higher id is here.
    func covers(after id: Int64) -> Bool {
        id >= self.floor
    }

    /// Those with a higher id, of which all must be here.
    func following(_ id: Int64) -> ArraySlice<EventFrame> {
        precondition(
            self.covers(after: id),
            "events after \(id) are asked for, and the first here is \(self.floor + 1)"
        )
        var low = self.head
        var high = self.frames.count
        while low < high {
            let middle = (low + high) / 2
            if self.frames[middle].record.id <= id {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return self.frames[low...]
    }
}
