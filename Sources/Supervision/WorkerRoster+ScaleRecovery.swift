// The number of a worker's instances, and those that were on their way out, after the death of the agent.

extension WorkerRoster {
    /// Goes on with an operator's number of instances, unless something speaks against it. Before any instance is recovered.
    mutating func recoverCount(
        _ memory: WorkerMemory,
        _ survivors: [InstanceID: [SurvivingRun]],
        at now: Moment
    ) {
        guard let worker = self.workerIndex[memory.worker] else { return }
        let configured = self.specifications[worker].instances
        var change = ScaleChange(worker: memory.worker, from: configured, to: configured, text: "")
        if let obstacle = self.obstacle(to: memory, worker) {
            self.remember(worker: worker)
            change.text = "an operator's decision for \(memory.count) instances is forgotten, because \(obstacle)"
        } else {
            self.workers[worker].isScaled = true
            self.workers[worker].isPersistent = memory.isPersistent
            for slot in self.setCount(of: worker, to: memory.count) where self.slots[slot].isLeaving {
                self.removeInstance(in: slot)
            }
            change.to = memory.count
            change.added = configured..<max(configured, memory.count)
            change.removed = memory.count..<max(configured, memory.count)
            change.text = "scaled by an operator before"
        }
        if memory.count != configured {
            self.publish(.scaled(change), at: now)
        }
        if change.to == memory.count {
            self.recoverLeaving(of: worker, survivors)
        }
    }

    private func obstacle(to memory: WorkerMemory, _ worker: Int) -> String? {
        let specification = self.specifications[worker]
        if memory.configuredCount != specification.instances {
            return "the configuration says \(specification.instances) instead of \(memory.configuredCount) now"
        }
        if memory.bootID != self.bootID, !memory.isPersistent {
            return "the system was started anew"
        }
        return specification.obstacle(toInstances: memory.count)
    }

    /// Instances that are one too many and alive keep their slots until they have ended, with the time that they were given.
    private mutating func recoverLeaving(of worker: Int, _ survivors: [InstanceID: [SurvivingRun]]) {
        let name = self.specifications[worker].name
        let leaving = survivors.filter { id, runs in
            id.worker == name && id.index >= self.workers[worker].count && runs.last?.condition == .alive
        }
        for id in leaving.keys.sorted() {
            self.slots[self.addInstance(id.index, to: worker)].isLeaving = true
        }
    }

    /// Tells instances to end that leave and were not told yet. After the operations, which may have done so.
    mutating func endLeaving(at now: Moment) {
        for slot in self.workers.flatMap(\.slots) where self.slots[slot].isLeaving && self.slots[slot].machine.isUp {
            let requester = InstanceStateMachine.Requester(requestedBy: "agent", operationID: nil)
            let action = self.slots[slot].machine.stop(by: requester, at: now).action
            self.apply(action, to: slot, text: "one too many", at: now)
        }
    }

    /// The slots of an operation's instances, to go on with it; `nil` when that cannot be done. An instance that was to leave
    /// and is gone has a vacant slot of its own.
    mutating func slots(of operation: Operation) -> [Int]? {
        let isScale = operation.action == .scale
        var slots: [Int] = []
        for instance in operation.instances.map(\.instance) {
            guard let worker = self.workerIndex[instance.worker] else { return nil }
            let isWanted = instance.index < self.workers[worker].count
            // A scale goes on when its number counts.
            guard !isScale || self.workers[worker].isScaled else { return nil }
            if let slot = self.slotIndex[instance] {
                slots.append(slot)
            } else {
                guard operation.action.endsRuns || isScale, !isWanted else { return nil }
                slots.append(self.addVacantSlot(instance, worker))
            }
        }
        // The same one twice is the work of a damaged disk.
        return slots.isEmpty || Set(slots).count < slots.count ? nil : slots
    }
}
