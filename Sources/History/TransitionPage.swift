public import Supervision

/// Transitions in their order, and where the history stands.
public struct TransitionPage: Equatable, Sendable {
    public var records: [TransitionRecord]
    /// The oldest that is kept; `nil` while there is none.
    public var oldest: Int64?
    /// The highest number that was given.
    public var newest: Int64
    /// `false` when the database cannot be read: then only those are here that wait in memory.
    public var isComplete: Bool

    public init(records: [TransitionRecord], oldest: Int64?, newest: Int64, isComplete: Bool = true) {
        self.records = records
        self.oldest = oldest
        self.newest = newest
        self.isComplete = isComplete
    }
}

/// Where a page of transitions begins.
public enum TransitionStart: Equatable, Sendable {
    case after(Int64)
    /// With the first one at or after a time.
    case since(Timestamp)
}
