extension InstanceStateMachine {
    /// The public state: many internal ones, few outside, this one function between them.
    public var publicState: InstanceState {
        switch self.state {
        case .stopped: .stopped
        case .spawning(_, nil): .starting
        case .spawning(_, .some): .stopping
        case .running: .running
        case .stopping: .stopping
        case .clearing: .stopping
        case .backoff: .backoff
        case .finished: .finished
        case .failed: .failed
        }
    }

    /// How the instance is now, but for the operation that holds it.
    public var status: InstanceStatus {
        var status = InstanceStatus(id: self.id)
        status.state = self.publicState
        status.desired = self.desired
        status.consecutiveFailures = self.consecutiveFailures
        status.starts = self.starts
        status.restarts = self.restarts
        switch self.state {
        case .spawning(let run, _), .clearing(let run, _):
            status.runID = run.id
            status.startedAt = run.startedAt.wall
        case .running(let run):
            status.fill(from: run)
            status.ready = true
        case .stopping(let run, let ending):
            status.fill(from: run)
            if ending.mainProcessEnded {
                status.pid = nil
            }
        case .backoff(let backoff): status.nextStartAt = backoff.until.wall
        case .failed(let retryAt): status.nextStartAt = retryAt?.wall
        case .stopped, .finished: break
        }
        return status
    }

    /// The run that exists or is being created; `nil` when nothing of any is left.
    public var runID: RunID? {
        switch self.state {
        case .spawning(let run, _), .running(let run), .stopping(let run, _), .clearing(let run, _): run.id
        case .stopped, .backoff, .finished, .failed: nil
        }
    }

    /// Whether the run's main process is up and nothing asked it to end.
    public var isUp: Bool {
        if case .running = self.state { true } else { false }
    }
}

extension InstanceStatus {
    fileprivate mutating func fill(from run: InstanceStateMachine.Run) {
        self.pid = run.pid
        self.runID = run.id
        self.startedAt = run.startedAt.wall
        self.readyAt = run.readyAt
    }
}
