// How many instances a worker has.
//
// The number counts from the moment in which the request is taken. Instances that are added come at once: they are started
// when the worker is wanted up (any instance of it is, or it has none and `autostart` is on), and are there stopped else.
// Those that are one too many leave: each is stopped, the highest index first, and goes when nothing of it is left.
//
// A stop supersedes a scale with which it shares an instance. The number stands all the same: it is the operator's last word
// on it, and whoever stops a worker says nothing about how many instances it has. So what was added stays, and is stopped
// with the rest; and what leaves goes as soon as nothing of it is left. Until then it can be told to end sooner, and nothing
// else, unless another scale takes it back.

extension WorkerRoster {
    mutating func submitScale(
        _ request: OperationRequest,
        _ workers: Set<Int>,
        at now: Moment
    ) -> OperationSubmission {
        guard let count = request.count, let worker = workers.first, workers.count == 1 else {
            preconditionFailure("a request for a scale without a number or of \(workers.count) workers")
        }
        if let obstacle = self.specifications[worker].obstacle(toInstances: count) {
            return .refused(obstacle)
        }
        if let joined = self.joinScale(request, worker, to: count, at: now) {
            return joined
        }
        if let refusal = self.refusal(of: request, workers: workers) {
            return refusal
        }
        let before = self.workers[worker].count
        let targets = self.setCount(of: worker, to: count)
        self.decideCount(of: worker, isPersistent: request.isPersistent)
        let operation = self.newOperation(request, targets, workers: workers, at: now)
        if before != count {
            let change = ScaleChange(
                worker: self.specifications[worker].name,
                from: before,
                to: count,
                added: before..<max(before, count),
                operationID: operation.id,
                text: "scaled by \(request.requestedBy)"
            )
            self.publish(.scaled(change), at: now)
        }
        return self.begin(operation, request, targets, at: now)
    }

    /// The scale to the same number that is under way, if there is one.
    private mutating func joinScale(
        _ request: OperationRequest,
        _ worker: Int,
        to count: Int,
        at now: Moment
    ) -> OperationSubmission? {
        guard self.workers[worker].count == count,
            let id = self.workers[worker].operations.first(where: { self.operations[$0]?.operation.action == .scale })
        else { return nil }
        if let grace = request.grace {
            let leaving = self.workers[worker].slots.filter { self.slots[$0].isLeaving }
            self.shortenGrace(of: leaving, to: grace, for: request, id, at: now)
        }
        if request.isPersistent {
            self.decideCount(of: worker, isPersistent: true)
        }
        guard let active = self.operations[id] else { return nil }
        return .joined(active.operation, budget: active.budget)
    }

    /// Adds what is missing, and says of what is one too many that it leaves. Answers the slots of these instances.
    mutating func setCount(of worker: Int, to count: Int) -> [Int] {
        self.workers[worker].count = count
        var leaving: [Int] = []
        var staying: [Int] = []
        for slot in self.workers[worker].slots {
            if self.slots[slot].machine.id.index >= count {
                self.slots[slot].isLeaving = true
                leaving.append(slot)
            } else if !self.slots[slot].isLeaving {
                staying.append(slot)
            }
        }
        // What an operator decided about the others is about the worker, and so about those that join them.
        let example = staying.first { self.slots[$0].machine.desired == .up } ?? staying.first
        let decision = example.flatMap { self.slots[$0].decision }
        let added = (min(staying.count, count)..<count).map { index in
            // One that is on its way out, after a stop superseded the scale that sent it there, stays after all.
            let id = InstanceID(worker: self.specifications[worker].name, index: index)
            let slot = self.slotIndex[id] ?? self.addInstance(index, to: worker)
            self.slots[slot].isLeaving = false
            self.slots[slot].decision = decision
            self.remember(slot)
            return slot
        }
        return leaving + added
    }

    /// Takes note of the present number as what an operator wants.
    private mutating func decideCount(of worker: Int, isPersistent: Bool) {
        self.workers[worker].isScaled = true
        self.workers[worker].isPersistent = isPersistent
        self.remember(worker: worker)
    }

    /// Removes an instance that leaves, if nothing of it is left.
    mutating func removeIfGone(_ slot: Int, for operation: OperationID?, at now: Moment) {
        guard self.slots[slot].isLeaving, self.slots[slot].isPresent,
            self.slots[slot].machine.publicState == .stopped
        else { return }
        let id = self.slots[slot].machine.id
        self.removeInstance(in: slot)
        self.forgotten.append(id)
        self.publish(.removed(id, operation), at: now)
    }
}

extension WorkerSpecification {
    /// Why there cannot be so many instances; `nil` when there can.
    func obstacle(toInstances count: Int) -> String? {
        guard let basePort, basePort + count - 1 > 65_535 else { return nil }
        return "the last of \(count) instances would have the port \(basePort + count - 1); ports end at 65535, and "
            + "base_port is \(basePort)"
    }
}
