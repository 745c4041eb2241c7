extension InstanceStateMachine {
    /// The facts of an end, before anything is made of them.
    func record(of run: Run, at now: Moment) -> ExitRecord {
        ExitRecord(
            instance: self.id,
            runID: run.id,
            pid: run.pid,
            startedAt: run.startedAt.wall,
            readyAt: run.readyAt,
            endedAt: now.wall,
            uptime: max(.zero, run.startedAt.monotonic.duration(to: now.monotonic)),
            waitStatus: nil,
            outcome: .unknown,
            cause: .unknown,
            decision: ExitDecision(action: .stayDown, consecutiveFailures: self.consecutiveFailures)
        )
    }

    func record(of run: Run, _ ended: Ended, at now: Moment) -> ExitRecord {
        var record = self.record(of: run, at: now)
        record.usage = ended.usage
        guard let status = ended.status else {
            record.oom = .unknown
            return record
        }
        switch status.kind {
        case .exited:
            record.waitStatus = status
            record.outcome = .exited
        case .signaled:
            record.waitStatus = status
            record.outcome = .signaled
        case .stopped, .continued, .invalid:
            // Not the end of a process: nothing can be told from it.
            record.oom = .unknown
        }
        return record
    }

    /// Gives the exit its cause, from what the agent knows of it.
    func classify(_ record: inout ExitRecord, _ ended: Ended, run: Run, ending: Ending?) {
        record.escalated = ending?.kill == .afterGrace
        guard let status = record.waitStatus else {
            record.cause = .unknown
            return
        }
        let own = run.sent.last { $0.signal == status.signal }
        if let ending {
            record.cause = self.cause(of: status, while: ending, sentByName: own != nil)
            if record.cause == .stopTimeout {
                record.circumstances.stopMethod = self.stopMethod
                record.circumstances.grace = ending.killedAfter
            }
            if record.cause != .killed {
                record.requestedBy = ending.requester.requestedBy
                record.operationID = ending.requester.operationID
                return
            }
        } else if self.specification.success.contains(where: { $0.matches(status) }) {
            record.cause = .finished
            return
        } else {
            record.cause = status.signal.map { $0.isFault && own == nil ? .crashed : .killed } ?? .errorExit
        }
        guard record.cause == .killed else { return }
        if let own {
            record.requestedBy = own.requester.requestedBy
            record.operationID = own.requester.operationID
        } else if status.signal == .kill {
            record.oom = ended.oom
            record.circumstances.evidence = ended.evidence
            if ended.oom == .yes {
                record.cause = .oomKilled
            }
        }
    }

    /// The cause of an end that was asked for. `sentByName` says that somebody sent this signal by its name.
    private func cause(of status: WaitStatus, while ending: Ending, sentByName: Bool) -> ExitCause {
        guard let signal = status.signal else { return .stopped }
        let stop = self.specification.stop
        if signal == .kill {
            switch ending.kill {
            case .notSent: return stop.command.isEmpty && stop.signal == .kill ? .stopped : .killed
            case .atOnce: return .stopped
            case .afterGrace: return .stopTimeout
            }
        }
        if stop.command.isEmpty && signal == stop.signal {
            return .stopped
        }
        if sentByName {
            return .killed
        }
        if signal.isFault {
            return .crashed
        }
        // A stop command may end the worker by any signal.
        return stop.command.isEmpty ? .killed : .stopped
    }

    /// What follows an end that was asked for.
    func next(after ending: Ending, _ record: inout ExitRecord) -> Next {
        if ending.startsAgain {
            record.decision = ExitDecision(action: .restart, consecutiveFailures: self.consecutiveFailures)
            return .start(until: nil, isAutomatic: false)
        }
        record.decision = ExitDecision(action: .stayDown, consecutiveFailures: self.consecutiveFailures)
        return .stopped
    }

    /// What the policy wants after an end that nobody asked for.
    mutating func next(
        afterEndByItself record: inout ExitRecord,
        at now: Moment,
        using randomness: inout Randomness
    ) -> Next {
        let specification = self.specification
        let status = record.waitStatus
        let isSuccess = status.map { status in specification.success.contains { $0.matches(status) } } ?? false
        let staysDown = status.map { status in specification.noRestart.contains { $0.matches(status) } } ?? false
        let wantsRestart =
            switch specification.restart {
            case .always: !staysDown
            case .onFailure: !staysDown && !isSuccess
            case .never: false
            }
        // A run whose exit overtook the outcome of exec may have spent its whole time in exec.
        let wasHealthy = record.readyAt != nil && record.uptime >= specification.backoff.resetAfter
        if isSuccess && (wasHealthy || !wantsRestart) {
            self.setFailures(0)
        } else {
            self.setFailures(wasHealthy ? 1 : self.consecutiveFailures + 1)
        }
        guard wantsRestart else {
            record.decision = ExitDecision(action: .stayDown, consecutiveFailures: self.consecutiveFailures)
            return isSuccess ? .finished : .failed(retryAt: nil)
        }
        return self.restartOrGiveUp(&record, at: now, using: &randomness)
    }

    /// What follows a run that never became the worker's program. Some errors never go away by themselves.
    mutating func nextAfterFailedStart(
        _ error: StartError,
        _ record: inout ExitRecord,
        at now: Moment,
        using randomness: inout Randomness
    ) -> Next {
        if error.isPermanent {
            record.decision = ExitDecision(action: .giveUp, consecutiveFailures: self.consecutiveFailures)
            return .failed(retryAt: nil)
        }
        if self.specification.restart == .never {
            record.decision = ExitDecision(action: .stayDown, consecutiveFailures: self.consecutiveFailures)
            return .failed(retryAt: nil)
        }
        return self.restartOrGiveUp(&record, at: now, using: &randomness)
    }

    private mutating func restartOrGiveUp(
        _ record: inout ExitRecord,
        at now: Moment,
        using randomness: inout Randomness
    ) -> Next {
        let failures = self.consecutiveFailures
        guard self.admitRestart(at: now) else {
            record.decision = ExitDecision(action: .giveUp, consecutiveFailures: failures)
            return .failed(retryAt: self.specification.restartLimit?.retryAfter.map { now.advanced(by: $0) })
        }
        let delay = self.specification.backoff.delay(beforeRestart: failures, using: &randomness)
        record.decision = ExitDecision(action: .restart, delay: delay, consecutiveFailures: failures)
        return .start(until: delay > .zero ? now.advanced(by: delay) : nil, isAutomatic: true)
    }
}

extension Moment {
    func advanced(by duration: Duration) -> Moment {
        Moment(monotonic: self.monotonic.advanced(by: duration), wall: self.wall.advanced(by: duration))
    }
}
