extension InstanceStateMachine {
    /// What the kernel says of an ended main process.
    public struct Ended: Equatable, Sendable {
        /// `nil` when nobody can tell any more.
        public var status: WaitStatus?
        public var usage: ResourceUsage?
        /// Only looked at for SIGKILL.
        public var oom: OutOfMemory
        public var evidence: OutOfMemoryEvidence?
        /// Whether other processes of the run are left.
        public var leavesProcesses: Bool

        public init(
            status: WaitStatus?,
            usage: ResourceUsage? = nil,
            oom: OutOfMemory = .unknown,
            evidence: OutOfMemoryEvidence? = nil,
            leavesProcesses: Bool = false
        ) {
            self.status = status
            self.usage = usage
            self.oom = oom
            self.evidence = evidence
            self.leavesProcesses = leavesProcesses
        }
    }

    /// The process of `run` exists and has become the worker's program.
    public mutating func spawned(_ runID: RunID, pid: Int32, at now: Moment) -> Action {
        // Any other state means that the exit overtook the outcome of exec, or a stale run.
        guard case .spawning(var run, let ending) = self.state, run.id == runID else { return .none }
        run.pid = pid
        run.startedAt = now
        run.readyAt = now.wall
        guard var ending else {
            self.set(.running(run))
            return .none
        }
        // Until now there was nobody to tell.
        ending.toldAt = now.monotonic
        self.set(.stopping(run, ending))
        switch ending.kill {
        case .notSent:
            let stop = self.specification.stop
            return Action(process: .terminate(runID, stop.command.isEmpty ? .signal(stop.signal) : .command))
        case .atOnce, .afterGrace:
            // The kill that was sent may have been too early for it.
            return Action(process: .kill(runID))
        }
    }

    /// The process of `run` could not be created or did not become the worker's program; nothing of it is left.
    public mutating func spawnFailed(
        _ runID: RunID,
        _ error: StartError,
        at now: Moment,
        using randomness: inout Randomness
    ) -> Action {
        guard case .spawning(let run, let ending) = self.state, run.id == runID else { return .none }
        var record = self.record(of: run, at: now)
        record.pid = nil
        record.outcome = .notStarted
        record.cause = .execFailed
        record.error = error
        record.oom = .no
        let next: Next
        if let ending {
            record.requestedBy = ending.requester.requestedBy
            record.operationID = ending.requester.operationID
            if error.isAborted {
                // It hung on its way into the program, and was killed there because somebody asked for its end.
                record.cause = ending.kill == .afterGrace ? .stopTimeout : .stopped
                record.escalated = ending.kill == .afterGrace
            }
            next = self.next(after: ending, &record)
        } else {
            self.setFailures(self.consecutiveFailures + 1)
            next = self.nextAfterFailedStart(error, &record, at: now, using: &randomness)
        }
        self.noteEnd(record)
        return self.proceed(to: next, exit: record, at: now, using: &randomness)
    }

    /// The main process of `run` ended.
    public mutating func exited(
        _ runID: RunID,
        _ ended: Ended,
        at now: Moment,
        using randomness: inout Randomness
    ) -> Action {
        switch self.state {
        case .running(let run) where run.id == runID, .spawning(let run, nil) where run.id == runID:
            var record = self.record(of: run, ended, at: now)
            self.classify(&record, ended, run: run, ending: nil)
            let next = self.next(afterEndByItself: &record, at: now, using: &randomness)
            self.noteEnd(record)
            guard ended.leavesProcesses else {
                return self.proceed(to: next, exit: record, at: now, using: &randomness)
            }
            let deadline = now.monotonic.advanced(by: Self.killInterval)
            self.set(.clearing(run, Clearing(next: next, deadline: deadline)))
            return Action(exit: record, process: .kill(runID))
        case .stopping(let run, let ending) where run.id == runID && !ending.mainProcessEnded,
            .spawning(let run, .some(let ending)) where run.id == runID:
            var record = self.record(of: run, ended, at: now)
            self.classify(&record, ended, run: run, ending: ending)
            let next = self.next(after: ending, &record)
            self.noteEnd(record)
            guard ended.leavesProcesses else {
                return self.proceed(to: next, exit: record, at: now, using: &randomness)
            }
            var ending = ending
            ending.mainProcessEnded = true
            self.set(.stopping(run, ending))
            return Action(exit: record, process: ending.kill == .notSent ? .none : .kill(runID))
        case .stopped, .spawning, .running, .stopping, .clearing, .backoff, .finished, .failed:
            // The exit of an earlier run, told twice.
            return .none
        }
    }

    /// No process of `run` is left, after its main process had ended before.
    public mutating func cleared(_ runID: RunID, at now: Moment, using randomness: inout Randomness) -> Action {
        switch self.state {
        case .stopping(let run, let ending) where run.id == runID && ending.mainProcessEnded:
            let next: Next = ending.startsAgain ? .start(until: nil, isAutomatic: false) : .stopped
            return self.proceed(to: next, exit: nil, at: now, using: &randomness)
        case .clearing(let run, let clearing) where run.id == runID:
            return self.proceed(to: clearing.next, exit: nil, at: now, using: &randomness)
        case .stopped, .spawning, .running, .stopping, .clearing, .backoff, .finished, .failed:
            // Told twice, or of an earlier run.
            return .none
        }
    }

    /// The next time at which `timeReached` is due; `nil` while nothing waits for time.
    public var deadline: MonotonicInstant? {
        switch self.state {
        case .spawning(_, .some(let ending)), .stopping(_, let ending): ending.deadline
        case .clearing(_, let clearing): clearing.deadline
        case .backoff(let backoff): backoff.until.monotonic
        case .failed(let retryAt): retryAt?.monotonic
        case .stopped, .spawning(_, nil), .running, .finished: nil
        }
    }

    /// Time has passed; does nothing before `deadline`, so a stale timer is harmless.
    public mutating func timeReached(at now: Moment, using randomness: inout Randomness) -> Action {
        guard let deadline = self.deadline, deadline <= now.monotonic else { return .none }
        switch self.state {
        case .spawning, .stopping:
            return self.kill(.afterGrace, at: now)
        case .clearing(let run, var clearing):
            clearing.deadline = now.monotonic.advanced(by: Self.killInterval)
            self.set(.clearing(run, clearing))
            return Action(process: .kill(run.id))
        case .backoff:
            return self.spawn(at: now, isAutomatic: true, using: &randomness)
        case .failed:
            self.forgetWindow()
            self.setFailures(0)
            return self.spawn(at: now, isAutomatic: true, using: &randomness)
        case .stopped, .running, .finished:
            preconditionFailure("\(self.id): nothing waits for time in \(self.state)")
        }
    }

    /// Goes on after a run of which nothing is left.
    private mutating func proceed(
        to next: Next,
        exit: ExitRecord?,
        at now: Moment,
        using randomness: inout Randomness
    ) -> Action {
        var action = Action(exit: exit)
        switch next {
        case .stopped: self.set(.stopped)
        case .finished: self.set(.finished)
        case .failed(let retryAt): self.set(.failed(retryAt: retryAt))
        case .start(let until, let isAutomatic):
            if let until, until.monotonic > now.monotonic {
                self.set(.backoff(Backoff(until: until)))
            } else {
                action.process = self.spawn(at: now, isAutomatic: isAutomatic, using: &randomness).process
            }
        }
        return action
    }
}
