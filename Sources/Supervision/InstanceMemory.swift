/// What outlives the agent of an instance beside its exits: what is wanted of it, and what its next restart depends on.
public struct InstanceMemory: Equatable, Sendable {
    public var id: InstanceID
    /// What an operator decided, or else what was wanted by `autostart`.
    public var desired: DesiredState
    /// Whether an operator decided `desired`; else `autostart` decides again at the next start.
    public var isDecided: Bool
    /// Whether the decision also outlives a reboot (`persist=true`).
    public var isPersistent: Bool
    /// The boot in which this was written; in another one only a persistent decision and the totals count.
    public var bootID: String
    public var state: InstanceState
    public var runID: RunID?
    public var consecutiveFailures: Int
    /// In `backoff`, and in `failed` when it is left by itself.
    public var nextStartAt: Timestamp?
    public var starts: Int
    public var restarts: Int
    /// The automatic restarts that the restart limit counts, oldest first.
    public var recentRestarts: [Timestamp]
    public var updatedAt: Timestamp

    public init(
        id: InstanceID,
        desired: DesiredState,
        isDecided: Bool = false,
        isPersistent: Bool = false,
        bootID: String,
        state: InstanceState = .stopped,
        runID: RunID? = nil,
        consecutiveFailures: Int = 0,
        nextStartAt: Timestamp? = nil,
        starts: Int = 0,
        restarts: Int = 0,
        recentRestarts: [Timestamp] = [],
        updatedAt: Timestamp
    ) {
        self.id = id
        self.desired = desired
        self.isDecided = isDecided
        self.isPersistent = isPersistent
        self.bootID = bootID
        self.state = state
        self.runID = runID
        self.consecutiveFailures = consecutiveFailures
        self.nextStartAt = nextStartAt
        self.starts = starts
        self.restarts = restarts
        self.recentRestarts = recentRestarts
        self.updatedAt = updatedAt
    }

    /// As it counts in this boot: another one begins its backoff, its failures and its restart limit anew, and knows
    /// only the decisions that were made to last.
    public func counting(inBoot bootID: String) -> InstanceMemory {
        guard self.bootID != bootID else { return self }
        var memory = self
        memory.isDecided = self.isDecided && self.isPersistent
        memory.state = .stopped
        memory.runID = nil
        memory.consecutiveFailures = 0
        memory.nextStartAt = nil
        memory.recentRestarts = []
        return memory
    }
}
