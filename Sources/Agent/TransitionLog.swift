import Logging
import Supervision

/// The projection of the stream of transitions that people read in the agent's log.
struct TransitionLog: Sendable {
    let logger: Logger

    init(logger: Logger) {
        self.logger = logger
    }

    /// Writes a line for each transition, which `reduced` has let pass.
    func apply(_ transitions: [Transition]) {
        for transition in transitions {
            switch transition.change {
            case .configured(let workers):
                let instances = workers.reduce(0) { $0 + $1.instances }
                self.logger.info("configured", metadata: ["workers": "\(workers.count)", "instances": "\(instances)"])
            case .instance(let change): self.log(change)
            case .exit(let record): self.log(record)
            case .operation(let operation): self.log(operation)
            case .recovered: self.logger.info("ready")
            case .scaled(let change): self.log(change)
            case .removed(let id, _): self.logger.info("removed", metadata: ["instance": "\(id)"])
            case .shuttingDown(let requestedBy, let reason):
                var metadata: Logger.Metadata = ["requested_by": "\(requestedBy)"]
                if let reason {
                    metadata["reason"] = "\(reason)"
                }
                self.logger.notice("shutting down", metadata: metadata)
            }
        }
    }

    /// What of a transition is needed for its line; `nil` for one that has none.
    static func reduced(_ transition: Transition) -> Transition? {
        switch transition.change {
        case .instance(let change): return change.from == change.to ? nil : transition
        case .operation(var operation):
            guard operation.finishedAt != nil else { return nil }
            operation.instances = []
            var transition = transition
            transition.change = .operation(operation)
            return transition
        case .configured, .scaled, .removed, .exit, .recovered, .shuttingDown: return transition
        }
    }

    private func log(_ change: InstanceChange) {
        var metadata: Logger.Metadata = ["instance": "\(change.status.id)", "from": "\(change.from.rawValue)"]
        if let pid = change.status.pid {
            metadata["pid"] = "\(pid)"
        }
        if change.to == .failed {
            self.logger.error("failed", metadata: metadata)
        } else {
            self.logger.info("\(change.to.rawValue)", metadata: metadata)
        }
    }

    private func log(_ change: ScaleChange) {
        let metadata: Logger.Metadata = [
            "worker": "\(change.worker)", "from": "\(change.from)", "to": "\(change.to)", "why": "\(change.text)",
        ]
        self.logger.notice("scaled", metadata: metadata)
    }

    private func log(_ record: ExitRecord) {
        var metadata: Logger.Metadata = [
            "instance": "\(record.instance)", "seq": "\(record.seq)", "run_id": "\(record.runID)",
            "cause": "\(record.cause.rawValue)", "how": "\(record.sentence)",
        ]
        if let status = record.waitStatus {
            metadata["wait_status"] = "\(status.rawValue)"
        }
        if let pid = record.pid {
            metadata["pid"] = "\(pid)"
        }
        let isExpected = record.cause == .finished || record.cause == .stopped
        self.logger.log(level: isExpected ? .info : .warning, "exit", metadata: metadata)
    }

    private func log(_ operation: Operation) {
        var metadata: Logger.Metadata = [
            "id": "\(operation.id)", "action": "\(operation.action.rawValue)", "state": "\(operation.state.rawValue)",
            "workers": "\(operation.workers.joined(separator: ","))", "requested_by": "\(operation.requestedBy)",
        ]
        if let reason = operation.reason {
            metadata["reason"] = "\(reason)"
        }
        if let error = operation.error {
            metadata["error"] = "\(error)"
        }
        self.logger.log(level: operation.state == .failed ? .warning : .notice, "operation", metadata: metadata)
    }
}
