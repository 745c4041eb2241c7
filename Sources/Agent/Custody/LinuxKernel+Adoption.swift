import Glibc
import Keeper
import LinuxSystem
import Output
import Supervision

// The runs of the agent before. Their processes are the keeper's children: it looks at their ends and reaps them, and this
// process signals them by the same pidfds. What is no child of this keeper was another keeper's; see LinuxKernel+Strangers.

extension LinuxKernel {
    /// What an adoption goes by.
    struct Inheritance {
        /// What the keeper holds.
        var runs: [CustodyRun]
        /// The pid of the process whose children they are.
        var keeper: Int32
        /// The workers that are configured.
        var specifications: [String: WorkerSpecification]
        /// Whether the runs of an agent that is gone with its keeper are to be ended.
        var endsAbandoned: Bool
        /// Whether the history has the exit of a run.
        var isRecorded: (RunID) -> Bool
    }

    /// Goes on with the runs of the agent before, before the supervisor begins. Answers those whose exits are not recorded, of
    /// each instance the older one first.
    func adopt(_ inheritance: Inheritance) -> [SurvivingRun] {
        guard let custody = self.custody else { return [] }
        let now = self.now()
        var known = inheritance.runs.map { (run: $0, note: CustodyNote($0.announcement, at: now), isKept: true) }
        if known.isEmpty {
            // This keeper has had no agent before, and found none of a former one.
            known = self.runsOfTheJournal().map { ($0, CustodyNote($0.announcement, at: now), false) }
        }
        // By a clock that nobody sets.
        known.sort {
            let (a, b) = ($0.note.note, $1.note.note)
            return (a.startedAt.monotonic, a.runID) < (b.startedAt.monotonic, b.runID)
        }
        var newest: [InstanceID: RunID] = [:]
        for inherited in known where !inherited.run.isCommitted {
            newest[inherited.note.note.instance] = inherited.note.note.runID
        }
        // What is written down and known to nobody else was never created.
        defer { custody.adoptionEnded() }
        // What has ended by now has ended before the one look that is taken then.
        self.livingRuns = .onDemand
        defer { self.livingRuns = .unknown }
        return known.compactMap { inherited in
            var note = inherited.note
            custody.adopt(inherited.run, note: note, isKept: inherited.isKept)
            self.capture.adopt(
                CapturedStreams(inherited.run, mergesError: note.mergesError),
                of: note.note.runID,
                note.note.instance
            )
            if inherited.run.isCommitted {
                // Its pipes are all that is left.
                custody.committed(note.note.runID)
                return nil
            }
            if !inherited.isKept, inheritance.endsAbandoned, inherited.run.process != nil {
                note.note.ending = Self.endOfAbandoned(at: now)
            }
            let isNewest = newest[note.note.instance] == note.note.runID
            return self.adopt(inherited.run, note, inheritance, isKept: inherited.isKept, isNewest: isNewest)
        }
    }

    private static func endOfAbandoned(at now: Moment) -> RunNote.Ending {
        RunNote.Ending(
            startsAgain: true,
            requestedBy: "agent:on_keeper_death",
            operationID: nil,
            toldAt: now.monotonic,
            deadline: now.monotonic,
            kill: .atOnce
        )
    }

    private func adopt(
        _ inherited: CustodyRun,
        _ note: CustodyNote,
        _ inheritance: Inheritance,
        isKept: Bool,
        isNewest: Bool
    ) -> SurvivingRun? {
        let instance = note.note.instance
        let specification =
            inheritance.specifications[instance.worker] ?? WorkerSpecification(name: instance.worker, command: [])
        let run = Run(plan: SpawnPlan(instance: instance, run: note.note.runID, specification: specification))
        let pid = inherited.announcement.pid
        run.pid = pid > 0 ? pid : nil
        run.pidfd = inherited.process
        run.home = self.home(of: pid, keeper: inheritance.keeper)
        run.wasSentKill = note.note.sent.contains { $0.signal == .kill }
        run.isBeingKilled = note.note.ending.map { $0.kill != .notSent } ?? false
        self.runs[note.note.runID] = run
        if case .process = run.home {
            self.processes.foreignLeaders.insert(pid)
        }
        // Without even a pidfd nobody can tell any more.
        let exit = inherited.exit ?? (inherited.process == nil ? .unknown : nil)
        if inheritance.isRecorded(note.note.runID) {
            self.finishRecorded(run, exit)
            return nil
        }
        let condition = self.condition(of: run, exit, note)
        if run.isEnded, !run.isCleared, !isNewest {
            // It was being killed when its successor was asked for.
            run.isBeingKilled = true
        }
        if !isKept, !run.isEnded {
            // After the supervisor has begun: it may have ended already.
            self.loop.schedule(at: SuspendingClock.now) { [unowned self] in self.watchStranger(run) }
        }
        return SurvivingRun(note: note.note, pid: run.pid, condition: condition)
    }

