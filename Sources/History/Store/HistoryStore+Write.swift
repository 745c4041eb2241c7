internal import Supervision

/// What is written in one transaction.
struct WriteGroup {
    /// With their numbers, in order.
    var transitions: [Transition] = []
    /// What is to be remembered of instances; the last one of each counts.
    var memories: [InstanceID: InstanceMemory] = [:]
    var workers: [String: WorkerMemory] = [:]
    var forgotten: Set<InstanceID> = []
    /// Whether it is to be on the disk before it counts as written, and so survives a loss of power.
    var isSynced = false

    var isEmpty: Bool {
        self.transitions.isEmpty && !self.hasMemories
    }

    /// Whether there is anything to be remembered or forgotten.
    var hasMemories: Bool {
        !self.memories.isEmpty || !self.workers.isEmpty || !self.forgotten.isEmpty
    }

    mutating func add(
        memories: [InstanceMemory],
        workers: [WorkerMemory],
        forgotten: [InstanceID],
        isSynced: Bool
    ) {
        for id in forgotten {
            self.memories[id] = nil
            self.forgotten.insert(id)
        }
        for memory in memories {
            self.forgotten.remove(memory.id)
            self.memories[memory.id] = memory
        }
        for memory in workers {
            self.workers[memory.worker] = memory
        }
        self.isSynced = self.isSynced || isSynced
    }
}

extension HistoryStore {
    /// Writes all of the group, or nothing of it. What is there already, from a commit whose success was not told, is left
    /// as it is.
    func write(_ group: WriteGroup) throws(SQLiteError) {
        guard !group.isEmpty else { return }
        var written: [String] = []
        var transitions = 0
        var operations: [OperationID: Operation] = [:]
        var order: [OperationID] = []
        if group.isSynced {
            try self.connection.run("PRAGMA synchronous = FULL")
        }
        defer {
            if group.isSynced {
                // Cannot fail outside a transaction; and if it did, commits would be slower, not wrong.
                _ = try? self.connection.run("PRAGMA synchronous = NORMAL")
            }
        }
        do throws(SQLiteError) {
            try self.connection.transaction { () throws(SQLiteError) in
                for transition in group.transitions {
                    switch transition.change {
                    case .exit(let record):
                        if try self.insert(record) {
                            written.append(record.instance.worker)
                        }
                    case .operation(let operation):
                        if operations.updateValue(operation, forKey: operation.id) == nil {
                            order.append(operation.id)
                        }
                    case .configured, .instance, .scaled, .removed, .recovered, .shuttingDown: break
                    }
                    transitions += try self.insert(TransitionRecord(transition))
                }
                for id in order {
                    // An operation changes many times while it runs; only how it is at the end of the group matters.
                    if let operation = operations[id] {
                        try self.save(operation)
                    }
                }
                try self.save(group.memories.values, forgetting: group.forgotten)
                for memory in group.workers.values {
                    try self.connection.run(WorkerMemory.upsert) { memory.bind(to: $0) }
                }
            }
        } catch {
            // What they say was written was taken back.
            self.writtenOperations.removeAll()
            throw error
        }
        for worker in written {
            self.exitCounts[worker, default: 0] += 1
            self.grownWorkers.insert(worker)
        }
        self.exitCount += written.count
        self.transitionCount += transitions
        for operation in operations.values {
            self.writtenOperations[operation.id] = operation.finishedAt == nil ? operation : nil
        }
    }

    /// Answers whether it was not there yet.
    private func insert(_ record: ExitRecord) throws(SQLiteError) -> Bool {
        let count = try self.connection.run(ExitRow.insertOrIgnore) { ExitRow.bind(record, to: $0) }
        guard count == 0 else { return true }
        guard try self.seq(ofRun: record.runID) == record.seq else {
            throw SQLiteError(
                extendedCode: SQLiteError.constraint,
                message: "the exit \(record.seq) is there already, of another run"
            )
        }
        return false
    }

    private func insert(_ record: TransitionRecord) throws(SQLiteError) -> Int {
        try self.connection.run(TransitionRecord.insertOrIgnore) { record.bind(to: $0) }
    }

    private func save(
        _ memories: some Collection<InstanceMemory>,
        forgetting forgotten: Set<InstanceID>
    ) throws(SQLiteError) {
        for memory in memories {
            try self.connection.run(InstanceMemory.upsert) { memory.bind(to: $0) }
        }
        for id in forgotten {
            try self.connection.run("DELETE FROM worker_state WHERE worker = ? AND instance = ?") {
                $0.bind(id.worker)
                $0.bind(id.index)
            }
        }
    }
}
