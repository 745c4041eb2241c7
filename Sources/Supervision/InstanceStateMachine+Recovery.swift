// What an instance goes on with after the death of the agent, or after its orderly end.
//
// An orderly end stops every instance, so that what is remembered of it is `stopped`: it is started anew, if it is wanted.
// After a death it is remembered as it was: a job that had finished is not run again, a backoff goes on to its end, and
// what was given up stays so. Counters, failures and the restart limit go on in both cases.

extension InstanceStateMachine {
    /// Begins where the instance was before. Once, before anything else.
    ///
    /// - Parameters:
    ///   - memory: as it counts in this boot; `nil` when nothing is known.
    ///   - isWanted: whether it is to be up, by an operator's decision or by `autostart`.
    mutating func recover(
        _ memory: InstanceMemory?,
        isWanted: Bool,
        at now: Moment,
        using randomness: inout Randomness
    ) -> Action {
        if let memory {
            self.recall(memory, at: now)
        }
        guard isWanted else { return .none }
        self.want(.up)
        switch memory?.state {
        case .finished where self.specification.restart != .always:
            self.set(.finished)
            return .none
        case .failed:
            let retryAfter = self.specification.restartLimit?.retryAfter
            self.set(
                .failed(
                    retryAt: retryAfter.flatMap { limit in
                        memory?.nextStartAt.map { now.advanced(by: now.wall.duration(to: $0).clamped(to: limit)) }
                    }
                )
            )
            return .none
        case .backoff:
            let policy = self.specification.backoff
            let longest = policy.max * (1 + policy.jitter)
            let rest = memory?.nextStartAt.map { now.wall.duration(to: $0).clamped(to: longest) } ?? .zero
            guard rest > .zero else { return self.spawn(at: now, isAutomatic: true, using: &randomness) }
            self.set(.backoff(Backoff(until: now.advanced(by: rest))))
            return .none
        case .finished, .stopped, .waiting, .starting, .running, .stopping, nil:
            return self.spawn(at: now, isAutomatic: false, using: &randomness)
        }
    }

    mutating func recall(_ memory: InstanceMemory, at now: Moment) {
        var window = RestartWindow()
        if let limit = self.specification.restartLimit {
            // The wall clock may have been set since; a time to come counts as now.
            window = RestartWindow(
                restarts: memory.recentRestarts.suffix(limit.restarts).map { restart in
                    let age = restart.duration(to: now.wall).clamped(to: limit.within)
                    return now.monotonic.advanced(by: .zero - age)
                }
            )
        }
        self.recall(
            starts: memory.starts,
            restarts: memory.restarts,
            failures: memory.consecutiveFailures,
            window: window
        )
    }

    /// What is worth keeping of how the instance is now.
    ///
    /// - Parameter desired: what is to be wanted at the next start.
    func memory(
        desired: DesiredState,
        isDecided: Bool,
        isPersistent: Bool,
        bootID: String,
        at now: Moment
    ) -> InstanceMemory {
        let status = self.status
        return InstanceMemory(
            id: self.id,
            desired: desired,
            isDecided: isDecided,
            isPersistent: isPersistent,
            bootID: bootID,
            state: status.state,
            runID: status.runID,
            consecutiveFailures: status.consecutiveFailures,
            nextStartAt: status.nextStartAt,
            starts: status.starts,
            restarts: status.restarts,
            recentRestarts: self.window.restarts.map { restart in
                now.wall.advanced(by: .zero - restart.duration(to: now.monotonic))
            },
            updatedAt: now.wall
        )
    }
}

extension Duration {
    /// Between zero and `limit`.
    fileprivate func clamped(to limit: Duration) -> Duration {
        Swift.max(.zero, Swift.min(self, limit))
    }
}
