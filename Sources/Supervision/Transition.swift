/// One change. Status, history, metrics, events and log lines are projections of the stream of these.
public struct Transition: Equatable, Sendable {
    /// Rises by one.
    public var id: Int64
    public var at: Timestamp
    public var change: Change

    public init(id: Int64, at: Timestamp, change: Change) {
        self.id = id
        self.at = at
        self.change = change
    }

    public enum Change: Equatable, Sendable {
        /// The workers that there are now, in the order of the configuration; the first change of all.
        case configured([WorkerSpecification])
        case instance(InstanceChange)
        /// How many instances a worker is to have was decided anew; what was added is there.
        case scaled(ScaleChange)
        /// An instance is no more: it was one too many, and nothing of it is left. Its end was told before.
        case removed(InstanceID, OperationID?)
        /// Committed: it has its `seq`.
        case exit(ExitRecord)
        /// The operation as it is now.
        case operation(Operation)
        /// Recovery is over: what is wanted was asked for.
        case recovered
        /// The agent was told to end.
        case shuttingDown(requestedBy: String, reason: String?)
    }
}

/// How many instances a worker is to have from now on. Those that are to go follow as `removed`, each when nothing of it is
/// left.
public struct ScaleChange: Equatable, Sendable {
    public var worker: String
    /// How many it was to have.
    public var from: Int
    public var to: Int
    /// The indices of instances that came with it; each is `stopped`, and what becomes of it follows.
    public var added: Range<Int>
    /// The indices of instances that went with it, because there never was anything of them.
    public var removed: Range<Int>
    public var operationID: OperationID?
    /// A few words for people, such as "scaled by uid:0".
    public var text: String

    public init(
        worker: String,
        from: Int,
        to: Int,
        added: Range<Int> = 0..<0,
        removed: Range<Int> = 0..<0,
        operationID: OperationID? = nil,
        text: String
    ) {
        self.worker = worker
        self.from = from
        self.to = to
        self.added = added
        self.removed = removed
        self.operationID = operationID
        self.text = text
    }
}

/// An instance went from one state to another, or something else about it changed (then `from` is `to`).
public struct InstanceChange: Equatable, Sendable {
    public var from: InstanceState
    public var to: InstanceState
    /// How it is now.
    public var status: InstanceStatus
    /// The exit that brought it about, by its run.
    public var exitRunID: RunID?
    /// The number of that exit; given when it is committed.
    public var exitSeq: Int64?
    public var operationID: OperationID?
    /// A few words for people, such as "up with pid 42"; may be empty.
    public var text: String

    public init(
        from: InstanceState,
        to: InstanceState,
        status: InstanceStatus,
        exitRunID: RunID? = nil,
        operationID: OperationID? = nil,
        text: String = ""
    ) {
        self.from = from
        self.to = to
        self.status = status
        self.exitRunID = exitRunID
        self.operationID = operationID
        self.text = text
    }
}

/// How an instance is at one moment.
public struct InstanceStatus: Equatable, Sendable {
    public var id: InstanceID
    public var state: InstanceState
    public var desired: DesiredState
    /// Up, and ready where there is a readiness check.
    public var ready: Bool
    public var health: Health
    public var statusText: String?
    public var pid: Int32?
    public var runID: RunID?
    public var startedAt: Timestamp?
    public var readyAt: Timestamp?
    public var nextStartAt: Timestamp?
    public var consecutiveFailures: Int
    /// Runs that were started, and those of them that the agent started by itself after an exit.
    public var starts: Int
    public var restarts: Int
    /// The operation that holds it.
    public var operationID: OperationID?

    public init(id: InstanceID) {
        self.id = id
        self.state = .stopped
        self.desired = .down
        self.ready = false
        self.health = .none
        self.statusText = nil
        self.pid = nil
        self.runID = nil
        self.startedAt = nil
        self.readyAt = nil
        self.nextStartAt = nil
        self.consecutiveFailures = 0
        self.starts = 0
        self.restarts = 0
        self.operationID = nil
    }
}
