import ControlMessages

@testable import reeve

/// Messages as an agent would send them at 10:05:00 UTC.
enum Samples {
    static let now = WallTime("2026-11-22T10:05:00.000Z") ?? WallTime(milliseconds: 0)

    static func exit(
        seq: Int64 = 1,
        worker: String = "web",
        instance: Int = 0,
        endedAt: String = "2026-11-22T10:03:00.000Z",
        uptime: Double = 300.333,
        code: Int32? = nil,
        signal: SignalMessage? = nil,
        cause: String = "crashed",
        decision: DecisionMessage = DecisionMessage(action: "restart", delaySeconds: 0, consecutiveFailures: 1)
    ) -> ExitMessage {
        ExitMessage(
            seq: seq,
            worker: worker,
            instance: instance,
            runID: "old",
            pid: 17,
            startedAt: "2026-11-22T09:58:00.000Z",
            readyAt: nil,
            endedAt: endedAt,
            uptimeSeconds: uptime,
            waitStatus: signal?.number ?? code.map { $0 << 8 },
            outcome: signal == nil ? "exited" : "signaled",
            exitCode: code,
            signal: signal,
            coreDumped: false,
            oom: "no",
            cause: cause,
            error: nil,
            escalated: false,
            requestedBy: nil,
            operationID: nil,
            usage: nil,
            stderrTail: nil,
            decision: decision
        )
    }

    static func execFailure() -> ExitMessage {
        var exit = self.exit(uptime: 0, cause: "exec_failed")
        exit.outcome = "not_started"
        exit.error = StartErrorMessage(
            stage: "exec",
            errno: "ENOENT",
            message: "cannot execute /x: No such file or directory"
        )
        exit.decision = DecisionMessage(action: "give_up", delaySeconds: 0, consecutiveFailures: 1)
        return exit
    }

    static func instance(
        _ worker: String,
        _ index: Int,
        state: String,
        desired: String = "up",
        pid: Int32? = nil,
        runID: String? = nil,
        startedAt: String? = nil,
        nextStartAt: String? = nil,
        total: Int = 0,
        lastExit: ExitMessage? = nil
    ) -> InstanceMessage {
        InstanceMessage(
            instance: index,
            id: "\(worker).\(index)",
            state: state,
            desired: desired,
            ready: state == "running",
            health: "none",
            statusText: nil,
            pid: pid,
            runID: runID,
            startedAt: startedAt,
            readyAt: nil,
            nextStartAt: nextStartAt,
            consecutiveFailures: 0,
            restarts: RestartCountsMessage(oneMinute: 0, tenMinutes: 0, oneHour: min(total, 1), total: total),
            upShare24h: nil,
            lastExit: lastExit
        )
    }

    static func worker(_ name: String, _ instances: [InstanceMessage], after: [String] = []) -> WorkerMessage {
        WorkerMessage(
            name: name,
            state: "running",
            desired: "up",
            health: "none",
            command: ["/bin/true"],
            restart: "on-failure",
            after: after,
            hold: nil,
            operationID: nil,
            deviations: [],
            instances: instances
        )
    }

    static func operation(
        action: String = "restart",
        state: String = "succeeded",
        instances: [OperationInstanceMessage]
    ) -> OperationMessage {
        OperationMessage(
            id: "0190",
            action: action,
            workers: ["web"],
            state: state,
            changed: true,
            requestedBy: "uid:0",
            reason: nil,
            createdAt: "2026-11-22T10:05:00.000Z",
            finishedAt: state == "running" ? nil : "2026-11-22T10:05:01.100Z",
            abortedBy: nil,
            error: nil,
            instances: instances
        )
    }

    static func outcome(
        _ outcome: String,
        exit: ExitMessage? = nil,
        transcript: [TranscriptMessage] = []
    ) -> OperationInstanceMessage {
        OperationInstanceMessage(
            worker: "web",
            instance: 0,
            oldRunID: "old",
            newRunID: "new",
            outcome: outcome,
            exit: exit,
            transcript: transcript
        )
    }
}
