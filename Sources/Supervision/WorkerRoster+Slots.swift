// Instances come and go. Each has a slot, whose place in the list of all slots never changes while the instance is there:
// steps of operations refer to it. A slot whose instance has gone is vacant, and the next instance that comes, of
// whatever worker, takes it.

extension WorkerRoster {
    struct Slot: Sendable {
        var machine: InstanceStateMachine
        /// As it was published last.
        var published: InstanceStatus
        var timer: MonotonicInstant?
        /// Active operations with a step on this instance, oldest first.
        var operations: [OperationID] = []
        /// What an operator decided last; `nil` while `autostart` decides.
        var decision: Decision?
        /// How its last run ended, of a vital worker.
        var vitalEnd: VitalEnd?
        /// As it was announced last.
        var announced: RunNote?
        /// Whether something about it changed since it was remembered.
        var isToBeRemembered = false
        /// Whether it goes as soon as nothing of it is left.
        var isLeaving = false
        /// Whether there is an instance in it; what else stands in a vacant slot says nothing.
        var isPresent = true

        init(_ id: InstanceID, _ specification: WorkerSpecification) {
            self.machine = InstanceStateMachine(id: id, specification: specification)
            self.published = InstanceStatus(id: id)
        }
    }

    struct Decision: Equatable, Sendable {
        var desired: DesiredState
        /// Whether it outlives a reboot.
        var isPersistent: Bool
    }

    /// What is known of a worker beside its instances.
    struct Worker: Sendable {
        /// Of those instances that there are, in the order of their indices.
        var slots: [Int] = []
        /// How many instances it is to have: the configuration's number, or an operator's. There are more while some leave.
        var count: Int
        /// Whether that is an operator's number, and whether it outlives a reboot.
        var isScaled = false
        var isPersistent = false
        /// Active operations that name it, oldest first; they hold it, whether it has instances or not.
        var operations: [OperationID] = []
        /// Whether something about it changed since it was remembered.
        var isToBeRemembered = false

        init(_ specification: WorkerSpecification) {
            self.count = specification.instances
        }
    }

    /// The slots of a worker that an action is about, or one of them; `nil` when there is no such instance. One that
    /// leaves can be told to end, and nothing else.
    func slots(of worker: Int, instance: Int?, for action: OperationAction) -> [Int]? {
        let takesLeaving = action.endsRuns || action == .signal
        guard let instance else {
            return self.workers[worker].slots.filter { takesLeaving || !self.slots[$0].isLeaving }
        }
        let id = InstanceID(worker: self.specifications[worker].name, index: instance)
        guard let slot = self.slotIndex[id], takesLeaving || !self.slots[slot].isLeaving else { return nil }
        return [slot]
    }

    /// Adds an instance, which is stopped.
    @discardableResult
    mutating func addInstance(_ index: Int, to worker: Int) -> Int {
        let specification = self.specifications[worker]
        let id = InstanceID(worker: specification.name, index: index)
        let slot: Int
        if let vacant = self.vacantSlots.popLast() {
            slot = vacant
            self.slots[slot] = Slot(id, specification)
        } else {
            slot = self.slots.count
            self.slots.append(Slot(id, specification))
        }
        self.slotIndex[id] = slot
        self.workers[worker].slots.insert(slot, at: self.place(of: index, in: worker))
        return slot
    }

    /// Adds the slot of an instance that has gone already, for a step of an operation that goes on.
    mutating func addVacantSlot(_ id: InstanceID, _ worker: Int) -> Int {
        var slot = Slot(id, self.specifications[worker])
        slot.isLeaving = true
        slot.isPresent = false
        self.slots.append(slot)
        self.vacantSlots.append(self.slots.count - 1)
        return self.slots.count - 1
    }

    /// Removes an instance, of which nothing is left. What operations say of it stays.
    mutating func removeInstance(in slot: Int) {
        let id = self.slots[slot].machine.id
        guard let worker = self.workerIndex[id.worker] else { return }
        self.slotIndex[id] = nil
        let place = self.place(of: id.index, in: worker)
        self.workers[worker].slots.remove(at: place)
        self.slots[slot].isPresent = false
        self.slots[slot].operations = []
        self.vacantSlots.append(slot)
    }

    /// Where an instance stands among those of its worker, or would stand; found by halves, as thousands may go at once in any order.
    private func place(of index: Int, in worker: Int) -> Int {
        var low = 0
        var high = self.workers[worker].slots.count
        while low < high {
            let middle = (low + high) / 2
            if self.slots[self.workers[worker].slots[middle]].machine.id.index < index {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }
}
