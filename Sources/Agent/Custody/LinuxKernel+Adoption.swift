import Glibc
import Keeper
import LinuxSystem
import Output
import Supervision

// The runs of the agent before. Their processes are the keeper's children: it looks at their ends and reaps them, and this
// process signals them by the same pidfds.

extension LinuxKernel {
    /// Goes on with what the keeper holds, before the supervisor begins. Answers the runs whose exits are not recorded, of each
    /// instance the older one first.
    ///
    /// - Parameters:
    ///   - keeper: the pid of the process whose children they are.
    ///   - specifications: of the workers that are configured.
    ///   - isRecorded: whether the history has the exit of a run.
    func adopt(
        _ inherited: [CustodyRun],
        of keeper: Int32,
        _ specifications: [String: WorkerSpecification],
        isRecorded: (RunID) -> Bool
    ) -> [SurvivingRun] {
        guard let custody = self.custody else { return [] }
        let now = self.now()
        var newest: [InstanceID: RunID] = [:]
        let known = inherited.map { ($0, CustodyNote($0.announcement, at: now)) }
            .sorted { $0.1.note.runID < $1.1.note.runID }
        for (custody, note) in known where !custody.isCommitted {
            newest[note.note.instance] = note.note.runID
        }
        var survivors: [SurvivingRun] = []
        for (inherited, custodyNote) in known {
            let note = custodyNote.note
            custody.adopt(inherited, note: custodyNote)
            self.capture.adopt(
                CapturedStreams(inherited, mergesError: custodyNote.mergesError),
                of: note.runID,
                note.instance
            )
            guard !inherited.isCommitted, let process = inherited.process else {
                // The pipes may be all that is left, or its pidfd was lost on the way: then nobody knows how it ended.
                if inherited.isCommitted || isRecorded(note.runID) {
                    custody.committed(note.runID)
                } else {
                    survivors.append(self.lost(inherited, note))
                }
                continue
            }
            let specification =
                specifications[note.instance.worker] ?? WorkerSpecification(name: note.instance.worker, command: [])
            let run = Run(plan: SpawnPlan(instance: note.instance, run: note.runID, specification: specification))
            run.pid = inherited.announcement.pid
            run.pidfd = process
            run.home = .process(keeper)
            run.wasSentKill = note.sent.contains { $0.signal == .kill }
            run.isBeingKilled = note.ending.map { $0.kill != .notSent } ?? false
            self.runs[note.runID] = run
            self.processes.foreignLeaders.insert(inherited.announcement.pid)
            if isRecorded(note.runID) {
                self.finishRecorded(run, inherited.exit)
                continue
            }
            let condition = self.condition(of: run, inherited.exit, custodyNote)
            if run.isEnded, !run.isCleared, newest[note.instance] != note.runID {
                // It was being killed when its successor was asked for.
                run.isBeingKilled = true
            }
            survivors.append(SurvivingRun(note: note, pid: run.pid, condition: condition))
        }
        return survivors
    }

    /// A run of which there is not even a pidfd.
    private func lost(_ inherited: CustodyRun, _ note: RunNote) -> SurvivingRun {
        let specification = WorkerSpecification(name: note.instance.worker, command: [])
        let run = Run(plan: SpawnPlan(instance: note.instance, run: note.runID, specification: specification))
        run.isEnded = true
        run.isCleared = true
        self.runs[note.runID] = run
        let pid = inherited.announcement.pid
        return SurvivingRun(
            note: note,
            pid: pid > 0 ? pid : nil,
            condition: inherited.exit == .neverExecuted ? .notStarted : .ended(.init(status: nil))
        )
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
            self.keepLooking(at: run)
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
        for pipe in run.pipes where ends.updateValue(pipe.descriptor, forKey: pipe.kind) != nil {
            preconditionFailure("a run with two pipes of one kind")
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
