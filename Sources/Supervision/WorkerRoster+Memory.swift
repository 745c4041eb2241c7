// How long a decision lasts: see `InstanceMemory` and `WorkerMemory`. What is remembered goes with the transitions that
// brought it about, so that both are written or neither.

extension WorkerRoster {
    /// What is known of the time before this start of the agent.
    public struct Recovery: Sendable {
        public var memories: [InstanceMemory]
        public var workers: [WorkerMemory]
        /// This boot's, the kernel's from /proc/sys/kernel/random/boot_id.
        public var bootID: String
        /// Operations that had not ended.
        public var unfinishedOperations: [Operation]
        /// Runs of the agent before whose exits are not recorded, of each instance the older one first.
        public var survivors: [SurvivingRun]
        /// Whether somebody held the runs meanwhile, so that the agent was away for a moment only: then operations go on.
        public var isContinuation: Bool
        /// The newest recorded exit of each instance.
        public var lastExits: [ExitRecord]
        public var upgrade: UpgradeNews

        public init(
            memories: [InstanceMemory] = [],
            workers: [WorkerMemory] = [],
            bootID: String = "",
            unfinishedOperations: [Operation] = [],
            survivors: [SurvivingRun] = [],
            isContinuation: Bool = false,
            lastExits: [ExitRecord] = [],
            upgrade: UpgradeNews = .none
        ) {
            self.memories = memories
            self.workers = workers
            self.bootID = bootID
            self.unfinishedOperations = unfinishedOperations
            self.survivors = survivors
            self.isContinuation = isContinuation
            self.lastExits = lastExits
            self.upgrade = upgrade
        }
    }

    /// Tells what there is, and goes on where the agent before left off: starts what is wanted, by an operator's decision
    /// that still counts or by `autostart`. Once, before anything else.
    public mutating func begin(at now: Moment, after recovery: Recovery = Recovery()) {
        self.bootID = recovery.bootID
        let memories = Dictionary(recovery.memories.map { ($0.id, $0) }) { $1 }
        self.publish(.configured(self.specifications), at: now)
        let survivors = Dictionary(grouping: recovery.survivors) { $0.note.instance }
        for memory in recovery.workers {
            self.recoverCount(memory, survivors, at: now)
        }
        self.recoverVitalEnds(recovery.lastExits)
        let shutdown = recovery.isContinuation ? recovery.unfinishedOperations.last { $0.action == .shutdown } : nil
        for index in self.workers.flatMap(\.slots) {
            let id = self.slots[index].machine.id
            self.recover(index, memories[id], survivors[id] ?? [], isEnding: shutdown != nil, at: now)
        }
        for operation in recovery.unfinishedOperations where operation.action != .upgrade {
            if !recovery.isContinuation || !self.resume(operation, at: now) {
                self.publish(.operation(Self.aborted(operation, at: now)), at: now)
            }
        }
        self.goOnEnding(shutdown, recovery.lastExits, at: now)
        self.recoverUpgrade(recovery.unfinishedOperations, recovery.upgrade, at: now)
        self.endLeaving(at: now)
        self.endAbandoned(recovery.survivors, at: now)
        // Instances that are no more, of workers that there are. Should they come again, they begin anew.
        self.forgotten += memories.keys.filter { self.slotIndex[$0] == nil && self.workerIndex[$0.worker] != nil }
            .sorted()
        self.publish(.recovered, at: now)
        self.publishTouchedOperations(at: now)
    }

    private mutating func recover(
        _ index: Int,
        _ remembered: InstanceMemory?,
        _ survivors: [SurvivingRun],
        isEnding: Bool,
        at now: Moment
    ) {
        let memory = remembered?.counting(inBoot: self.bootID)
        let autostart = self.slots[index].machine.specification.autostart
        var text = autostart ? "autostart" : ""
        if let memory, memory.isDecided {
            self.slots[index].decision = Decision(desired: memory.desired, isPersistent: memory.isPersistent)
            text = memory.desired == .up ? "started by an operator before" : "stopped by an operator before"
        } else if let remembered, remembered.isDecided, remembered.desired != (autostart ? .up : .down) {
            let what = remembered.desired == .up ? "to start" : "to stop"
            text = "an operator's decision \(what) it is forgotten, because the system was started anew"
        }
        // What a shutdown had stopped stays so while it goes on.
        let isWanted = self.isWanted(index) && !isEnding
        if !survivors.isEmpty {
            self.adopt(survivors, at: index, memory, at: now)
            return
        }
        let action = self.slots[index].machine.recover(memory, isWanted: isWanted, at: now, using: &self.randomness)
        let before = self.slots[index].published
        self.apply(action, to: index, text: text, at: now)
        self.remember(index)
        if self.slots[index].published == before {
            self.publish(.instance(InstanceChange(from: .stopped, to: .stopped, status: before, text: text)), at: now)
        }
    }

