extension WorkerRoster {
    /// Takes a request, or says why not. What it changes follows as transitions.
    public mutating func submit(_ request: OperationRequest, at now: Moment) -> OperationSubmission {
        self.tellRestarts()
        if request.action == .shutdown {
            defer { self.publishTouchedOperations(at: now) }
            return self.submitShutdown(request, at: now)
        }
        if request.action == .upgrade {
            defer { self.publishTouchedOperations(at: now) }
            return self.submitUpgrade(request, at: now)
        }
        var targets: [Int] = []
        var workers: Set<Int> = []
        for name in request.workers {
            guard let worker = self.workerIndex[name] else { return .unknownWorker(name) }
            workers.insert(worker)
        }
        for worker in workers.sorted() {
            guard let slots = self.slots(of: worker, instance: request.instance, for: request.action) else {
                let id = InstanceID(worker: self.specifications[worker].name, index: request.instance ?? 0)
                return .unknownInstance(id, count: self.workers[worker].count)
            }
            targets += slots
        }
        let submission =
            switch request.action {
            case .signal: self.submitSignal(request, targets, workers: workers, at: now)
            case .reset: self.submitReset(request, targets, workers: workers, at: now)
            case .scale: self.submitScale(request, workers, at: now)
            case .start, .stop, .restart, .shutdown, .upgrade:
                self.submitSteps(request, targets, workers: workers, at: now)
            }
        self.publishTouchedOperations(at: now)
        return submission
    }

    /// Of everything, whatever else the request names: the agent ends after it.
    mutating func submitShutdown(_ request: OperationRequest, at now: Moment) -> OperationSubmission {
        let workers = self.specifications.indices
        let targets = workers.flatMap { self.slots(of: $0, instance: nil, for: .shutdown) ?? [] }
        return self.submitSteps(request, targets, workers: Set(workers), at: now)
    }

    private mutating func submitSteps(
        _ request: OperationRequest,
        _ targets: [Int],
        workers: Set<Int>,
        at now: Moment
    ) -> OperationSubmission {
        if let joined = self.join(request, targets, at: now) {
            return joined
        }
        if let refusal = self.refusal(of: request, workers: workers) {
            return refusal
        }
        let operation = self.newOperation(request, targets, workers: workers, at: now)
        if request.action.endsRuns {
            self.abortStarts(sharing: targets, for: operation.id, at: now)
        }
        if request.action == .shutdown {
            self.shutdown = operation.id
            self.publish(.shuttingDown(requestedBy: request.requestedBy, reason: request.reason), at: now)
            self.abortUpgrade(by: operation.id, at: now)
        }
        return self.begin(operation, request, targets, at: now)
    }

    /// Why an operation that nobody has begun yet cannot begin.
    func refusal(of request: OperationRequest, workers: Set<Int>) -> OperationSubmission? {
        if self.shutdown != nil {
            return .busy("the agent is ending")
        }
        if !request.action.endsRuns, let (worker, other) = self.holder(of: workers) {
            return .conflict(worker: worker, with: other)
        }
        guard request.action == .shutdown || self.operations.count < Self.maximumOperations(for: request.action) else {
            return .busy("\(self.operations.count) operations are under way")
        }
        return nil
    }

    /// Begins an operation with a step for each of the slots.
    mutating func begin(
        _ operation: Operation,
        _ request: OperationRequest,
        _ targets: [Int],
        at now: Moment
    ) -> OperationSubmission {
        var active = ActiveOperation(
            operation: operation,
            slots: targets,
            batches: self.batches(of: targets, action: request.action),
            grace: request.grace,
            observation: request.observe ?? Self.defaultObservation,
            isPersistent: request.isPersistent
        )
        active.budget = self.budget(of: active)
        self.operations[operation.id] = active
        self.touch(operation.id)
        self.hold(targets, operation.workers, for: operation.id)
        self.beginBatch(of: operation.id, at: now)
        // Instances whose turn comes later are held from now on, too.
        for slot in targets {
            self.publishStatus(of: slot, text: "\(request.action) by \(request.requestedBy)", at: now)
        }
        let begun = self.operations[operation.id]?.operation ?? operation
        return .accepted(begun, budget: active.budget)
    }

