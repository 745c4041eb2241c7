import Logging
import Supervision

/// The projection of the stream of transitions that people read in the agent's log.
struct TransitionLog: Sendable {
    let logger: Logger

    init(logger: Logger) {
        self.logger = logger
    }

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
            case .shuttingDown(let requestedBy):
                self.logger.notice("shutting down", metadata: ["requested_by": "\(requestedBy)"])
            }
        }
    }

    private func log(_ change: InstanceChange) {
        guard change.from != change.to else { return }
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

    private func log(_ record: ExitRecord) {
        var metadata: Logger.Metadata = [
            "instance": "\(record.instance)", "seq": "\(record.seq)", "run_id": "\(record.runID)",
            "cause": "\(record.cause.rawValue)", "how": "\(record.summary)",
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
        guard operation.finishedAt != nil else { return }
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
