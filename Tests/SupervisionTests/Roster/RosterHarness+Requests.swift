import Supervision

extension InstanceID {
    static func web(_ index: Int) -> InstanceID { InstanceID(worker: "web", index: index) }
    static func db(_ index: Int) -> InstanceID { InstanceID(worker: "db", index: index) }
}

extension OperationRequest {
    static func web(_ action: OperationAction, _ change: (inout OperationRequest) -> Void = { _ in }) -> Self {
        var request = OperationRequest(action: action, workers: ["web"], requestedBy: "uid:0")
        change(&request)
        return request
    }
}

extension OperationSubmission {
    /// The operation that was accepted.
    var accepted: Operation? {
        if case .accepted(let operation, _) = self { operation } else { nil }
    }

    var joined: Operation? {
        if case .joined(let operation, _) = self { operation } else { nil }
    }

    var budget: Duration? {
        switch self {
        case .accepted(_, let budget), .joined(_, let budget): budget
        case .conflict, .unknownWorker, .unknownInstance, .refused, .noProcess, .busy: nil
        }
    }
}

extension RosterHarness {
    /// A roster that has begun, whose `web` has so many instances.
    static func begun(
        instances: Int = 1,
        _ change: (inout WorkerSpecification) -> Void = { _ in }
    ) throws(Violation) -> RosterHarness {
        var web = WorkerSpecification.web(change)
        web.instances = instances
        var harness = RosterHarness([web])
        try harness.begin()
        return harness
    }

    /// The same, and every instance is up.
    static func running(
        instances: Int = 1,
        _ change: (inout WorkerSpecification) -> Void = { _ in }
    ) throws(Violation) -> RosterHarness {
        var harness = try Self.begun(instances: instances, change)
        try harness.bringAllUp()
        return harness
    }

    /// The newest snapshot of an operation.
    func operation(_ id: OperationID) -> Operation? {
        self.model.operations[id]
    }

    /// What became of each instance.
    func outcomes(_ id: OperationID) -> [OperationInstance.Outcome] {
        self.operation(id)?.instances.map(\.outcome) ?? []
    }

    /// The lines of an instance's transcript.
    func transcript(_ id: OperationID, _ index: Int = 0) -> [String] {
        self.operation(id)?.instances[index].transcript.map(\.text) ?? []
    }

    /// All effects so far.
    var effects: [Effect] {
        var all: [Effect] = []
        for case .effects(let effects) in self.log {
            all += effects
        }
        return all
    }
}
