import Supervision

/// What the history would hold for the agent's next life.
struct RosterMemory {
    private(set) var instances: [InstanceID: InstanceMemory] = [:]
    private(set) var workers: [String: WorkerMemory] = [:]

    mutating func take(from roster: inout WorkerRoster, at now: Moment) {
        for id in roster.takeForgotten() {
            self.instances[id] = nil
        }
        for memory in roster.takeMemories(at: now) {
            self.instances[memory.id] = memory
        }
        for memory in roster.takeWorkerMemories(at: now) {
            self.workers[memory.worker] = memory
        }
    }

    /// For a life that begins now.
    func recovery(bootID: String = "") -> WorkerRoster.Recovery {
        WorkerRoster.Recovery(
            memories: Array(self.instances.values),
            workers: Array(self.workers.values),
            bootID: bootID
        )
    }
}
