@testable import Supervision

extension RosterModel {
    func check(_ operation: Operation, after last: Operation?) throws(Violation) {
        let id = operation.id
        let isOver =
            switch operation.state {
            case .pending, .running: false
            case .succeeded, .failed, .aborted: true
            }
        guard (operation.finishedAt != nil) == isOver else {
            throw Violation(
                "operation \(id): \(operation.state), finished at \(String(describing: operation.finishedAt))"
            )
        }
        if let last {
            guard last != operation else { throw Violation("operation \(id): published twice as it is") }
            guard !last.changed || operation.changed else { throw Violation("operation \(id): unchanged again") }
            for (before, after) in zip(last.instances, operation.instances) {
                try Self.check(after, after: before)
            }
        }
        for instance in operation.instances {
            guard instance.transcript.count <= WorkerRoster.maximumTranscript else {
                throw Violation("operation \(id): a transcript of \(instance.transcript.count) lines")
            }
            guard isOver || operation.state == .running else { throw Violation("operation \(id): pending") }
            if isOver, instance.outcome == .pending || instance.outcome == .inProgress {
                throw Violation("operation \(id): \(operation.state), \(instance.instance) \(instance.outcome)")
            }
        }
        try self.checkOutcomes(of: operation)
        if operation.action == .restart {
            try Self.checkRolling(operation)
        }
    }

    /// After an instance that did not come up, no other of its worker has its turn.
    private static func checkRolling(_ operation: Operation) throws(Violation) {
        var failed: String?
        for instance in operation.instances {
            switch instance.outcome {
            case .failed: failed = instance.instance.worker
            case .pending, .skipped: break
            case .inProgress, .up, .finished, .stopped, .added, .removed, .unchanged, .signaled, .reset, .aborted:
                guard failed != instance.instance.worker else {
                    throw Violation("operation \(operation.id): went on after a failure")
                }
            }
        }
    }

    private static func check(_ after: OperationInstance, after before: OperationInstance) throws(Violation) {
        switch before.outcome {
        case .pending, .inProgress: break
        case .up, .finished, .stopped, .added, .removed, .unchanged, .signaled, .reset, .failed, .aborted, .skipped:
            guard after == before else { throw Violation("\(after.instance): \(before.outcome) was not its end") }
        }
        if let run = before.newRunID, after.newRunID != run {
            throw Violation("\(after.instance): another new run")
        }
        guard after.transcript.starts(with: before.transcript) else {
            throw Violation("\(after.instance): its transcript was rewritten")
        }
    }

    private func checkOutcomes(of operation: Operation) throws(Violation) {
        let outcomes = Set(operation.instances.map(\.outcome))
        let good: Set<OperationInstance.Outcome> =
            switch operation.action {
            case .start: [.up, .finished, .unchanged]
            case .restart: [.up, .finished]
            case .scale: [.up, .finished, .added, .removed]
            case .stop, .shutdown: [.stopped, .unchanged]
            case .signal: [.signaled, .unchanged]
            case .reset: [.reset, .unchanged]
            case .upgrade: []
            }
        let isRight: Bool
        switch operation.state {
        case .pending, .running: isRight = outcomes.isSubset(of: good.union([.pending, .inProgress, .failed]))
        case .succeeded: isRight = outcomes.isSubset(of: good) && operation.error == nil
        case .failed where operation.action == .upgrade:
            isRight = outcomes.isEmpty && !operation.changed && operation.error != nil
        case .failed:
            let startsRuns = [.start, .restart, .scale].contains(operation.action)
            let others: Set<OperationInstance.Outcome> = operation.action == .restart ? [.failed, .skipped] : [.failed]
            isRight =
                startsRuns && outcomes.contains(.failed) && outcomes.isSubset(of: good.union(others))
                && operation.error != nil
        case .aborted:
            let by = operation.abortedBy
            isRight =
                operation.action != .stop && operation.action != .shutdown && by != nil && by != operation.id
                && outcomes.isSubset(of: good.union([.failed, .aborted, .skipped])) && operation.error != nil
        }
        guard isRight else {
            throw Violation("operation \(operation.id): \(operation.action) \(operation.state) with \(outcomes)")
        }
        if operation.finishedAt != nil, !operation.changed, !outcomes.isSubset(of: [.unchanged, .skipped, .aborted]) {
            throw Violation("operation \(operation.id): changed nothing, with \(outcomes)")
        }
        for instance in operation.instances where instance.outcome == .failed {
            if let exit = instance.exitRunID, exit != instance.newRunID || self.exits[exit] == nil {
                throw Violation("\(instance.instance): failed by the exit of another run")
            }
        }
    }

    mutating func check(
        _ submission: OperationSubmission,
        of request: OperationRequest,
        isEnding: Bool
    ) throws(Violation) {
        let isRight: Bool
        switch submission {
        case .accepted(let operation, _):
            isRight = self.operations[operation.id] == operation && operation.action == request.action
            self.scales[operation.id] = request.count
            if request.action == .scale, self.counts[request.workers[0]] != request.count {
                throw Violation("\(request.workers) do not have the number that was asked for")
            }
        case .joined(let operation, _):
            // A shutdown is a stop of everything.
            let isSame = operation.action == request.action
            isRight =
                self.active.contains(operation.id) && self.scales[operation.id] == request.count
                && (isSame || operation.action == .shutdown && request.action == .stop)
        case .conflict(let worker, let operation):
            isRight =
                self.active.contains(operation.id) && operation.workers.contains(worker)
                && [.start, .restart, .scale].contains(request.action)
        case .unknownWorker(let name): isRight = self.specifications[name] == nil
        case .unknownInstance(let id, let count):
            isRight = self.counts[id.worker] == count && (self.statuses[id] == nil || id.index >= count)
        case .refused:
            let port = self.specifications[request.workers[0]]?.basePort
            isRight = port.map { $0 + (request.count ?? 0) - 1 > 65_535 } ?? false
        case .noProcess: isRight = request.action == .signal
        case .busy: isRight = isEnding
        }
        guard isRight else { throw Violation("\(request) is answered by \(submission)") }
    }
}
