internal import History
internal import Supervision

/// The newest exits, in memory, in the order of their `seq`: most of what is asked for is among them. The rest is in the
/// history.
struct RecentExits {
    /// How many are kept.
    static let maximumCount = HistoryRecovery.maximumNewestExits

    private let capacity: Int
    private var records: [ExitRecord] = []
    /// The oldest that is kept; what stands before it is let go of later, many at once.
    private var head = 0
    private var byRun: [RunID: Int64] = [:]
    /// Every exit with a higher number is here.
    private(set) var floor: Int64
    /// The highest number that was given.
    private(set) var lastSeq: Int64

    init(capacity: Int = Self.maximumCount) {
        self.capacity = capacity
        self.floor = 0
        self.lastSeq = 0
    }

    /// Goes on where the agent before ended.
    init(_ recovery: HistoryRecovery) {
        self.init()
        // None, though there were some: they cannot be read, or were lost with a database that was set aside.
        self.floor = recovery.newestExits.isEmpty ? recovery.lastExitSeq : 0
        if recovery.newestExits.count >= Self.maximumCount, let first = recovery.newestExits.first {
            self.floor = first.seq - 1
        }
        for record in recovery.newestExits {
            self.append(record)
        }
        self.lastSeq = max(self.lastSeq, recovery.lastExitSeq)
    }

    var count: Int {
        self.records.count - self.head
    }

    /// How many runs can be looked up; as many as are kept.
    var indexSize: Int {
        self.byRun.count
    }

    var oldest: Int64? {
        self.count == 0 ? nil : self[0].seq
    }

    /// 0 is the oldest.
    private subscript(position: Int) -> ExitRecord {
        self.records[self.head + position]
    }

    /// Adds a committed exit. One that is known already, by its run or by its `seq`, is the same one told again.
    mutating func append(_ record: ExitRecord) {
        guard self.byRun[record.runID] == nil, record.seq > self.lastSeq else { return }
        self.byRun[record.runID] = record.seq
        self.records.append(record)
        self.lastSeq = record.seq
        if self.count > self.capacity {
            self.dropFirst()
        }
    }

    /// Lets go of those that the history has let go of.
    mutating func trim(before oldest: Int64) {
        while self.count > 0, self[0].seq < oldest {
            self.dropFirst()
        }
        self.floor = max(self.floor, oldest - 1)
    }

    private mutating func dropFirst() {
        let record = self[0]
        self.byRun[record.runID] = nil
        self.floor = record.seq
        self.head += 1
        if self.head >= max(16, self.capacity / 4) {
            self.records.removeFirst(self.head)
            self.head = 0
        }
    }

    /// The history has written these, which it could not when they were told. `true` when one of them is here.
    mutating func markDurable(_ runs: some Sequence<RunID>) -> Bool {
        var hasChanged = false
        for run in runs {
            guard let seq = self.byRun[run] else { continue }
            self.records[self.head + self.firstPosition(after: seq - 1)].isDurable = true
            hasChanged = true
        }
        return hasChanged
    }

    // MARK: What is asked

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
        self.records[self.head...].contains { $0.instance.worker == worker }
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

    /// Whether every exit with a higher number than `seq` is here.
    func covers(after seq: Int64) -> Bool {
        seq >= self.floor
    }

    /// The answer to a query that nothing older belongs to; `nil` when only the history knows.
    func wholePage(_ query: ExitsQuery) -> ExitPage? {
        if self.covers(after: query.after ?? 0) {
            return self.page(query)
        }
        guard !query.isAscending else { return nil }
        let page = self.page(query)
        // There is one more that fits, so that the page is full without anything older.
        return page.next == nil ? nil : page
    }

    /// What is here of the answer to a query.
    func page(_ query: ExitsQuery) -> ExitPage {
        let low = query.after.map { self.firstPosition(after: $0) } ?? 0
        let high = query.before.map { $0 == .min ? 0 : self.firstPosition(after: $0 - 1) } ?? self.count
        var page = ExitPage(records: [], next: nil, oldest: self.oldest, newest: self.lastSeq)
        guard low < high else {
            page.next = query.isAscending ? query.after ?? (self.lastSeq > 0 ? self.lastSeq : nil) : nil
            return page
        }
        var position = query.isAscending ? low : high - 1
        let step = query.isAscending ? 1 : -1
        while (low..<high).contains(position) {
            let record = self[position]
            if query.matches(record) {
                guard page.records.count < query.limit else {
                    // There is more: the next page begins after what stands in this one.
                    page.next = page.records.last?.seq
                    return page
                }
                page.records.append(record)
            }
            position += step
        }
        // All was looked at. Who follows goes on behind the newest, also when nothing of it matched: his place must not
        // fall out of the history while others fill it.
        page.next = query.isAscending ? self[high - 1].seq : nil
        return page
    }
}
