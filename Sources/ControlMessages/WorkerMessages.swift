// The wire types of openapi/reeve.yaml. Properties stand in the order of the contract, which is the order they are
// encoded in; one without a value is null. Timestamps are RFC 3339 in UTC with milliseconds.

/// GET /v1/workers.
public struct WorkersMessage: Codable, Equatable, Sendable {
    /// generation * 2^32 + a counter; moves with every change.
    public var revision: Int64
    public var workers: [WorkerMessage]

    public init(revision: Int64, workers: [WorkerMessage]) {
        self.revision = revision
        self.workers = workers
    }
}

/// GET /v1/workers/{worker}.
public struct WorkerMessage: Codable, Equatable, Sendable {
    public var name: String
    public var state: String
    public var desired: String
    public var health: String
    public var command: [String]
    public var restart: String
    public var after: [String]
    public var hold: HoldMessage?
    public var operationID: String?
    /// Sentences that say in what the worker is not as the configuration has it.
    public var deviations: [String]
    public var instances: [InstanceMessage]

    public enum CodingKeys: String, CodingKey {
        case name, state, desired, health, command, restart, after, hold
        case operationID = "operation_id"
        case deviations, instances
    }

    public init(
        name: String,
        state: String,
        desired: String,
        health: String,
        command: [String],
        restart: String,
        after: [String],
        hold: HoldMessage?,
        operationID: String?,
        deviations: [String],
        instances: [InstanceMessage]
    ) {
        self.name = name
        self.state = state
        self.desired = desired
        self.health = health
        self.command = command
        self.restart = restart
        self.after = after
        self.hold = hold
        self.operationID = operationID
        self.deviations = deviations
        self.instances = instances
    }
}

/// Why and until when a worker is not restarted by itself.
public struct HoldMessage: Codable, Equatable, Sendable {
    public var until: String
    public var reason: String?
    public var requestedBy: String

    public enum CodingKeys: String, CodingKey {
        case until, reason
        case requestedBy = "requested_by"
    }

    public init(until: String, reason: String?, requestedBy: String) {
        self.until = until
        self.reason = reason
        self.requestedBy = requestedBy
    }
}

public struct InstanceMessage: Codable, Equatable, Sendable {
    public var instance: Int
    public var id: String
    public var state: String
    public var desired: String
    public var ready: Bool
    public var health: String
    public var statusText: String?
    public var pid: Int32?
    public var runID: String?
    public var startedAt: String?
    public var readyAt: String?
    public var nextStartAt: String?
    public var consecutiveFailures: Int
    public var restarts: RestartCountsMessage
    /// 0 to 1; `null` before there is anything to tell.
    public var upShare24h: Double?
    public var lastExit: ExitMessage?

    public enum CodingKeys: String, CodingKey {
        case instance, id, state, desired, ready, health
        case statusText = "status_text"
        case pid
        case runID = "run_id"
        case startedAt = "started_at"
        case readyAt = "ready_at"
        case nextStartAt = "next_start_at"
        case consecutiveFailures = "consecutive_failures"
        case restarts
        case upShare24h = "up_share_24h"
        case lastExit = "last_exit"
    }

    public init(
        instance: Int,
        id: String,
        state: String,
        desired: String,
        ready: Bool,
        health: String,
        statusText: String?,
        pid: Int32?,
        runID: String?,
        startedAt: String?,
        readyAt: String?,
        nextStartAt: String?,
        consecutiveFailures: Int,
        restarts: RestartCountsMessage,
        upShare24h: Double?,
        lastExit: ExitMessage?
    ) {
        self.instance = instance
        self.id = id
        self.state = state
        self.desired = desired
        self.ready = ready
        self.health = health
        self.statusText = statusText
        self.pid = pid
        self.runID = runID
        self.startedAt = startedAt
        self.readyAt = readyAt
        self.nextStartAt = nextStartAt
        self.consecutiveFailures = consecutiveFailures
        self.restarts = restarts
        self.upShare24h = upShare24h
        self.lastExit = lastExit
    }
}

/// Automatic restarts within the last minute, ten minutes and hour, and since the agent's first start.
public struct RestartCountsMessage: Codable, Equatable, Sendable {
    public var oneMinute: Int
    public var tenMinutes: Int
    public var oneHour: Int
    public var total: Int

    public enum CodingKeys: String, CodingKey {
        case oneMinute = "1m"
        case tenMinutes = "10m"
        case oneHour = "1h"
        case total
    }

    public init(oneMinute: Int, tenMinutes: Int, oneHour: Int, total: Int) {
        self.oneMinute = oneMinute
        self.tenMinutes = tenMinutes
        self.oneHour = oneHour
        self.total = total
    }
}