    /// A run of a keeper before this one is nobody's child that could tell of it.
    private func home(of pid: Int32, keeper: Int32) -> ProcessTable.Home {
        guard pid > 0, self.processes.stat(of: pid)?.parent == keeper else { return .anywhere }
        return .process(keeper)
    }

    private func condition(of run: Run, _ exit: CustodyExit?, _ note: CustodyNote) -> SurvivingRun.Condition {
        guard let exit else {
            self.outOfMemory.began(run.plan.instance, run.plan.run, pid: run.pid ?? 0)
            return .alive
        }
        run.isEnded = true
        guard exit != .neverExecuted else {
            run.isCleared = true
            return .notStarted
        }
        var ended = InstanceStateMachine.Ended(exit)
        if ended.status?.signal == .kill, !run.isBeingKilled, !run.wasSentKill {
            ended.oom = self.outOfMemory.killedBefore(note.outOfMemoryKills)
        }
        ended.leavesProcesses = self.hasRemains(run)
        run.isCleared = !ended.leavesProcesses
        if ended.leavesProcesses {
            self.keepLooking(at: run)
        }
        return .ended(ended)
    }

    /// The history has the exit of a run that the keeper holds still.
    private func finishRecorded(_ run: Run, _ exit: CustodyExit?) {
        run.isCommitted = true
        run.isEnded = exit != nil
        run.isCleared = run.isEnded && !self.hasRemains(run)
        run.isBeingKilled = true
        if run.isEnded, run.isCleared {
            self.reapIfDone(run)
        } else {
            // It was told of as ended, so it has to be.
            _ = self.kill(run.plan.run)
            if run.isEnded {
                self.keepLooking(at: run)
            }
        }
    }

    /// The keeper tells how a run of its own ended.
    func adoptedRunEnded(_ key: RunKey, _ exit: CustodyExit) {
        guard let run = self.runs[RunID(key)], !run.isEnded else { return }
        if run.stopSignal == nil {
            self.spawner.alert()
        }
        self.mainProcessEnded(run, InstanceStateMachine.Ended(exit))
    }
}

extension CapturedStreams {
    init(_ run: CustodyRun, mergesError: Bool) {
        var ends: [RunAnnouncement.Pipe: Int32] = [:]
        for pipe in run.pipes {
            if ends[pipe.kind] == nil {
                ends[pipe.kind] = pipe.descriptor
            } else {
                // A run has one pipe of a kind; what another build said of this one is wrong.
                Glibc.close(pipe.descriptor)
            }
        }
        self.init(
            standardOutput: ends[.standardOutput],
            standardError: ends[.standardError],
            mergesError: mergesError
        )
    }
}

extension RunAnnouncement.Pipe {
    init(_ stream: StandardStream) {
        switch stream {
        case .standardOutput: self = .standardOutput
        case .standardError: self = .standardError
        }
    }
}

extension InstanceStateMachine.Ended {
    /// What is known of a run that the keeper looked after. The kernel counts the memory of whoever created a process as the
    /// process's own, and how much that was is not known any more.
    init(_ exit: CustodyExit) {
        switch exit {
        case .ended(let status, let usage):
            self.init(
                status: WaitStatus(rawValue: status),
                usage: usage.map { ResourceUsage(user: $0.user, system: $0.system, maximumResidentBytes: nil) }
            )
        case .neverExecuted, .unknown:
            self.init(status: nil)
        }
    }
}
