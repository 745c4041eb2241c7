internal import ControlMessages
internal import Supervision

/// The newest exits, in memory, in the order of their `seq`.
struct ExitHistory {
    /// How many are kept.
    static let maximumCount = 10_000

    private let capacity: Int
    /// A ring once it is full: the oldest stands at `head`.
    private var records: [ExitRecord] = []
    private var head = 0
    private var byRun: [RunID: Int64] = [:]
    /// Whether older ones were there and are no longer kept.
    private(set) var hasDropped = false

    init(capacity: Int = Self.maximumCount) {
        self.capacity = capacity
    }

    var count: Int {
        self.records.count
    }

    /// How many runs can be looked up; as many as are kept.
    var indexSize: Int {
        self.byRun.count
    }

    var oldest: Int64? {
        self.records.isEmpty ? nil : self[0].seq
    }

    var newest: Int64? {
        self.records.isEmpty ? nil : self[self.count - 1].seq
    }

    /// 0 is the oldest.
    private subscript(position: Int) -> ExitRecord {
        self.records[(self.head + position) % self.records.count]
    }

    /// Adds a committed exit. One that is known already, by its run or by its `seq`, is the same one told again.
    mutating func append(_ record: ExitRecord) {
        guard self.byRun[record.runID] == nil, record.seq > self.newest ?? .min else { return }
        self.byRun[record.runID] = record.seq
        guard self.count == self.capacity else {
            self.records.append(record)
            return
        }
        self.byRun[self.records[self.head].runID] = nil
        self.records[self.head] = record
        self.head = (self.head + 1) % self.capacity
        self.hasDropped = true
    }

    func record(seq: Int64) -> ExitRecord? {
        guard seq > .min else { return nil }
        let position = self.firstPosition(after: seq - 1)
        guard position < self.count, self[position].seq == seq else { return nil }
        return self[position]
    }

    func record(of run: RunID) -> ExitRecord? {
        self.byRun[run].flatMap { self.record(seq: $0) }
    }

    func contains(worker: String) -> Bool {
        self.records.contains { $0.instance.worker == worker }
    }

    /// The position of the first one whose `seq` is greater; `count` when there is none.
    private func firstPosition(after seq: Int64) -> Int {
        var low = 0
        var high = self.count
        while low < high {
            let middle = (low + high) / 2
            if self[middle].seq <= seq {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    /// What somebody wants to see.
    struct Query {
        /// Names and globs; `nil` for all.
        var workers: [NamePattern]?
        /// `nil` for all.
        var causes: [ExitCause]?
        /// Ended at or after it.
        var since: Timestamp?
        var after: Int64?
        var before: Int64?
        var limit = 100
        var isAscending = false

        func matches(_ record: ExitRecord) -> Bool {
            if let since = self.since, record.endedAt < since { return false }
            if let causes = self.causes, !causes.contains(record.cause) { return false }
            guard let workers = self.workers else { return true }
            return workers.contains { $0.matches(record.instance.worker) }
        }
    }

    struct Page: Equatable {
        var records: [ExitRecord]
        /// Where the next page goes on: `after` for an ascending query, `before` for a descending one.
        var next: Int64?
    }

    /// Whether exits between `after` and what is kept have been dropped.
    func hasLost(after seq: Int64) -> Bool {
        guard self.hasDropped, let oldest = self.oldest else { return false }
        return seq < oldest - 1
    }

    func page(_ query: Query) -> Page {
        let low = query.after.map { self.firstPosition(after: $0) } ?? 0
        let high = query.before.map { $0 == .min ? 0 : self.firstPosition(after: $0 - 1) } ?? self.count
        guard low < high else {
            return Page(records: [], next: query.isAscending ? query.after ?? self.newest : nil)
        }
        var records: [ExitRecord] = []
        var position = query.isAscending ? low : high - 1
        let step = query.isAscending ? 1 : -1
        while (low..<high).contains(position) {
            let record = self[position]
            if query.matches(record) {
                guard records.count < query.limit else {
                    // There is more: the next page begins after what stands in this one.
                    return Page(records: records, next: records.last?.seq)
                }
                records.append(record)
            }
            position += step
        }
        // All was looked at. Who follows goes on behind the newest, also when nothing of it matched: his place must not
        // fall out of the history while others fill it.
        return Page(records: records, next: query.isAscending ? self[high - 1].seq : nil)
    }
}