    /// Why an operation of the agent before is `aborted`.
    static let endedBefore = "the agent ended before it was over"

    /// An operation that was under way when the agent died: nobody goes on with it.
    private static func aborted(_ operation: Operation, at now: Moment) -> Operation {
        var operation = operation
        operation.state = .aborted
        operation.finishedAt = now.wall
        operation.error = Self.endedBefore
        for index in operation.instances.indices {
            switch operation.instances[index].outcome {
            case .pending: operation.instances[index].outcome = .skipped
            case .inProgress: operation.instances[index].outcome = .aborted
            case .up, .finished, .stopped, .added, .removed, .unchanged, .signaled, .reset, .failed, .aborted, .skipped:
                break
            }
        }
        return operation
    }

    /// Takes note of what an operator wants. A shutdown is about the agent, and decides nothing about the workers.
    mutating func decide(_ index: Int, by action: OperationAction, isPersistent: Bool) {
        let desired: DesiredState
        switch action {
        case .start, .restart: desired = .up
        case .stop: desired = .down
        case .scale, .shutdown, .signal, .reset, .upgrade: return
        }
        let decision = Decision(desired: desired, isPersistent: isPersistent)
        guard decision != self.slots[index].decision else { return }
        self.slots[index].decision = decision
        self.remember(index)
    }

    /// Whether it is to be up, by an operator's decision or by `autostart`.
    func isWanted(_ index: Int) -> Bool {
        self.slots[index].decision.map { $0.desired == .up } ?? self.slots[index].machine.specification.autostart
    }

    mutating func remember(worker: Int) {
        guard !self.workers[worker].isToBeRemembered else { return }
        self.workers[worker].isToBeRemembered = true
        self.workersToBeRemembered.append(worker)
    }

    mutating func remember(_ index: Int) {
        guard !self.slots[index].isToBeRemembered else { return }
        self.slots[index].isToBeRemembered = true
        self.toBeRemembered.append(index)
    }

    /// Whether `takeMemories`, `takeWorkerMemories` or `takeForgotten` has something.
    public var hasMemories: Bool {
        !self.toBeRemembered.isEmpty || !self.workersToBeRemembered.isEmpty || !self.forgotten.isEmpty
    }

    /// What is to be remembered from now on of the workers about which something changed since the last call.
    public mutating func takeWorkerMemories(at now: Moment) -> [WorkerMemory] {
        defer { self.workersToBeRemembered.removeAll(keepingCapacity: true) }
        return self.workersToBeRemembered.map { worker in
            self.workers[worker].isToBeRemembered = false
            return WorkerMemory(
                worker: self.specifications[worker].name,
                count: self.workers[worker].count,
                configuredCount: self.specifications[worker].instances,
                isPersistent: self.workers[worker].isPersistent,
                bootID: self.bootID,
                updatedAt: now.wall
            )
        }
    }

    /// The instances of which nothing is to be remembered any more; one that came again since is among those of
    /// `takeMemories` as well, and that counts.
    public mutating func takeForgotten() -> [InstanceID] {
        defer { self.forgotten.removeAll(keepingCapacity: true) }
        return self.forgotten
    }

    /// What is to be remembered from now on of the instances about which something changed since the last call.
    public mutating func takeMemories(at now: Moment) -> [InstanceMemory] {
        defer { self.toBeRemembered.removeAll(keepingCapacity: true) }
        return self.toBeRemembered.compactMap { index in
            // Its instance has gone, or one that came since is in the list once more.
            guard self.slots[index].isPresent, self.slots[index].isToBeRemembered else { return nil }
            self.slots[index].isToBeRemembered = false
            let slot = self.slots[index]
            let autostart: DesiredState = slot.machine.specification.autostart ? .up : .down
            return slot.machine.memory(
                desired: slot.decision?.desired ?? autostart,
                isDecided: slot.decision != nil,
                isPersistent: slot.decision?.isPersistent ?? false,
                bootID: self.bootID,
                at: now
            )
        }
    }
}
