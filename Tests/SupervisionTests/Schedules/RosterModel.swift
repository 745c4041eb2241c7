import Supervision

/// What everybody outside sees of a roster, kept beside it, so that a contradiction is noticed at once.
struct RosterModel {
    let specifications: [String: WorkerSpecification]
    private(set) var statuses: [InstanceID: InstanceStatus] = [:]
    /// How many instances each worker is to have.
    private(set) var counts: [String: Int] = [:]
    /// What the scales that were accepted were asked for.
    var scales: [OperationID: Int] = [:]
    /// Recorded exits, by run.
    private(set) var exits: [RunID: ExitRecord] = [:]
    private(set) var lastExits: [InstanceID: ExitRecord] = [:]
    /// The newest snapshot of each operation.
    private(set) var operations: [OperationID: Operation] = [:]
    private(set) var active: Set<OperationID> = []
    var isShuttingDown = false
    /// The end that a vital worker's shutdown is about.
    var vitalEnd: ExitRecord?
    private var nextTransition: Int64 = 1
    private var spawned: Set<RunID> = []
    /// The end that is being told, until its record comes.
    private var expected: (run: SimulatedRun, ended: InstanceStateMachine.Ended?)?
    /// Automatic restarts since the restart window was forgotten for certain.
    var admitted: [InstanceID: [MonotonicInstant]] = [:]
    private var recordedInCall: [ExitRecord] = []

    init(_ specifications: [WorkerSpecification]) {
        self.specifications = Dictionary(uniqueKeysWithValues: specifications.map { ($0.name, $0) })
        for specification in specifications {
            self.counts[specification.name] = specification.instances
            for index in 0..<specification.instances {
                let id = InstanceID(worker: specification.name, index: index)
                self.statuses[id] = InstanceStatus(id: id)
            }
        }
    }

    // MARK: What the harness tells

    mutating func spawned(_ id: InstanceID, _ run: RunID) {
        self.spawned.insert(run)
    }

    mutating func submitted(_ request: OperationRequest) {
        guard request.action == .reset else { return }
        for id in self.admitted.keys where request.workers.contains(id.worker) {
            self.admitted[id] = []
        }
    }

    /// `ended` is `nil` for a start that failed.
    mutating func expectsExit(of run: SimulatedRun, as ended: InstanceStateMachine.Ended?) {
        self.expected = (run, ended)
    }

    mutating func ended(_ id: OperationID, _ exitStatus: UInt8) throws(Violation) {
        guard let operation = self.operations[id], operation.action == .shutdown, operation.state == .succeeded else {
            throw Violation("ended by operation \(id), which is no shutdown that succeeded")
        }
        guard self.statuses.values.allSatisfy({ $0.state == .stopped }) else {
            throw Violation("ended, and not everything is stopped")
        }
        try self.check(exitStatus, of: operation)
    }

    mutating func endOfCall(at now: Moment) throws(Violation) {
        if let expected {
            throw Violation("\(expected.run.instance): the end of run \(expected.run.id) was not recorded")
        }
        for status in self.statuses.values {
            if let id = status.operationID, !self.active.contains(id) {
                throw Violation("\(status.id): held by operation \(id), which is not active")
            }
        }
        for record in self.recordedInCall {
            try self.checkDecision(of: record)
        }
        try self.checkCounts()
        try self.checkVital()
        self.recordedInCall.removeAll(keepingCapacity: true)
    }

    // MARK: What the roster publishes

    mutating func see(_ transition: Transition, runs: [RunID: SimulatedRun]) throws(Violation) {
        guard transition.id == self.nextTransition else {
            throw Violation("transition \(transition.id) follows \(self.nextTransition - 1)")
        }
        self.nextTransition += 1
        switch transition.change {
        case .configured:
            guard transition.id == 1 else { throw Violation("configured is not the first transition") }
        case .scaled(let change): try self.see(change)
        case .removed(let id, _): try self.see(removed: id, runs: runs)
        case .recovered: break
        case .shuttingDown(let requestedBy, _): try self.see(shutdownBy: requestedBy)
        case .instance(let change): try self.see(change, runs: runs)
        case .exit(let record): try self.see(record, at: transition.at)
        case .operation(let operation): try self.see(operation, runs: runs)
        }
    }

    private mutating func see(_ change: InstanceChange, runs: [RunID: SimulatedRun]) throws(Violation) {
        let status = change.status
        let id = status.id
        guard let last = self.statuses[id] else { throw Violation("\(id): nobody knows it") }
        guard change.from == last.state, change.to == status.state else {
            throw Violation("\(id): \(change.from) to \(change.to), but it was \(last.state)")
        }
        guard Self.isAllowed(from: change.from, to: change.to) else {
            throw Violation("\(id): \(change.from) may not become \(change.to)")
        }
        try Self.checkShape(of: status)
        guard status.starts >= last.starts, status.restarts >= last.restarts else {
            throw Violation("\(id): its counters go back")
        }
        if status.starts - last.starts > 1 {
            throw Violation("\(id): two starts in one change")
        }
        let isGone = runs.values.allSatisfy { $0.instance != id || $0.isGone }
        switch status.state {
        case .stopped, .backoff, .finished, .failed, .waiting:
            guard isGone else { throw Violation("\(id): \(status.state), and a process of it is left") }
        case .starting, .running, .stopping: break
        }
        if let run = change.exitRunID, self.exits[run] == nil {
            throw Violation("\(id): names an exit that nobody recorded")
        }
        if status.starts > last.starts, status.restarts == last.restarts || last.state == .failed {
            self.admitted[id] = []
        }
        self.statuses[id] = status
    }