    /// Takes note of who is at work on the instances and their workers; `finish` takes it back.
    mutating func hold(_ slots: [Int], _ workers: [String], for operation: OperationID) {
        for slot in slots where self.slots[slot].isPresent {
            self.slots[slot].operations.append(operation)
        }
        for worker in workers.compactMap({ self.workerIndex[$0] }) {
            self.workers[worker].operations.append(operation)
        }
    }

    /// The operation that already does what is asked, if there is one.
    private mutating func join(
        _ request: OperationRequest,
        _ targets: [Int],
        at now: Moment
    ) -> OperationSubmission? {
        guard let first = targets.first else { return nil }
        for id in self.slots[first].operations {
            guard let active = self.operations[id], request.action.isPart(of: active.operation.action) else { continue }
            guard targets.allSatisfy({ self.slots[$0].operations.contains(id) }) else { continue }
            if request.action == .stop || request.action == .shutdown, let grace = request.grace {
                self.shortenGrace(of: targets, to: grace, for: request, id, at: now)
            }
            for slot in targets where request.isPersistent {
                self.decide(slot, by: request.action, isPersistent: true)
            }
            let joined = self.operations[id]?.operation ?? active.operation
            return .joined(joined, budget: active.budget)
        }
        return nil
    }

    /// A second stop that is less patient than the first, or than the shutdown.
    mutating func shortenGrace(
        of targets: [Int],
        to grace: Duration,
        for request: OperationRequest,
        _ id: OperationID,
        at now: Moment
    ) {
        let requester = InstanceStateMachine.Requester(requestedBy: request.requestedBy, operationID: id)
        for slot in targets where self.slots[slot].machine.publicState == .stopping {
            let action = self.slots[slot].machine.stop(grace: grace, by: requester, at: now).action
            self.addToTranscripts(of: slot, "\(request.requestedBy) asks for a grace of \(grace.seconds) s", at: now)
            self.apply(action, to: slot, text: "", at: now)
        }
    }

    private func holder(of workers: Set<Int>) -> (worker: String, operation: Operation)? {
        for worker in workers.sorted() {
            if let id = self.workers[worker].operations.first, let active = self.operations[id] {
                return (self.specifications[worker].name, active.operation)
            }
        }
        return nil
    }

    private mutating func abortStarts(sharing targets: [Int], for stop: OperationID, at now: Moment) {
        for slot in targets {
            for id in self.slots[slot].operations {
                guard let action = self.operations[id]?.operation.action else { continue }
                if !action.endsRuns {
                    self.abort(id, by: stop, at: now)
                }
            }
        }
    }

    mutating func newOperation(
        _ request: OperationRequest,
        _ targets: [Int],
        workers: Set<Int>,
        at now: Moment
    ) -> Operation {
        Operation(
            id: OperationID(at: now.wall, using: &self.randomness),
            action: request.action,
            workers: workers.sorted().map { self.specifications[$0].name },
            requestedBy: request.requestedBy,
            reason: request.reason,
            createdAt: now.wall,
            instances: targets.map {
                OperationInstance(instance: self.slots[$0].machine.id, oldRunID: self.slots[$0].machine.runID)
            }
        )
    }

    /// Start: all at once. Restart: the first instance of each worker, then the second, and so on. Stop: all at once, in
    /// the reverse of the order in which they are started. Scale: as start or as stop.
    func batches(of targets: [Int], action: OperationAction) -> [[Int]] {
        switch action {
        case .stop, .shutdown: return [Array(targets.indices.reversed())]
        case .scale:
            let added = targets.indices.filter { !self.slots[targets[$0]].isLeaving }
            let leaving = targets.indices.filter { self.slots[targets[$0]].isLeaving }
            return [added + leaving.reversed()]
        case .start, .signal, .reset, .upgrade: return [Array(targets.indices)]
        case .restart:
            var batches: [[Int]] = []
            var place = 0
            var worker = ""
            for (step, slot) in targets.enumerated() {
                let name = self.slots[slot].machine.id.worker
                place = name == worker ? place + 1 : 0
                worker = name
                if place == batches.count {
                    batches.append([])
                }
                batches[place].append(step)
            }
            return batches.isEmpty ? [[]] : batches
        }
    }

