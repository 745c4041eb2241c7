internal import Supervision

/// An exit as a row of the table `exits`.
enum ExitRow {
    static let columns = """
        seq, run_id, worker, instance, pid, started_at, ready_at, ended_at, uptime_seconds, outcome, wait_status, cause, oom, \
        escalated, requested_by, operation_id, user_seconds, system_seconds, max_rss_bytes, error_stage, error_number, \
        error_name, error_message, decision, decision_delay_seconds, consecutive_failures, stderr_tail
        """

    /// Columns that can be told from others, for people with a database shell.
    private static let derived = "exit_code, signal, core_dumped"

    static let insertOrIgnore = """
        INSERT OR IGNORE INTO exits (\(columns), \(derived)) \
        VALUES (\([String](repeating: "?", count: 30).joined(separator: ", ")))
        """

    static func bind(_ record: ExitRecord, to statement: Statement) {
        statement.bind(record.seq)
        statement.bind(record.runID)
        statement.bind(record.instance.worker)
        statement.bind(record.instance.index)
        statement.bind(record.pid)
        statement.bind(record.startedAt)
        statement.bind(record.readyAt)
        statement.bind(record.endedAt)
        statement.bind(record.uptime)
        statement.bind(record.outcome.rawValue)
        statement.bind(record.waitStatus?.rawValue)
        statement.bind(record.cause.rawValue)
        statement.bind(record.oom.rawValue)
        statement.bind(record.escalated)
        statement.bind(record.requestedBy)
        statement.bind(record.operationID)
        statement.bind(record.usage?.user)
        statement.bind(record.usage?.system)
        statement.bind(record.usage?.maximumResidentBytes)
        statement.bind(record.error?.stage)
        statement.bind(record.error?.errno)
        statement.bind(record.error?.errnoName)
        statement.bind(record.error?.message)
        statement.bind(record.decision.action.rawValue)
        statement.bind(record.decision.delay)
        statement.bind(record.decision.consecutiveFailures)
        // No line holds a line feed, so that the text says what the list says; an empty list is NULL.
        statement.bind(record.stderrTail.isEmpty ? nil : record.stderrTail.joined(separator: "\n"))
        statement.bind(record.waitStatus?.exitCode)
        statement.bind(record.waitStatus?.signal?.description)
        statement.bind(record.waitStatus?.coreDumped ?? false)
    }

    /// `nil` for a row that is no record, which only damage to the file can bring about.
    static func read(_ row: Statement) -> ExitRecord? {
        guard let seq = row.int64(), let run = row.uuid(), let worker = row.text(), let index = row.int() else {
            return nil
        }
        let pid = row.int32()
        guard let startedAt = row.timestamp() else { return nil }
        let readyAt = row.timestamp()
        guard let endedAt = row.timestamp(), let uptime = row.duration(), let outcome = row.value(ExitOutcome.self)
        else { return nil }
        let waitStatus = row.int32().map { WaitStatus(rawValue: $0) }
        guard let cause = row.value(ExitCause.self), let oom = row.value(OutOfMemory.self) else { return nil }
        let escalated = row.bool()
        let requestedBy = row.text()
        let operation = row.uuid()
        let usage = self.usage(row)
        let error = self.error(row)
        guard let action = row.value(ExitDecision.Action.self), let delay = row.duration(), let failures = row.int()
        else { return nil }
        let tail = row.text()?.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        return ExitRecord(
            seq: seq,
            instance: InstanceID(worker: worker, index: index),
            runID: run,
            pid: pid,
            startedAt: startedAt,
            readyAt: readyAt,
            endedAt: endedAt,
            uptime: uptime,
            waitStatus: waitStatus,
            outcome: outcome,
            oom: oom,
            cause: cause,
            escalated: escalated,
            requestedBy: requestedBy,
            operationID: operation,
            usage: usage,
            stderrTail: tail ?? [],
            error: error,
            decision: ExitDecision(action: action, delay: delay, consecutiveFailures: failures)
        )
    }

    private static func usage(_ row: Statement) -> ResourceUsage? {
        let user = row.duration()
        let system = row.duration()
        let resident = row.int64()
        guard let user, let system else { return nil }
        return ResourceUsage(user: user, system: system, maximumResidentBytes: resident)
    }

    private static func error(_ row: Statement) -> StartError? {
        let stage = row.text()
        let number = row.int32()
        let name = row.text()
        let message = row.text()
        guard let stage, let number, let name, let message else { return nil }
        return StartError(stage: stage, errno: number, errnoName: name, message: message)
    }
}
