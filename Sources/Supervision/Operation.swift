/// What somebody can ask for.
public enum OperationAction: String, Sendable, CaseIterable {
    case start
    case stop
    case restart
    /// To have another number of instances.
    case scale
    case signal
    case reset
    case shutdown
    /// That the binary on disk takes the agent's place.
    case upgrade

    /// Whether it says what is wanted of workers from now on.
    public var isDecision: Bool {
        switch self {
        case .start, .stop, .restart, .scale: true
        case .signal, .reset, .shutdown, .upgrade: false
        }
    }
}

public enum OperationState: String, Sendable, CaseIterable {
    case pending
    case running
    case succeeded
    case failed
    case aborted
}

/// Something somebody asked for, with its progress and outcome: a value, as it is at one moment.
public struct Operation: Equatable, Sendable {
    public var id: OperationID
    public var action: OperationAction
    /// In the order of the configuration.
    public var workers: [String]
    public var state: OperationState
    /// `false` when everything already was as asked.
    public var changed: Bool
    /// Such as `uid:0`.
    public var requestedBy: String
    public var reason: String?
    public var createdAt: Timestamp
    public var finishedAt: Timestamp?
    /// The operation that superseded this one.
    public var abortedBy: OperationID?
    /// A sentence, when the state is `failed` or `aborted`.
    public var error: String?
    public var instances: [OperationInstance]

    public init(
        id: OperationID,
        action: OperationAction,
        workers: [String],
        state: OperationState = .pending,
        changed: Bool = false,
        requestedBy: String,
        reason: String? = nil,
        createdAt: Timestamp,
        finishedAt: Timestamp? = nil,
        abortedBy: OperationID? = nil,
        error: String? = nil,
        instances: [OperationInstance] = []
    ) {
        self.id = id
        self.action = action
        self.workers = workers
        self.state = state
        self.changed = changed
        self.requestedBy = requestedBy
        self.reason = reason
        self.createdAt = createdAt
        self.finishedAt = finishedAt
        self.abortedBy = abortedBy
        self.error = error
        self.instances = instances
    }
}

/// What an operation did to one instance.
public struct OperationInstance: Equatable, Sendable {
    public enum Outcome: String, Sendable, CaseIterable {
        /// Not begun.
        case pending
        case inProgress = "in_progress"
        /// The new run came up and stayed up.
        case up
        /// The new run was a job and ended well.
        case finished
        /// No process of the run is left.
        case stopped
        /// The worker has this instance now; it is not wanted up.
        case added
        /// The instance is no more: no process of its run is left.
        case removed
        /// It already was as asked; or the signal was sent, the counters were reset.
        case unchanged
        case signaled
        case reset
        /// The new run did not come up.
        case failed
        case aborted
        /// Never begun, because one before it failed.
        case skipped
    }

    public var instance: InstanceID
    public var oldRunID: RunID?
    public var newRunID: RunID?
    public var outcome: Outcome
    /// The exit of the new run, when it did not come up; of the old run, when it was stopped.
    public var exitRunID: RunID?
    public var transcript: [TranscriptLine]

    public init(instance: InstanceID, oldRunID: RunID? = nil) {
        self.instance = instance
        self.oldRunID = oldRunID
        self.newRunID = nil
        self.outcome = .pending
        self.exitRunID = nil
        self.transcript = []
    }
}

/// One line of what was done, for people.
public struct TranscriptLine: Equatable, Sendable {
    public var at: Timestamp
    public var text: String

    public init(at: Timestamp, text: String) {
        self.at = at
        self.text = text
    }
}

/// What a caller asks for, before anything is looked up.
public struct OperationRequest: Equatable, Sendable {
    public var action: OperationAction
    /// Existing names; in any order.
    public var workers: [String]
    /// One slot of a single worker, or all.
    public var instance: Int?
    /// For scale, of a single worker: how many instances it is to have, 0 to 10,000.
    public var count: Int?
    /// For stop, restart and scale: instead of the configured grace period; zero kills at once.
    public var grace: Duration?
    /// How long a new run must stay up; `nil` for the default of 1 s.
    public var observe: Duration?
    /// For start, stop, restart and scale: what they decide outlives a reboot, too.
    public var isPersistent: Bool
    /// For signal.
    public var signal: Signal?
    public var signalScope: SignalScope
    public var requestedBy: String
    public var reason: String?

    public init(action: OperationAction, workers: [String], instance: Int? = nil, requestedBy: String) {
        self.action = action
        self.workers = workers
        self.instance = instance
        self.count = nil
        self.grace = nil
        self.observe = nil
        self.isPersistent = false
        self.signal = nil
        self.signalScope = .main
        self.requestedBy = requestedBy
        self.reason = nil
    }
}

/// Whom a signal goes to.
public enum SignalScope: String, Sendable, CaseIterable {
    /// The main process of the run.
    case main
    /// Its whole process group.
    case group
}

/// The supervisor's answer to an `OperationRequest`.
public enum OperationSubmission: Equatable, Sendable {
    /// It has begun, or has already ended. `budget` is how long it may take by its own rules: for each batch the grace
    /// period, the start timeout and the observation.
    case accepted(Operation, budget: Duration)
    /// The same action runs already: this is the operation that runs.
    case joined(Operation, budget: Duration)
    /// Another operation holds the worker.
    case conflict(worker: String, with: Operation)
    case unknownWorker(String)
    /// The worker has only `count` instances.
    case unknownInstance(InstanceID, count: Int)
    /// The configuration does not allow it, for a reason; nothing was done.
    case refused(String)
    /// For signal: no instance has a process.
    case noProcess(String)
    /// Too many operations at once, or the agent is ending; nothing was done.
    case busy(String)
}
