// Operations may have thousands of steps: what is done for one step takes constant time, and what is done for all of them
// happens a bounded number of times. A copy of an operation that lives while the operation is changed makes the change
// linear, so what is needed of it is read out first.

extension WorkerRoster {
    // MARK: Batches

    /// Asks the machines for what the operation's present batch wants, and goes on from there.
    mutating func beginBatch(of id: OperationID, at now: Moment) {
        guard let batch = self.operations[id]?.batch, let steps = self.operations[id]?.batches[batch] else { return }
        for step in steps {
            self.begin(step, of: id, at: now)
        }
        self.goOn(id, at: now)
    }

    mutating func begin(_ step: Int, of id: OperationID, at now: Moment) {
        guard let (slot, action, grace, requestedBy) = self.operations[id]?.request(of: step) else { return }
        let by = InstanceStateMachine.Requester(requestedBy: requestedBy, operationID: id)
        var oldRunID = self.slots[slot].machine.runID
        let changed: Bool
        let answer: InstanceStateMachine.Action
        let phase: ActiveOperation.Phase
        switch action {
        case .start:
            // A start joins the run that is being created; any other run is an old one.
            if self.slots[slot].machine.publicState == .starting {
                oldRunID = nil
            }
            (changed, answer) = self.slots[slot].machine.start(by: by, at: now, using: &self.randomness)
            phase = .awaitingRun
        case .restart:
            changed = true
            answer = self.slots[slot].machine.restart(grace: grace, by: by, at: now, using: &self.randomness)
            phase = .awaitingRun
        case .scale where self.slots[slot].isLeaving:
            changed = true
            answer = self.slots[slot].machine.stop(grace: grace, by: by, at: now).action
            phase = .ending
        case .scale where self.isWanted(slot):
            changed = true
            answer = self.slots[slot].machine.start(by: by, at: now, using: &self.randomness).action
            phase = .awaitingRun
        case .scale:
            self.operations[id]?.noteChange()
            self.operations[id]?.finish(step, .added)
            self.touch(id)
            return
        case .stop, .shutdown:
            (changed, answer) = self.slots[slot].machine.stop(grace: grace, by: by, at: now)
            phase = .ending
        case .signal, .reset, .upgrade:
            preconditionFailure("\(action) has no steps")
        }
        self.decide(slot, by: action, isPersistent: self.operations[id]?.isPersistent == true)
        self.operations[id]?.begin(step, phase, oldRunID: oldRunID)
        if changed {
            self.operations[id]?.noteChange()
        } else {
            self.operations[id]?.finish(step, .unchanged)
        }
        self.touch(id)
        self.apply(answer, to: slot, text: "\(action) by \(requestedBy)", at: now)
    }

    /// Ends the operation or begins its next batch, when the present one is done.
    mutating func goOn(_ id: OperationID, at now: Moment) {
        switch self.operations[id]?.goOn() {
        case nil, .wait: break
        case .beginBatch: self.beginBatch(of: id, at: now)
        case .end(let state): self.finish(id, state, error: self.operations[id]?.failureText, at: now)
        }
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
        for worker in (self.operations[id]?.operation.workers ?? []).compactMap({ self.workerIndex[$0] }) {
            self.workers[worker].operations.removeAll { $0 == id }
        }
        self.touch(id)
        for step in self.operations[id]?.steps ?? [] {
            // An instance that has gone, or another one in its slot, knows nothing of the operation.
            guard let place = self.slots[step.slot].operations.firstIndex(of: id) else { continue }
            self.slots[step.slot].operations.remove(at: place)
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
            }
            self.operations[id]?.advance(step, self.slots[slot].machine, exit: exit, at: now.monotonic)
            self.touch(id)
            self.goOn(id, at: now)
        }
    }

    /// A call before the time that was asked for only asks for it again.
    mutating func operationTimeReached(_ id: OperationID, at now: Moment) {
        guard self.operations[id] != nil else { return }
        self.operations[id]?.timeReached(at: now)
        self.touch(id)
        self.goOn(id, at: now)
    }

    // MARK: The end of a call

    /// Has the operation looked at, at the end of the call: for a snapshot, and for its timer.
    mutating func touch(_ id: OperationID) {
        guard self.operations[id]?.isTouched == false else { return }
        self.operations[id]?.isTouched = true
        self.touchedOperations.append(id)
    }

    mutating func publishTouchedOperations(at now: Moment) {
        self.followVitalEnds(at: now)
        guard !self.touchedOperations.isEmpty else { return }
        for id in self.touchedOperations {
            self.operations[id]?.isTouched = false
            if let snapshot = self.operations[id]?.snapshot(at: now.monotonic) {
                self.publish(.operation(snapshot), at: now)
            }
            if let timer = self.operations[id]?.timerEffect() {
                self.effects.append(timer)
            }
            if self.operations[id]?.operation.finishedAt != nil {
                self.forget(id)
            }
        }
        self.touchedOperations.removeAll(keepingCapacity: true)
    }

    /// Forgets an operation that has ended and was published for the last time.
    private mutating func forget(_ id: OperationID) {
        self.operations[id] = nil
        if id == self.shutdown {
            self.effects.append(.ended(id, exitStatus: self.exitStatus))
        }
    }

    mutating func addToTranscripts(of slot: Int, _ text: String, at now: Moment) {
        for id in self.slots[slot].operations {
            guard let step = self.operations[id]?.step(of: slot) else { continue }
            self.operations[id]?.addLine(text, to: step, at: now.wall)
            self.touch(id)
        }
    }
}
