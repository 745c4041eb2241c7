@testable import Supervision

extension RosterModel {
    func checkFacts(
        of record: ExitRecord,
        _ run: SimulatedRun,
        _ ended: InstanceStateMachine.Ended?,
        at: Timestamp
    ) throws(Violation) {
        let id = record.instance
        let isUp = run.upAt != nil
        guard record.pid == (isUp ? run.pid : nil), (record.readyAt != nil) == isUp else {
            throw Violation("\(id): recorded with pid \(String(describing: record.pid))")
        }
        let began = run.upAt ?? run.askedAt
        guard record.startedAt == began.wall, record.endedAt == at,
            began.wall.advanced(by: record.uptime) == record.endedAt
        else { throw Violation("\(id): recorded with wrong times") }
        guard record.waitStatus == ended?.status else { throw Violation("\(id): recorded with a wrong status") }
        let outcome: ExitOutcome =
            if ended == nil {
                .notStarted
            } else if let status = record.waitStatus {
                status.signal == nil ? .exited : .signaled
            } else {
                .unknown
            }
        guard record.outcome == outcome, (record.error != nil) == (ended == nil) else {
            throw Violation("\(id): recorded as \(record.outcome)")
        }
    }

    func checkCause(
        of record: ExitRecord,
        _ ended: InstanceStateMachine.Ended?,
        wasAsked: Bool
    ) throws(Violation) {
        let isPossible: Bool =
            switch record.cause {
            case .finished, .errorExit: !wasAsked && ended != nil
            case .stopped: wasAsked && ended != nil && record.requestedBy != nil
            case .stopTimeout: wasAsked && record.escalated && record.waitStatus?.signal == .kill
            case .crashed: record.waitStatus?.signal?.isFault == true
            case .killed: record.waitStatus?.signal != nil
            case .unknown: ended != nil && record.waitStatus == nil
            case .execFailed: ended == nil
            case .oomKilled, .checkFailed, .startTimeout, .memoryLimit: false
            }
        guard isPossible, wasAsked || !record.escalated else {
            throw Violation("\(record.instance): \(record.cause), asked: \(wasAsked)")
        }
        if record.operationID != nil, record.requestedBy == nil {
            throw Violation("\(record.instance): an operation that nobody asked for")
        }
    }

    /// Consecutive failures and the delay, computed once more from the contract.
    mutating func checkFailures(of record: ExitRecord, before status: InstanceStatus) throws(Violation) {
        let id = record.instance
        guard let specification = self.specifications[id.worker] else { return }
        let decision = record.decision
        if status.state == .stopping {
            guard decision.consecutiveFailures == status.consecutiveFailures, decision.delay == .zero,
                decision.action == (status.desired == .up ? .restart : .stayDown)
            else { throw Violation("\(id): after an end that was asked for: \(decision)") }
            return
        }
        let isSuccess = record.waitStatus.map { end in specification.success.contains { $0.matches(end) } } ?? false
        let staysDown = record.waitStatus.map { end in specification.noRestart.contains { $0.matches(end) } } ?? false
        let isHealthy = record.readyAt != nil && record.uptime >= specification.backoff.resetAfter
        let wantsRestart: Bool =
            switch specification.restart {
            case .always: !staysDown
            case .onFailure: !staysDown && !isSuccess
            case .never: false
            }
        let failures =
            if isSuccess, isHealthy || !wantsRestart {
                0
            } else if isHealthy {
                1
            } else {
                status.consecutiveFailures + 1
            }
        guard decision.consecutiveFailures == failures else {
            throw Violation("\(id): \(decision.consecutiveFailures) consecutive failures instead of \(failures)")
        }
        if record.error?.isPermanent == true {
            guard decision.action == .giveUp else { throw Violation("\(id): tried again for ever") }
        } else if !wantsRestart {
            guard decision.action == .stayDown else { throw Violation("\(id): \(decision.action) against its policy") }
        } else {
            try self.checkLimit(of: record, specification)
        }
        try Self.checkDelay(of: decision, specification.backoff, id)
    }

    private mutating func checkLimit(
        of record: ExitRecord,
        _ specification: WorkerSpecification
    ) throws(Violation) {
        let id = record.instance
        guard let limit = specification.restartLimit else {
            guard record.decision.action == .restart else { throw Violation("\(id): gave up without a limit") }
            return
        }
        // The wall clock of the harness moves with the monotonic one.
        let began = Moment.beginning
        let elapsed = record.endedAt.nanosecondsSinceEpoch - began.wall.nanosecondsSinceEpoch
        let now = began.monotonic.advanced(by: .nanoseconds(elapsed))
        guard record.decision.action == .restart else { return }
        var times = self.admitted[id, default: []]
        times.removeAll { $0.duration(to: now) >= limit.within }
        times.append(now)
        self.admitted[id] = times
        guard times.count <= limit.restarts else {
            throw Violation("\(id): restart \(times.count) within \(limit.within), \(limit.restarts) are allowed")
        }
    }

    private static func checkDelay(
        of decision: ExitDecision,
        _ backoff: BackoffPolicy,
        _ id: InstanceID
    ) throws(Violation) {
        guard decision.action == .restart, decision.consecutiveFailures >= 2 else {
            guard decision.delay == .zero else { throw Violation("\(id): a delay for \(decision)") }
            return
        }
        var ideal = backoff.initial.seconds
        for _ in 2..<decision.consecutiveFailures {
            ideal = min(ideal * backoff.factor, backoff.max.seconds)
        }
        ideal = min(ideal, backoff.max.seconds)
        let delay = decision.delay.seconds
        let share = backoff.jitter + 1e-6
        guard delay >= ideal * (1 - share), delay <= ideal * (1 + share) else {
            throw Violation("\(id): a delay of \(delay) s for failure \(decision.consecutiveFailures)")
        }
    }

    /// Whether the instance is where the decision about its exit leads.
    func checkDecision(of record: ExitRecord) throws(Violation) {
        guard let status = self.statuses[record.instance] else { return }
        let isRight: Bool =
            switch (record.decision.action, status.state) {
            // Something of it is left.
            case (_, .stopping): true
            case (.restart, .starting): record.decision.delay == .zero && status.runID != record.runID
            case (.restart, .backoff):
                record.decision.delay > .zero
                    && status.nextStartAt == record.endedAt.advanced(by: record.decision.delay)
            case (.stayDown, .stopped), (.stayDown, .finished), (.stayDown, .failed), (.giveUp, .failed): true
            // The shutdown that it brought about has stopped it since.
            case (.giveUp, .stopped): self.vitalEnd?.runID == record.runID
            default: false
            }
        guard isRight else { throw Violation("\(status.id): \(record.decision), but it is \(status.state)") }
    }
}
