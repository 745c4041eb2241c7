/// What has to be known of a run, beside its process, to go on with it after the death of the agent. Somebody who outlives
/// the agent holds the latest one of each run; it is made before the run is, and again whenever it changes.
public struct RunNote: Equatable, Sendable {
    /// A signal that somebody sent by its name.
    public struct Sent: Equatable, Sendable {
        public var signal: Signal
        public var requestedBy: String
        public var operationID: OperationID?

        public init(signal: Signal, requestedBy: String, operationID: OperationID?) {
            self.signal = signal
            self.requestedBy = requestedBy
            self.operationID = operationID
        }
    }

    /// That it was told to end, and by whom.
    public struct Ending: Equatable, Sendable {
        public enum Kill: Int, Sendable {
            case notSent
            /// Asked for with a grace period of zero.
            case atOnce
            /// The grace period had passed.
            case afterGrace
        }

        public var startsAgain: Bool
        public var requestedBy: String
        public var operationID: OperationID?
        public var toldAt: MonotonicInstant
        /// When the grace period ends, or when to kill again.
        public var deadline: MonotonicInstant
        public var kill: Kill
        /// How long after it was told it was killed.
        public var killedAfter: Duration?

        public init(
            startsAgain: Bool,
            requestedBy: String,
            operationID: OperationID?,
            toldAt: MonotonicInstant,
            deadline: MonotonicInstant,
            kill: Kill,
            killedAfter: Duration? = nil
        ) {
            self.startsAgain = startsAgain
            self.requestedBy = requestedBy
            self.operationID = operationID
            self.toldAt = toldAt
            self.deadline = deadline
            self.kill = kill
            self.killedAfter = killedAfter
        }
    }

    /// The run that it followed, and what was decided about the end of that one.
    public struct Replaced: Equatable, Sendable {
        public var runID: RunID
        public var decision: ExitDecision

        public init(runID: RunID, decision: ExitDecision) {
            self.runID = runID
            self.decision = decision
        }
    }

    public var instance: InstanceID
    public var runID: RunID
    /// The monotonic part counts in the same boot only.
    public var startedAt: Moment
    public var readyAt: Timestamp?
    /// Newest last.
    public var sent: [Sent]
    public var ending: Ending?
    public var replaced: Replaced?
    /// Whether the agent started it by itself after an exit.
    public var isAutomatic: Bool

    public init(
        instance: InstanceID,
        runID: RunID,
        startedAt: Moment,
        readyAt: Timestamp? = nil,
        sent: [Sent] = [],
        ending: Ending? = nil,
        replaced: Replaced? = nil,
        isAutomatic: Bool = false
    ) {
        self.instance = instance
        self.runID = runID
        self.startedAt = startedAt
        self.readyAt = readyAt
        self.sent = sent
        self.ending = ending
        self.replaced = replaced
        self.isAutomatic = isAutomatic
    }
}

/// A run of the agent before, whose exit is not recorded.
public struct SurvivingRun: Equatable, Sendable {
    public enum Condition: Equatable, Sendable {
        case alive
        case ended(InstanceStateMachine.Ended)
        /// Its process never became the worker's program, and is gone.
        case notStarted
    }

    public var note: RunNote
    /// `nil` for one that was never seen.
    public var pid: Int32?
    public var condition: Condition

    public init(note: RunNote, pid: Int32?, condition: Condition) {
        self.note = note
        self.pid = pid
        self.condition = condition
    }
}