    private static func isAllowed(from: InstanceState, to: InstanceState) -> Bool {
        if from == to { return true }
        return switch (from, to) {
        case (.stopped, .starting), (.finished, .starting), (.failed, .starting), (.backoff, .starting): true
        case (.backoff, .stopped), (.finished, .stopped), (.failed, .stopped): true
        case (.starting, .running), (.starting, .stopping): true
        case (.starting, .backoff), (.starting, .finished), (.starting, .failed): true
        case (.running, .stopping), (.running, .starting), (.running, .backoff): true
        case (.running, .finished), (.running, .failed): true
        case (.stopping, .stopped), (.stopping, .starting), (.stopping, .backoff): true
        case (.stopping, .finished), (.stopping, .failed): true
        default: false
        }
    }

    private static func checkShape(of status: InstanceStatus) throws(Violation) {
        let id = status.id
        let hasRun =
            switch status.state {
            case .starting, .running, .stopping: true
            case .stopped, .waiting, .backoff, .finished, .failed: false
            }
        guard (status.runID != nil) == hasRun, (status.startedAt != nil) == hasRun else {
            throw Violation("\(id): \(status.state) with run \(String(describing: status.runID))")
        }
        guard status.ready == (status.state == .running) else { throw Violation("\(id): ready in \(status.state)") }
        switch status.state {
        case .running:
            guard status.pid != nil else { throw Violation("\(id): running without a pid") }
        case .stopping: break
        case .starting, .stopped, .waiting, .backoff, .finished, .failed:
            guard status.pid == nil else { throw Violation("\(id): \(status.state) with a pid") }
        }
        switch status.state {
        case .backoff:
            guard status.nextStartAt != nil else { throw Violation("\(id): backoff without a next start") }
        case .failed: break
        case .starting, .running, .stopping, .stopped, .waiting, .finished:
            guard status.nextStartAt == nil else { throw Violation("\(id): \(status.state) with a next start") }
        }
        switch (status.state, status.desired) {
        case (.stopped, .up), (.starting, .down), (.running, .down), (.backoff, .down), (.finished, .down),
            (.failed, .down), (.waiting, _):
            throw Violation("\(id): \(status.state) and wanted \(status.desired)")
        case (.stopped, .down), (.starting, .up), (.running, .up), (.backoff, .up), (.finished, .up), (.failed, .up),
            (.stopping, _):
            break
        }
    }

    // MARK: Instances

    mutating func setCount(of worker: String, to count: Int) {
        self.counts[worker] = count
    }

    mutating func add(_ id: InstanceID) {
        self.statuses[id] = InstanceStatus(id: id)
        self.admitted[id] = []
    }

    mutating func remove(_ id: InstanceID) {
        self.statuses[id] = nil
    }

    // MARK: Exits

    private mutating func see(_ record: ExitRecord, at: Timestamp) throws(Violation) {
        let id = record.instance
        guard let (run, ended) = self.expected, run.id == record.runID, run.instance == id else {
            throw Violation("\(id): a record of run \(record.runID), whose end was not told")
        }
        self.expected = nil
        guard self.spawned.contains(run.id), self.exits[run.id] == nil else {
            throw Violation("\(id): run \(run.id) is recorded twice, or never was")
        }
        self.exits[run.id] = record
        self.lastExits[id] = record
        self.recordedInCall.append(record)
        guard let status = self.statuses[id] else { throw Violation("\(id): nobody knows it") }
        try self.checkFacts(of: record, run, ended, at: at)
        try self.checkCause(of: record, ended, wasAsked: status.state == .stopping)
        try self.checkFailures(of: record, before: status)
    }

    // MARK: Operations

    private mutating func see(_ operation: Operation, runs: [RunID: SimulatedRun]) throws(Violation) {
        let last = self.operations[operation.id]
        if last?.finishedAt != nil {
            throw Violation("operation \(operation.id): published after its end")
        }
        try self.check(operation, after: last)
        self.operations[operation.id] = operation
        guard operation.finishedAt != nil else {
            self.active.insert(operation.id)
            return
        }
        self.active.remove(operation.id)
        if operation.state == .succeeded, operation.action == .stop || operation.action == .shutdown {
            for instance in operation.instances.map(\.instance) {
                // What was one too many may be no more.
                guard let status = self.statuses[instance] else { continue }
                guard status.state == .stopped, status.desired == .down,
                    runs.values.allSatisfy({ $0.instance != instance || $0.isGone })
                else { throw Violation("\(instance): stopped, and it is not") }
            }
        }
    }
}