    /// How long the operation may take by its own rules.
    func budget(of active: ActiveOperation) -> Duration {
        var total = Duration.zero
        for batch in active.batches {
            var grace = Duration.zero
            for step in batch {
                let own = self.slots[active.steps[step].slot].machine.specification.stop.grace
                grace = max(grace, active.grace ?? own)
            }
            switch active.operation.action {
            case .scale:
                let slots = batch.map { active.steps[$0].slot }
                let up = slots.contains { !self.slots[$0].isLeaving } ? Self.startTimeout + active.observation : .zero
                total += slots.contains { self.slots[$0].isLeaving } ? max(grace, up) : up
            case .start: total += Self.startTimeout + active.observation
            case .restart: total += grace + Self.startTimeout + active.observation
            case .stop, .shutdown, .signal, .reset, .upgrade: total += grace
            }
        }
        return total
    }

    // MARK: Signal and reset, which end at once

    private mutating func submitSignal(
        _ request: OperationRequest,
        _ targets: [Int],
        workers: Set<Int>,
        at now: Moment
    ) -> OperationSubmission {
        guard let signal = request.signal else { preconditionFailure("a request for a signal without one") }
        var operation = self.newOperation(request, targets, workers: workers, at: now)
        let requester = InstanceStateMachine.Requester(requestedBy: request.requestedBy, operationID: operation.id)
        for (step, slot) in targets.enumerated() {
            guard let run = self.slots[slot].machine.signal(signal, by: requester) else {
                operation.instances[step].outcome = .unchanged
                continue
            }
            let id = self.slots[slot].machine.id
            self.announce(slot)
            self.effects.append(.signal(id, run, signal, request.signalScope))
            operation.changed = true
            operation.instances[step].outcome = .signaled
            let whom = request.signalScope == .main ? "the main process" : "the process group"
            operation.instances[step].transcript.append(TranscriptLine(at: now.wall, text: "\(signal) sent to \(whom)"))
        }
        guard operation.changed else { return .noProcess(request.workers.first ?? "") }
        return self.finishAtOnce(operation, at: now)
    }

    private mutating func submitReset(
        _ request: OperationRequest,
        _ targets: [Int],
        workers: Set<Int>,
        at now: Moment
    ) -> OperationSubmission {
        var operation = self.newOperation(request, targets, workers: workers, at: now)
        for (step, slot) in targets.enumerated() {
            let wasFailed = self.slots[slot].machine.publicState == .failed
            let changed = self.slots[slot].machine.reset()
            if wasFailed {
                self.decide(slot, by: .stop, isPersistent: false)
            }
            operation.changed = operation.changed || changed
            operation.instances[step].outcome = changed ? .reset : .unchanged
            self.apply(.none, to: slot, text: "reset by \(request.requestedBy)", at: now)
        }
        return self.finishAtOnce(operation, at: now)
    }

    private mutating func finishAtOnce(_ operation: Operation, at now: Moment) -> OperationSubmission {
        var operation = operation
        operation.state = .succeeded
        operation.finishedAt = now.wall
        self.publish(.operation(operation), at: now)
        return .accepted(operation, budget: .zero)
    }
}

extension OperationAction {
    /// Whether it wants runs to end and none to begin.
    var endsRuns: Bool {
        self == .stop || self == .shutdown
    }

    /// Whether an operation of that action does this as well: a shutdown stops every worker.
    fileprivate func isPart(of other: OperationAction) -> Bool {
        self == other || self == .stop && other == .shutdown
    }
}
