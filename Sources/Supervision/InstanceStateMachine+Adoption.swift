// Runs that outlive the agent. They are gone on with as if nothing had happened: the same run, the same start, who asked it
// to end and when it will be killed. What ended meanwhile is decided by the same rules, and only once: where its successor
// was announced, the decision about it was announced as well.

extension InstanceStateMachine {
    /// What is to be known of the present run to go on with it later; `nil` when there is none, or when its main process
    /// has ended.
    public var note: RunNote? {
        switch self.state {
        case .spawning(let run, let ending): self.note(of: run, ending)
        case .running(let run): self.note(of: run, nil)
        case .stopping(let run, let ending) where !ending.mainProcessEnded: self.note(of: run, ending)
        case .stopped, .stopping, .clearing, .backoff, .finished, .failed: nil
        }
    }

    private func note(of run: Run, _ ending: Ending?) -> RunNote {
        RunNote(
            instance: self.id,
            runID: run.id,
            startedAt: run.startedAt,
            readyAt: run.readyAt,
            sent: run.sent.map {
                RunNote.Sent(
                    signal: $0.signal,
                    requestedBy: $0.requester.requestedBy,
                    operationID: $0.requester.operationID
                )
            },
            ending: ending.map {
                RunNote.Ending(
                    startsAgain: $0.startsAgain,
                    requestedBy: $0.requester.requestedBy,
                    operationID: $0.requester.operationID,
                    toldAt: $0.toldAt,
                    deadline: $0.deadline,
                    kill: $0.kill.noted,
                    killedAfter: $0.killedAfter
                )
            },
            replaced: run.replaced,
            isAutomatic: run.isAutomatic
        )
    }

    /// Goes on with a run of the agent before, whose main process is there or has just ended. Once, instead of any start.
    ///
    /// A run that was told to end is told so again: nobody knows whether the first time came to pass.
    mutating func adopt(_ note: RunNote, pid: Int32?) -> Action {
        let run = Run(
            id: note.runID,
            startedAt: note.startedAt,
            pid: pid,
            readyAt: note.readyAt ?? note.startedAt.wall,
            sent: note.sent.map {
                SentSignal(
                    signal: $0.signal,
                    requester: Requester(requestedBy: $0.requestedBy, operationID: $0.operationID)
                )
            },
            replaced: note.replaced,
            isAutomatic: note.isAutomatic
        )
        guard let ending = note.ending else {
            self.want(.up)
            self.set(.running(run))
            return .none
        }
        self.want(ending.startsAgain ? .up : .down)
        self.set(
            .stopping(
                run,
                Ending(
                    startsAgain: ending.startsAgain,
                    requester: Requester(requestedBy: ending.requestedBy, operationID: ending.operationID),
                    deadline: ending.deadline,
                    kill: Ending.Kill(ending.kill),
                    toldAt: ending.toldAt,
                    killedAfter: ending.killedAfter,
                    mainProcessEnded: false
                )
            )
        )
        guard ending.kill == .notSent else { return Action(process: .kill(run.id)) }
        let stop = self.specification.stop
        return Action(process: .terminate(run.id, stop.command.isEmpty ? .signal(stop.signal) : .command))
    }

    /// The record of a run that ended before its successor was announced, with the decision that was announced then.
    func record(of survivor: SurvivingRun, decidedAs decision: ExitDecision, at now: Moment) -> ExitRecord {
        var machine = self
        _ = machine.adopt(survivor.note, pid: survivor.pid)
        var record: ExitRecord
        switch survivor.condition {
        case .alive: record = machine.recordOfLost(survivor, at: now)
        case .notStarted: record = machine.recordOfUnstarted(survivor.note, at: now)
        case .ended(let ended):
            guard case .running(let run) = machine.state else {
                guard case .stopping(let run, let ending) = machine.state else {
                    preconditionFailure("\(self.id): an adopted run is up or ending")
                }
                record = machine.record(of: run, ended, at: now)
                machine.classify(&record, ended, run: run, ending: ending)
                break
            }
            record = machine.record(of: run, ended, at: now)
            machine.classify(&record, ended, run: run, ending: nil)
        }
        record.decision = decision
        return record
    }

    /// Its process was not seen to end, and yet it has a successor.
    private func recordOfLost(_ survivor: SurvivingRun, at now: Moment) -> ExitRecord {
        var run = Run(id: survivor.note.runID, startedAt: survivor.note.startedAt)
        run.pid = survivor.pid
        run.readyAt = survivor.note.readyAt
        return self.record(of: run, Ended(status: nil), at: now)
    }

    /// The agent died while it created the process.
    func recordOfUnstarted(_ note: RunNote, at now: Moment) -> ExitRecord {
        var record = self.record(of: Run(id: note.runID, startedAt: note.startedAt), at: now)
        record.outcome = .notStarted
        record.cause = .execFailed
        record.error = StartError(
            stage: "agent",
            errno: 125,
            errnoName: "ECANCELED",
            message: "the agent ended while it created the process"
        )
        if let ending = note.ending {
            record.cause = .stopped
            record.requestedBy = ending.requestedBy
            record.operationID = ending.operationID
        }
        return record
    }

    /// After a run that never became the worker's program because the agent died: another one, or none.
    mutating func replaceUnstarted(goesOn: Bool, at now: Moment, using randomness: inout Randomness) -> Action {
        guard goesOn else {
            self.set(.stopped)
            return .none
        }
        self.want(.up)
        return self.spawn(at: now, isAutomatic: true, using: &randomness)
    }

    /// Counts the runs that were begun after the memory was written, and takes over what was decided before the last of
    /// them.
    mutating func recall(runsAfterMemory runs: [RunNote]) {
        guard let last = runs.last else { return }
        let automatic = runs.count { $0.isAutomatic }
        self.recall(
            starts: self.starts + runs.count,
            restarts: self.restarts + automatic,
            failures: last.replaced?.decision.consecutiveFailures ?? self.consecutiveFailures,
            window: self.window
        )
    }
}

extension InstanceStateMachine.Ending.Kill {
    fileprivate var noted: RunNote.Ending.Kill {
        switch self {
        case .notSent: .notSent
        case .atOnce: .atOnce
        case .afterGrace: .afterGrace
        }
    }

    fileprivate init(_ noted: RunNote.Ending.Kill) {
        switch noted {
        case .notSent: self = .notSent
        case .atOnce: self = .atOnce
        case .afterGrace: self = .afterGrace
        }
    }
}
