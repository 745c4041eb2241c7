extension WorkerRoster {
    // MARK: Batches

    /// Asks the machines for what the operation's present batch wants, and goes on from there.
    mutating func beginBatch(of id: OperationID, at now: Moment) {
        guard let active = self.operations[id] else { return }
        for step in active.batches[active.batch] {
            self.begin(step, of: id, at: now)
        }
        self.goOn(id, at: now)
    }

    private mutating func begin(_ step: Int, of id: OperationID, at now: Moment) {
        guard let active = self.operations[id], active.operation.finishedAt == nil else { return }
        let slot = active.steps[step].slot
        let by = InstanceStateMachine.Requester(requestedBy: active.operation.requestedBy, operationID: id)
        var oldRunID = self.slots[slot].machine.runID
        let changed: Bool
        let action: InstanceStateMachine.Action
        let phase: ActiveOperation.Phase
        switch active.operation.action {
        case .start:
            // A start joins the run that is being created; any other run is an old one.
            if self.slots[slot].machine.publicState == .starting {
                oldRunID = nil
            }
            (changed, action) = self.slots[slot].machine.start(by: by, at: now, using: &self.randomness)
            phase = .awaitingRun
        case .restart:
            changed = true
            action = self.slots[slot].machine.restart(
                grace: active.grace,
                by: by,
                at: now,
                using: &self.randomness
            )
            phase = .awaitingRun
        case .stop, .shutdown:
            (changed, action) = self.slots[slot].machine.stop(grace: active.grace, by: by, at: now)
            phase = .ending
        case .signal, .reset:
            preconditionFailure("\(active.operation.action) has no steps")
        }
        self.operations[id]?.begin(step, phase, oldRunID: oldRunID)
        if changed {
            self.operations[id]?.noteChange()
        } else {
            self.operations[id]?.finish(step, .unchanged)
        }
        self.markChanged(id)
        self.apply(action, to: slot, text: "\(active.operation.action) by \(by.requestedBy)", at: now)
    }

    /// Ends the operation or begins its next batch, when the present one is done.
    private mutating func goOn(_ id: OperationID, at now: Moment) {
        guard let active = self.operations[id], active.operation.finishedAt == nil, active.isBatchDone else { return }
        if active.hasFailure {
            self.finish(id, .failed, error: self.failureText(of: active.operation), at: now)
        } else if active.hasNextBatch {
            self.operations[id]?.beginNextBatch()
            self.beginBatch(of: id, at: now)
        } else {
            self.finish(id, .succeeded, error: nil, at: now)
        }
    }

    private func failureText(of operation: Operation) -> String {
        var lines: [String] = []
        for instance in operation.instances where instance.outcome == .failed {
            let why = instance.transcript.last.map { ": \($0.text)" } ?? ""
            lines.append("\(instance.instance) did not come up\(why)")
        }
        return lines.joined(separator: "; ")
    }

    /// The one place where an operation ends.
    private mutating func finish(
        _ id: OperationID,
        _ state: OperationState,
        error: String?,
        abortedBy: OperationID? = nil,
        at now: Moment
    ) {
        self.operations[id]?.end(state, error: error, abortedBy: abortedBy, at: now.wall)
        self.markChanged(id)
        for step in self.operations[id]?.steps ?? [] {
            self.slots[step.slot].operations.removeAll { $0 == id }
            self.publishStatus(of: step.slot, text: "", at: now)
        }
    }

    /// Ends an operation because `other` wants something else.
    mutating func abort(_ id: OperationID, by other: OperationID, at now: Moment) {
        self.finish(id, .aborted, error: "superseded by operation \(other)", abortedBy: other, at: now)
    }

    // MARK: Progress

    /// Looks at the operations that are at work on an instance after anything about it changed.
    mutating func instanceChanged(_ slot: Int, exit: ExitRecord?, at now: Moment) {
        for id in self.slots[slot].operations {
            guard let step = self.operations[id]?.step(of: slot) else { continue }
            if let exit {
                self.operations[id]?.addLine(exit.summary, to: step, at: now.wall)
                self.markChanged(id)
            }
            let wentOn = self.operations[id]?.advance(
                step,
                self.slots[slot].machine,
                exit: exit,
                at: now.monotonic
            )
            if wentOn == true {
                self.markChanged(id)
                self.setTimer(of: id)
                self.goOn(id, at: now)
            }
        }
    }

    mutating func operationTimeReached(_ id: OperationID, at now: Moment) {
        guard self.operations[id] != nil else { return }
        self.operations[id]?.timeReached(at: now)
        self.markChanged(id)
        self.setTimer(of: id)
        self.goOn(id, at: now)
    }

    private mutating func setTimer(of id: OperationID) {
        guard let active = self.operations[id], active.operation.finishedAt == nil else { return }
        self.effects.append(.timer(.operation(id), active.deadline))
    }

    // MARK: Words

    mutating func markChanged(_ id: OperationID) {
        if !self.changedOperations.contains(id) {
            self.changedOperations.append(id)
        }
    }

    mutating func addToTranscripts(of slot: Int, _ text: String, at now: Moment) {
        for id in self.slots[slot].operations {
            guard let step = self.operations[id]?.step(of: slot) else { continue }
            self.operations[id]?.addLine(text, to: step, at: now.wall)
            self.markChanged(id)
        }
    }
}
