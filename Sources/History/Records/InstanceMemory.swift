public import Supervision

/// What outlives the agent of an instance beside its exits: what is wanted of it, and what its next restart depends on.
public struct InstanceMemory: Equatable, Sendable {
    public var id: InstanceID
    public var desired: DesiredState
    /// Whether the decision for `desired` also outlives a reboot (`persist=true`).
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

    /// What of a published status is worth keeping.
    public init(
        _ status: InstanceStatus,
        isPersistent: Bool,
        bootID: String,
        recentRestarts: [Timestamp] = [],
        at now: Timestamp
    ) {
        self.init(
            id: status.id,
            desired: status.desired,
            isPersistent: isPersistent,
            bootID: bootID,
            state: status.state,
            runID: status.runID,
            consecutiveFailures: status.consecutiveFailures,
            nextStartAt: status.nextStartAt,
            starts: status.starts,
            restarts: status.restarts,
            recentRestarts: recentRestarts,
            updatedAt: now
        )
    }

    /// Whether the decision about `desired` counts in this boot.
    public func decisionCounts(inBoot bootID: String) -> Bool {
        self.isPersistent || self.bootID == bootID
    }

    /// As it counts in this boot: another one begins its backoff, its failures and its restart limit anew.
    public func counting(inBoot bootID: String) -> InstanceMemory {
        guard self.bootID != bootID else { return self }
        var memory = self
        memory.state = .stopped
        memory.runID = nil
        memory.consecutiveFailures = 0
        memory.nextStartAt = nil
        memory.recentRestarts = []
        return memory
    }
}

extension InstanceMemory {
    static let columns = """
        worker, instance, desired, persist, boot_id, state, run_id, consecutive_failures, backoff_until, starts_total, \
        restarts_total, recent_restarts, updated_at
        """

    static let upsert =
        "INSERT OR REPLACE INTO worker_state (\(Self.columns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

    func bind(to statement: Statement) {
        statement.bind(self.id.worker)
        statement.bind(self.id.index)
        statement.bind(self.desired.rawValue)
        statement.bind(self.isPersistent)
        statement.bind(self.bootID)
        statement.bind(self.state.rawValue)
        statement.bind(self.runID)
        statement.bind(self.consecutiveFailures)
        statement.bind(self.nextStartAt)
        statement.bind(self.starts)
        statement.bind(self.restarts)
        statement.bind(self.recentRestarts.map { TimestampText.format($0) }.joined(separator: ","))
        statement.bind(self.updatedAt)
    }

    /// `nil` for a row that is no memory, which only damage to the file can bring about.
    init?(_ row: Statement) {
        guard let worker = row.text(), let index = row.int(), let desired = row.value(DesiredState.self) else {
            return nil
        }
        let isPersistent = row.bool()
        guard let bootID = row.text(), let state = row.value(InstanceState.self) else { return nil }
        let run = row.uuid()
        guard let failures = row.int() else { return nil }
        let nextStartAt = row.timestamp()
        guard let starts = row.int(), let restarts = row.int(), let recent = row.text(), let updatedAt = row.timestamp()
        else { return nil }
        self.init(
            id: InstanceID(worker: worker, index: index),
            desired: desired,
            isPersistent: isPersistent,
            bootID: bootID,
            state: state,
            runID: run,
            consecutiveFailures: failures,
            nextStartAt: nextStartAt,
            starts: starts,
            restarts: restarts,
            recentRestarts: recent.split(separator: ",").compactMap { TimestampText.parse(String($0)) },
            updatedAt: updatedAt
        )
    }
}
