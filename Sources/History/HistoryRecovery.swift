public import Supervision

/// What the history knows of the time before this start.
public struct HistoryRecovery: Sendable {
    /// How many of the newest exits are handed over.
    public static let maximumNewestExits = 500
    /// How many of the newest transitions are handed over: who follows them comes back at once after a restart, with all
    /// others.
    public static let maximumNewestTransitions = 500

    public var memories: [InstanceMemory]
    public var workers: [WorkerMemory]
    /// Operations that had not ended, oldest first.
    public var unfinishedOperations: [Operation]
    /// The newest exit of each instance that is still kept.
    public var lastExits: [ExitRecord]
    /// The newest exits of all, oldest first; all that are kept when they are fewer than `maximumNewestExits`.
    public var newestExits: [ExitRecord]
    /// The newest transitions of all, oldest first, `maximumNewestTransitions` at most.
    public var newestTransitions: [TransitionRecord]
    /// The numbers that were given last.
    public var lastExitSeq: Int64
    public var lastTransitionID: Int64

    /// Of an agent that never was there before.
    public static var nothing: HistoryRecovery {
        HistoryRecovery(
            memories: [],
            workers: [],
            unfinishedOperations: [],
            lastExits: [],
            newestExits: [],
            newestTransitions: [],
            lastExitSeq: 0,
            lastTransitionID: 0
        )
    }
}
