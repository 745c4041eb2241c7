// The replacement of the agent by the binary on disk: an operation without instances. It holds no worker, and what is under
// way for workers goes on over it as over a death of the agent; so it is kept apart from the other operations.
//
// The agent that takes the request is the one that is replaced. The operation is committed before that, and goes on in the
// next agent: on trial until whoever started it says that the trial is over, or the old binary again, which is told why.
// A second request joins the first one; a shutdown aborts it.

extension WorkerRoster {
    /// What whoever started the agent says of an upgrade that was under way.
    public enum UpgradeNews: Equatable, Sendable {
        case none
        /// This is the new binary, and it is not trusted yet.
        case onTrial
        /// The new binary did not come up, and this is the old one again.
        case rolledBack(reason: String)
    }

    /// Whether an upgrade is under way that nobody has given up.
    public var isUpgrading: Bool {
        self.upgrade != nil
    }

    mutating func submitUpgrade(_ request: OperationRequest, at now: Moment) -> OperationSubmission {
        if let upgrade = self.upgrade {
            return .joined(upgrade, budget: .zero)
        }
        guard self.shutdown == nil else { return .busy("the agent is ending") }
        var operation = self.newOperation(request, [], workers: [], at: now)
        operation.state = .running
        self.upgrade = operation
        self.publish(.operation(operation), at: now)
        self.effects.append(.upgrade(operation.id))
        return .accepted(operation, budget: .zero)
    }

    /// There is no binary that could be tried; this agent stays.
    public mutating func upgradeRefused(_ reason: String, at now: Moment) {
        self.tellRestarts()
        self.endUpgrade(.failed, error: reason, at: now)
        self.publishTouchedOperations(at: now)
    }

    /// This agent is the new binary, and is trusted now.
    public mutating func upgradeSucceeded(at now: Moment) {
        self.tellRestarts()
        self.endUpgrade(.succeeded, at: now)
        self.publishTouchedOperations(at: now)
    }

    mutating func abortUpgrade(by shutdown: OperationID, at now: Moment) {
        self.endUpgrade(.aborted, error: "superseded by operation \(shutdown)", abortedBy: shutdown, at: now)
    }

    /// Goes on with the upgrades of the agent before, or says what became of them. After the other operations, of which a
    /// shutdown may go on.
    mutating func recoverUpgrade(_ operations: [Operation], _ news: UpgradeNews, at now: Moment) {
        for operation in operations where operation.action == .upgrade {
            // Only one was under way. Of another one the end was not written.
            self.endUpgrade(.aborted, error: Self.endedBefore, at: now)
            self.upgrade = operation
            switch news {
            case .none: self.endUpgrade(.aborted, error: Self.endedBefore, at: now)
            case .rolledBack(let reason): self.endUpgrade(.failed, error: reason, at: now)
            case .onTrial:
                guard let shutdown = self.shutdown else {
                    self.publish(.operation(operation), at: now)
                    continue
                }
                self.abortUpgrade(by: shutdown, at: now)
            }
        }
    }

    /// The one place where an upgrade ends. It does nothing when there is none any more: a shutdown may have been faster.
    private mutating func endUpgrade(
        _ state: OperationState,
        error: String? = nil,
        abortedBy: OperationID? = nil,
        at now: Moment
    ) {
        guard var operation = self.upgrade else { return }
        self.upgrade = nil
        operation.state = state
        operation.changed = state == .succeeded
        operation.error = error
        operation.abortedBy = abortedBy
        operation.finishedAt = now.wall
        self.publish(.operation(operation), at: now)
    }
}
