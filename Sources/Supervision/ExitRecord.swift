/// How a run ended: everything that is known of it, told once.
public struct ExitRecord: Equatable, Sendable {
    /// Given in the commit; 0 before.
    public var seq: Int64
    public var instance: InstanceID
    public var runID: RunID
    /// `nil` for a run that never became the worker's program.
    public var pid: Int32?
    public var startedAt: Timestamp
    public var readyAt: Timestamp?
    /// When the end was noticed.
    public var endedAt: Timestamp
    public var uptime: Duration
    /// The kernel's, or `nil` for `notStarted` and `unknown`.
    public var waitStatus: WaitStatus?
    public var outcome: ExitOutcome
    public var oom: OutOfMemory
    public var cause: ExitCause
    /// Whether SIGKILL followed because the grace period had passed.
    public var escalated: Bool
    public var requestedBy: String?
    public var operationID: OperationID?
    public var usage: ResourceUsage?
    /// The last lines of standard error, 4 KiB at most; empty where it is not captured.
    public var stderrTail: [String]
    /// For a run that never became the worker's program.
    public var error: StartError?
    public var decision: ExitDecision
    /// `false` while the record waits in memory, because the history cannot be written.
    public var isDurable = true
    public var circumstances = ExitCircumstances()

    public init(
        seq: Int64 = 0,
        instance: InstanceID,
        runID: RunID,
        pid: Int32?,
        startedAt: Timestamp,
        readyAt: Timestamp?,
        endedAt: Timestamp,
        uptime: Duration,
        waitStatus: WaitStatus?,
        outcome: ExitOutcome,
        oom: OutOfMemory = .no,
        cause: ExitCause,
        escalated: Bool = false,
        requestedBy: String? = nil,
        operationID: OperationID? = nil,
        usage: ResourceUsage? = nil,
        stderrTail: [String] = [],
        error: StartError? = nil,
        decision: ExitDecision
    ) {
        self.seq = seq
        self.instance = instance
        self.runID = runID
        self.pid = pid
        self.startedAt = startedAt
        self.readyAt = readyAt
        self.endedAt = endedAt
        self.uptime = uptime
        self.waitStatus = waitStatus
        self.outcome = outcome
        self.oom = oom
        self.cause = cause
        self.escalated = escalated
        self.requestedBy = requestedBy
        self.operationID = operationID
        self.usage = usage
        self.stderrTail = stderrTail
        self.error = error
        self.decision = decision
    }
}

public enum ExitOutcome: String, Sendable, CaseIterable {
    case exited
    case signaled
    case notStarted = "not_started"
    case unknown
}

/// Why a run ended, decided from what the agent knows. Clients must bear new ones.
public enum ExitCause: String, Sendable, CaseIterable {
    /// Success, on its own.
    case finished
    /// A code that is no success, on its own.
    case errorExit = "error_exit"
    /// A fault or abort signal.
    case crashed
    /// A signal that the agent did not send for a stop.
    case killed
    case oomKilled = "oom_killed"
    /// An operation asked for it.
    case stopped
    /// An operation asked, the grace period passed, it was killed.
    case stopTimeout = "stop_timeout"
    case checkFailed = "check_failed"
    case startTimeout = "start_timeout"
    case memoryLimit = "memory_limit"
    case execFailed = "exec_failed"
    case unknown
}

/// Whether the kernel's out-of-memory killer did it.
public enum OutOfMemory: String, Sendable, CaseIterable {
    case yes
    case suspected
    case no
    case unknown
}

/// What was done after an exit.
public struct ExitDecision: Equatable, Sendable {
    public enum Action: String, Sendable, CaseIterable {
        case restart
        /// The policy wants no restart, or somebody asked for the end.
        case stayDown = "stay_down"
        /// The restart limit is reached, or it can never be executed.
        case giveUp = "give_up"
        case hold
    }

    public var action: Action
    /// Before the restart; zero for the other actions.
    public var delay: Duration
    /// Consecutive unhealthy runs, this one included.
    public var consecutiveFailures: Int

    public init(action: Action, delay: Duration = .zero, consecutiveFailures: Int) {
        self.action = action
        self.delay = delay
        self.consecutiveFailures = consecutiveFailures
    }
}

/// rusage of a run and its waited-for children (getrusage(2)).
public struct ResourceUsage: Equatable, Sendable {
    public var user: Duration
    public var system: Duration
    /// `nil` when the run needed less than the agent had when it created it: the kernel counts the memory from which a
    /// process goes into its program as its own, so the number would be the agent's.
    public var maximumResidentBytes: Int64?

    public init(user: Duration, system: Duration, maximumResidentBytes: Int64?) {
        self.user = user
        self.system = system
        self.maximumResidentBytes = maximumResidentBytes
    }
}

/// Why a run never became the worker's program.
public struct StartError: Equatable, Sendable, Error {
    /// The step that failed, such as `exec`, `directory`, `environment_file` or `clone`.
    public var stage: String
    /// The number of errno(3).
    public var errno: Int32
    /// The symbolic name, such as `ENOENT`.
    public var errnoName: String
    /// A sentence, such as "cannot execute /x: No such file or directory".
    public var message: String

    public init(stage: String, errno: Int32, errnoName: String, message: String) {
        self.stage = stage
        self.errno = errno
        self.errnoName = errnoName
        self.message = message
    }

    /// ECANCELED: the start was given up on request, before it had become the worker's program.
    public var isAborted: Bool {
        self.errnoName == "ECANCELED"
    }

    /// ENOENT, EACCES, ENOTDIR, ELOOP, ENOEXEC: trying again will not help.
    public var isPermanent: Bool {
        switch self.errnoName {
        case "ENOENT", "EACCES", "ENOTDIR", "ELOOP", "ENOEXEC": true
        default: false
        }
    }
}
