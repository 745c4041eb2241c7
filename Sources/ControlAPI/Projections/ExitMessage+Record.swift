internal import ControlMessages
internal import Supervision

extension ExitMessage {
    init(_ record: ExitRecord, detail: Detail) {
        self.init(
            seq: record.seq,
            durable: record.isDurable ? nil : false,
            worker: record.instance.worker,
            instance: record.instance.index,
            runID: record.runID.description,
            pid: record.pid,
            startedAt: TimestampText.format(record.startedAt),
            readyAt: record.readyAt.map { TimestampText.format($0) },
            endedAt: TimestampText.format(record.endedAt),
            uptimeSeconds: record.uptime.roundedSeconds,
            waitStatus: record.waitStatus?.rawValue,
            outcome: record.outcome.rawValue,
            exitCode: record.waitStatus?.exitCode,
            signal: record.waitStatus?.signal.map { SignalMessage(number: $0.number, name: $0.description) },
            coreDumped: record.waitStatus?.coreDumped ?? false,
            oom: record.oom.rawValue,
            cause: record.cause.rawValue,
            error: record.error.map {
                StartErrorMessage(stage: $0.stage, errno: $0.errnoName, message: $0.message)
            },
            escalated: record.escalated,
            requestedBy: record.requestedBy,
            operationID: record.operationID?.description,
            usage: record.usage.map {
                UsageMessage(
                    userSeconds: $0.user.roundedSeconds,
                    systemSeconds: $0.system.roundedSeconds,
                    maxRSSBytes: $0.maximumResidentBytes
                )
            },
            stderrTail: detail == .full ? record.stderrTail : nil,
            decision: DecisionMessage(
                action: record.decision.action.rawValue,
                delaySeconds: record.decision.delay.roundedSeconds,
                consecutiveFailures: record.decision.consecutiveFailures
            )
        )
    }
}

extension Duration {
    /// In seconds, rounded to milliseconds.
    var roundedSeconds: Double {
        (Double(self.nanoseconds) / 1_000_000).rounded() / 1000
    }
}
