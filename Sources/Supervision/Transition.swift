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
        /// Committed: it has its `seq`.
        case exit(ExitRecord)
        /// The operation as it is now.
        case operation(Operation)
        /// Recovery is over: what is wanted was asked for.
        case recovered
        /// The agent was told to end.
        case shuttingDown(requestedBy: String)
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
