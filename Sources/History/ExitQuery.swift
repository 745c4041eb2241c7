public import Supervision

/// Which exits somebody wants to see.
public struct ExitQuery: Equatable, Sendable {
    /// Exact names; `nil` for all.
    public var workers: [String]?
    /// `nil` for all.
    public var causes: [ExitCause]?
    /// Ended at or after it.
    public var since: Timestamp?
    /// With a greater `seq`.
    public var after: Int64?
    /// With a smaller `seq`.
    public var before: Int64?
    public var limit: Int
    /// Oldest first instead of newest first.
    public var isAscending: Bool

    public init(
        workers: [String]? = nil,
        causes: [ExitCause]? = nil,
        since: Timestamp? = nil,
        after: Int64? = nil,
        before: Int64? = nil,
        limit: Int = 100,
        isAscending: Bool = false
    ) {
        self.workers = workers
        self.causes = causes
        self.since = since
        self.after = after
        self.before = before
        self.limit = limit
        self.isAscending = isAscending
    }

    func matches(_ record: ExitRecord) -> Bool {
        if let after = self.after, record.seq <= after { return false }
        if let before = self.before, record.seq >= before { return false }
        if let since = self.since, record.endedAt < since { return false }
        if let causes = self.causes, !causes.contains(record.cause) { return false }
        guard let workers = self.workers else { return true }
        return workers.contains(record.instance.worker)
    }
}

/// Exits that were asked for, in the order of the query.
public struct ExitPage: Equatable, Sendable {
    public var records: [ExitRecord]
    /// Where the next page goes on: `after` for an ascending query, `before` for a descending one. An ascending query that
    /// was answered whole goes on behind the newest exit of all, whether it matched or not, so that the place of someone
    /// who follows does not fall out of the retention; a descending one ends with `nil`.
    public var next: Int64?
    /// The oldest and the newest exit that are kept; `nil` when there is none.
    public var oldest: Int64?
    public var newest: Int64?
    /// `false` when the database cannot be read at present, so that only what waits in memory is here.
    public var isComplete = true

    public init(records: [ExitRecord], next: Int64?, oldest: Int64?, newest: Int64?) {
        self.records = records
        self.next = next
        self.oldest = oldest
        self.newest = newest
    }
}
