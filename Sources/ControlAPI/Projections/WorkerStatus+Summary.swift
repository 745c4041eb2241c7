internal import Supervision

extension WorkerStatus {
    /// The state that all instances share; those that run and those that have finished are running together. Anything
    /// else is degraded.
    var state: String {
        let states = Set(self.instances.map(\.status.state))
        if states.count == 1, let state = states.first {
            return state.rawValue
        }
        if states.isEmpty {
            return InstanceState.stopped.rawValue
        }
        return states == [.running, .finished] ? InstanceState.running.rawValue : "degraded"
    }

    var desired: DesiredState {
        self.instances.contains { $0.status.desired == .up } ? .up : .down
    }

    /// The worst of the instances.
    var health: Health {
        let all = Set(self.instances.map(\.status.health))
        return [Health.failing, .unknown, .passing].first { all.contains($0) } ?? .none
    }

    /// The instances that are wanted and not up.
    var unready: [InstanceStatus] {
        self.instances.map(\.status).filter { status in
            status.desired == .up && status.state != .running && status.state != .finished
        }
    }

    /// Sentences that say in what the worker is not as it should be; empty when it is.
    func deviations(_ circumstances: Circumstances) -> [String] {
        var sentences = self.unready.map { "\($0.id) \(Self.predicate($0.state))" }
        sentences += self.instances.map(\.status).filter { $0.health == .failing }.map {
            "\($0.id) fails its health check"
        }
        sentences += self.instances.map(\.status).filter { $0.desired == .down && $0.state == .stopping }.map {
            "\($0.id) is stopping"
        }
        // Before the recovery is over nothing was asked for yet, and at the agent's end nobody wants anything to be up.
        if self.specification.autostart, circumstances.isRecovered, !circumstances.isShuttingDown {
            // What is one too many only ends.
            let down = self.instances.map(\.status).filter { $0.desired == .down && $0.id.index < self.count }
            if !down.isEmpty, down.count == self.count {
                sentences.append("stopped by an operator though autostart is on")
            } else {
                sentences += down.map { "\($0.id) was stopped by an operator though autostart is on" }
            }
        }
        if self.count != self.specification.instances {
            let instances = self.count == 1 ? "1 instance" : "\(self.count) instances"
            sentences.append(
                "scaled by an operator to \(instances); the configuration says \(self.specification.instances)"
            )
        }
        return sentences
    }

    static func predicate(_ state: InstanceState) -> String {
        switch state {
        case .stopped: "is stopped"
        case .waiting: "waits for another worker"
        case .starting: "is starting"
        case .running: "is running"
        case .stopping: "is stopping"
        case .backoff: "is in backoff"
        case .finished: "has finished"
        case .failed: "has failed"
        }
    }
}
