/// GET /v1/exits.
public struct ExitsMessage: Codable, Equatable, Sendable {
    public var exits: [ExitMessage]
    /// What to give as `after` (ascending) or `before` (descending) for the next page; `null` when there is none yet.
    public var next: Int64?
    /// The oldest `seq` that is kept; `null` while there is none.
    public var oldest: Int64?

    public init(exits: [ExitMessage], next: Int64?, oldest: Int64?) {
        self.exits = exits
        self.next = next
        self.oldest = oldest
    }
}

/// How a run ended.
public struct ExitMessage: Codable, Equatable, Sendable {
    public var seq: Int64
    /// `false` while the record waits in memory, because the history cannot be written; else absent.
    public var durable: Bool?
    public var worker: String
    public var instance: Int
    public var runID: String
    public var pid: Int32?
    public var startedAt: String
    public var readyAt: String?
    public var endedAt: String
    public var uptimeSeconds: Double
    public var waitStatus: Int32?
    public var outcome: String
    public var exitCode: Int32?
    public var signal: SignalMessage?
    public var coreDumped: Bool
    public var oom: String
    public var cause: String
    public var error: StartErrorMessage?
    public var escalated: Bool
    public var requestedBy: String?
    public var operationID: String?
    public var usage: UsageMessage?
    /// `null` for a caller that may not read output.
    public var stderrTail: [String]?
    public var decision: DecisionMessage

    public enum CodingKeys: String, CodingKey {
        case seq, durable, worker, instance
        case runID = "run_id"
        case pid
        case startedAt = "started_at"
        case readyAt = "ready_at"
        case endedAt = "ended_at"
        case uptimeSeconds = "uptime_seconds"
        case waitStatus = "wait_status"
        case outcome
        case exitCode = "exit_code"
        case signal
        case coreDumped = "core_dumped"
        case oom, cause, error, escalated
        case requestedBy = "requested_by"
        case operationID = "operation_id"
        case usage
        case stderrTail = "stderr_tail"
        case decision
    }

    public init(
        seq: Int64,
        durable: Bool? = nil,
        worker: String,
        instance: Int,
        runID: String,
        pid: Int32?,
        startedAt: String,
        readyAt: String?,
        endedAt: String,
        uptimeSeconds: Double,
        waitStatus: Int32?,
        outcome: String,
        exitCode: Int32?,
        signal: SignalMessage?,
        coreDumped: Bool,
        oom: String,
        cause: String,
        error: StartErrorMessage?,
        escalated: Bool,
        requestedBy: String?,
        operationID: String?,
        usage: UsageMessage?,
        stderrTail: [String]?,
        decision: DecisionMessage
    ) {
        self.seq = seq
        self.durable = durable
        self.worker = worker
        self.instance = instance
        self.runID = runID
        self.pid = pid
        self.startedAt = startedAt
        self.readyAt = readyAt
        self.endedAt = endedAt
        self.uptimeSeconds = uptimeSeconds
        self.waitStatus = waitStatus
        self.outcome = outcome
        self.exitCode = exitCode
        self.signal = signal
        self.coreDumped = coreDumped
        self.oom = oom
        self.cause = cause
        self.error = error
        self.escalated = escalated
        self.requestedBy = requestedBy
        self.operationID = operationID
        self.usage = usage
        self.stderrTail = stderrTail
        self.decision = decision
    }
}

public struct SignalMessage: Codable, Equatable, Sendable {
    public var number: Int32
    public var name: String

    public init(number: Int32, name: String) {
        self.number = number
        self.name = name
    }
}

public struct StartErrorMessage: Codable, Equatable, Sendable {
    public var stage: String
    public var errno: String
    public var message: String

    public init(stage: String, errno: String, message: String) {
        self.stage = stage
        self.errno = errno
        self.message = message
    }
}

public struct UsageMessage: Codable, Equatable, Sendable {
    public var userSeconds: Double
    public var systemSeconds: Double
    /// `null` when the run needed less than the agent itself: the kernel's number is the agent's then.
    public var maxRSSBytes: Int64?

    public enum CodingKeys: String, CodingKey {
        case userSeconds = "user_seconds"
        case systemSeconds = "system_seconds"
        case maxRSSBytes = "max_rss_bytes"
    }

    public init(userSeconds: Double, systemSeconds: Double, maxRSSBytes: Int64?) {
        self.userSeconds = userSeconds
        self.systemSeconds = systemSeconds
        self.maxRSSBytes = maxRSSBytes
    }
}

public struct DecisionMessage: Codable, Equatable, Sendable {
    public var action: String
    public var delaySeconds: Double
    public var consecutiveFailures: Int

    public enum CodingKeys: String, CodingKey {
        case action
        case delaySeconds = "delay_seconds"
        case consecutiveFailures = "consecutive_failures"
    }

    public init(action: String, delaySeconds: Double, consecutiveFailures: Int) {
        self.action = action
        self.delaySeconds = delaySeconds
        self.consecutiveFailures = consecutiveFailures
    }
}
