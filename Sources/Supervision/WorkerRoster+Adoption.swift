// Runs that outlived the agent, and the operations that were under way: see `InstanceStateMachine+Adoption`.

extension WorkerRoster {
    /// Has what is to be known of the present run held by somebody who outlives the agent, where it changed.
    mutating func announce(_ index: Int) {
        guard self.announcesRuns else { return }
        let note = self.slots[index].machine.note
        guard note != self.slots[index].announced else { return }
        self.slots[index].announced = note
        if let note {
            self.effects.append(.announce(note))
        }
    }

    /// Goes on with the newest run of an instance; what ended before it is recorded.
    mutating func adopt(_ survivors: [SurvivingRun], at index: Int, _ memory: InstanceMemory?, at now: Moment) {
        guard let last = survivors.last else { return }
        if let memory {
            self.slots[index].machine.recall(memory, at: now)
            // Those that were begun after it was written: it knows the runs up to its own.
            let later = survivors.map(\.note).filter { note in memory.runID.map { $0 < note.runID } ?? true }
            self.slots[index].machine.recall(runsAfterMemory: later)
        }
        for (earlier, successor) in zip(survivors, survivors.dropFirst()) {
            self.record(earlier, before: successor, at: index, at: now)
        }
        let id = last.note.instance
        var action = self.slots[index].machine.adopt(last.note, pid: last.pid)
        switch last.condition {
        case .alive:
            self.slots[index].announced = self.slots[index].machine.note
            self.apply(action, to: index, text: "adopted with pid \(last.pid ?? 0)", at: now)
            self.endUnwanted(index, at: now)
        case .ended(let ended):
            action = self.slots[index].machine.exited(last.note.runID, ended, at: now, using: &self.randomness)
            self.apply(action, to: index, text: action.exit?.summary ?? "", at: now)
        case .notStarted:
            let machine = self.slots[index].machine
            var record = machine.recordOfUnstarted(last.note, at: now)
            let goesOn = last.note.ending?.startsAgain ?? true
            record.decision = ExitDecision(
                action: goesOn ? .restart : .stayDown,
                consecutiveFailures: machine.consecutiveFailures
            )
            self.slots[index].machine.noteEnd(record)
            action = self.slots[index].machine.replaceUnstarted(goesOn: goesOn, at: now, using: &self.randomness)
            action.exit = record
            self.apply(action, to: index, text: "the agent ended while it started \(id)", at: now)
        }
        self.remember(index)
    }

    private mutating func record(
        _ earlier: SurvivingRun,
        before successor: SurvivingRun,
        at index: Int,
        at now: Moment
    ) {
        let replaced = successor.note.replaced
        let announced = replaced?.runID == earlier.note.runID ? replaced?.decision : nil
        let decision = announced ?? ExitDecision(action: .restart, consecutiveFailures: 0)
        self.publish(.exit(self.slots[index].machine.record(of: earlier, decidedAs: decision, at: now)), at: now)
        if earlier.condition == .alive {
            // Nothing of a run is left when another follows it. Should that have failed, it ends here.
            self.effects.append(.kill(earlier.note.instance, earlier.note.runID))
        }
    }

    /// An operator's decision that it be down was committed, and not acted on before the agent died.
    private mutating func endUnwanted(_ index: Int, at now: Moment) {
        guard self.slots[index].decision?.desired == .down, self.slots[index].machine.isUp else { return }
        let requester = InstanceStateMachine.Requester(requestedBy: "agent", operationID: nil)
        let action = self.slots[index].machine.stop(by: requester, at: now).action
        self.apply(action, to: index, text: "stopped by an operator before", at: now)
    }

    /// Ends runs of instances that are not configured any more.
    mutating func endAbandoned(_ survivors: [SurvivingRun], at now: Moment) {
        for survivor in survivors where self.slotIndex[survivor.note.instance] == nil {
            guard survivor.condition == .alive else {
                self.recordAbandoned(survivor, at: now)
                continue
            }
            var survivor = survivor
            survivor.note.ending = RunNote.Ending(
                startsAgain: false,
                requestedBy: "agent",
                operationID: nil,
                toldAt: now.monotonic,
                deadline: now.monotonic,
                kill: .atOnce
            )
            self.abandoned[survivor.note.runID] = survivor
            self.effects.append(.kill(survivor.note.instance, survivor.note.runID))
        }
    }

    /// The end of a run whose instance is not configured any more; any other is not known here.
    mutating func abandonedRunEnded(_ run: RunID, _ ended: InstanceStateMachine.Ended, at now: Moment) {
        guard var survivor = self.abandoned.removeValue(forKey: run) else { return }
        survivor.condition = .ended(ended)
        self.recordAbandoned(survivor, at: now)
    }

    private mutating func recordAbandoned(_ survivor: SurvivingRun, at now: Moment) {
        let id = survivor.note.instance
        let specification = WorkerSpecification(name: id.worker, command: [])
        let machine = InstanceStateMachine(id: id, specification: specification)
        let decision = ExitDecision(action: .stayDown, consecutiveFailures: 0)
        self.publish(.exit(machine.record(of: survivor, decidedAs: decision, at: now)), at: now)
    }

    // MARK: Operations

    /// Goes on with an operation of the agent before; `false` when that cannot be done. Called when its instances are as
    /// they are now.
    mutating func resume(_ operation: Operation, at now: Moment) -> Bool {
        switch operation.action {
        case .start, .stop, .restart, .scale, .shutdown: break
        case .signal, .reset, .upgrade: return false
        }
        guard let slots = self.slots(of: operation) else { return false }
        if operation.action == .shutdown {
            self.shutdown = operation.id
        }
        var active = ActiveOperation(
            resuming: operation,
            slots: slots,
            batches: self.batches(of: slots, action: operation.action),
            observation: Self.defaultObservation
        )
        active.budget = self.budget(of: active)
        let steps = active.unfinishedSteps
        self.operations[operation.id] = active
        self.touch(operation.id)
        self.hold(slots, operation.workers, for: operation.id)
        for step in steps {
            self.resume(step, of: operation.id, at: now)
        }
        self.goOn(operation.id, at: now)
        for slot in slots {
            self.publishStatus(of: slot, text: "\(operation.action) by \(operation.requestedBy) goes on", at: now)
        }
        return true
    }

    private mutating func resume(_ step: Int, of id: OperationID, at now: Moment) {
        guard let instance = self.operations[id]?.operation.instances[step],
            let slot = self.operations[id]?.steps[step].slot, let action = self.operations[id]?.operation.action
        else { return }
        guard self.slots[slot].isPresent else {
            self.operations[id]?.finish(step, action == .scale ? .removed : .stopped)
            return
        }
        let run = self.slots[slot].machine.runID
        switch action {
        case .scale where self.slots[slot].isLeaving:
            self.begin(step, of: id, at: now)
        case .stop, .shutdown:
            if run == nil {
                // It ended meanwhile; a restart that waits for its time is not wanted any more.
                self.begin(step, of: id, at: now)
                self.operations[id]?.finish(step, .stopped)
            } else {
                self.begin(step, of: id, at: now)
            }
        case .start, .restart, .scale:
            if let new = instance.newRunID {
                self.operations[id]?.resumeStart(step, of: new, at: now.monotonic)
                self.operations[id]?.advance(step, self.slots[slot].machine, exit: nil, at: now.monotonic)
                if run != new {
                    self.operations[id]?.finish(step, .failed, exit: new)
                }
            } else if run == nil || action == .restart && run == instance.oldRunID && self.slots[slot].machine.isUp {
                self.begin(step, of: id, at: now)
            } else {
                self.operations[id]?.resumeWait(step)
                self.operations[id]?.advance(step, self.slots[slot].machine, exit: nil, at: now.monotonic)
            }
        case .signal, .reset, .upgrade: break
        }
    }
}
