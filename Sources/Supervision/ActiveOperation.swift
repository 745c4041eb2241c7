/// An operation under way: what it shows, and where each of its steps is.
struct ActiveOperation: Sendable {
    enum Phase: Equatable, Sendable {
        /// Its batch has not begun.
        case pending
        /// Stop, and scale of an instance that leaves: until nothing of the run is left.
        case ending
        /// Start, restart, and scale of an instance that is added: until a run other than the old one is asked for.
        case awaitingRun
        /// The new run is being created; not up at the instant, and the step has failed.
        case starting(limit: MonotonicInstant)
        /// The new run is up; still up at the instant, and the step is done.
        case observing(until: MonotonicInstant)
        case done
    }

    struct Step: Sendable {
        var slot: Int
        var phase: Phase = .pending
    }

    /// What everybody sees; `operation.instances` runs parallel to `steps`.
    private(set) var operation: Operation
    private(set) var steps: [Step]
    let grace: Duration?
    let observation: Duration
    /// Whether what it decides outlives a reboot.
    let isPersistent: Bool
    /// How long it may take by its own rules.
    var budget = Duration.zero
    /// Indices into `steps`, in the order in which they begin.
    let batches: [[Int]]
    private(set) var batch = 0
    private var unfinishedInBatch: Int
    /// Whether an instance of the present batch, or of one before, did not come up.
    private(set) var hasFailure = false
    private let stepOfSlot: [Int: Int]
    private var startLimits = StepDeadlines()
    private var observationEnds = StepDeadlines()
    /// The time that the shell was asked for last and that has not come yet.
    private var timer: MonotonicInstant?
    /// Whether it waits to be looked at, at the end of the call.
    var isTouched = false
    /// Whether it is another than when it was published last.
    private(set) var isChanged = true
    private var publishedAt: MonotonicInstant?

    init(
        operation: Operation,
        slots: [Int],
        batches: [[Int]],
        grace: Duration?,
        observation: Duration,
        isPersistent: Bool = false
    ) {
        self.operation = operation
        self.operation.state = .running
        self.steps = slots.map { Step(slot: $0) }
        self.batches = batches
        self.grace = grace
        self.observation = observation
        self.isPersistent = isPersistent
        self.unfinishedInBatch = batches[0].count
        self.stepOfSlot = Dictionary(uniqueKeysWithValues: slots.enumerated().map { ($1, $0) })
    }

    /// Of an operation that was under way when the agent died. What its steps had done stays done.
    init(resuming operation: Operation, slots: [Int], batches: [[Int]], observation: Duration) {
        self.init(operation: operation, slots: slots, batches: batches, grace: nil, observation: observation)
        for (step, instance) in operation.instances.enumerated() {
            switch instance.outcome {
            case .pending, .inProgress: break
            case .failed:
                self.hasFailure = true
                self.steps[step].phase = .done
            case .up, .finished, .stopped, .added, .removed, .unchanged, .signaled, .reset, .aborted, .skipped:
                self.steps[step].phase = .done
            }
        }
        let steps = self.steps
        let last = batches.count - 1
        self.batch = batches.firstIndex { batch in batch.contains { steps[$0].phase != .done } } ?? last
        self.unfinishedInBatch = batches[self.batch].count { steps[$0].phase != .done }
    }

    /// The steps of the present batch that are not done.
    var unfinishedSteps: [Int] {
        self.batches[self.batch].filter { self.steps[$0].phase != .done }
    }

    /// Goes on waiting until the new run is up.
    mutating func resumeStart(_ step: Int, of run: RunID, at now: MonotonicInstant) {
        let limit = now.advanced(by: WorkerRoster.startTimeout)
        self.steps[step].phase = .starting(limit: limit)
        self.startLimits.append(step, at: limit)
    }

    /// Goes on waiting until a new run is asked for.
    mutating func resumeWait(_ step: Int) {
        self.steps[step].phase = .awaitingRun
    }

    func step(of slot: Int) -> Int? {
        self.stepOfSlot[slot]
    }

    /// What comes after what has happened so far.
    enum Next: Equatable, Sendable {
        case wait
        case beginBatch
        case end(OperationState)
    }

    /// Goes over to the next batch where the present one is done.
    mutating func goOn() -> Next {
        guard self.operation.finishedAt == nil, self.unfinishedInBatch == 0 else { return .wait }
        if self.hasFailure {
            return .end(.failed)
        }
        guard self.batch + 1 < self.batches.count else { return .end(.succeeded) }
        self.batch += 1
        self.unfinishedInBatch = self.batches[self.batch].count
        return .beginBatch
    }

    /// What a step is to be asked for; `nil` when the operation has ended.
    func request(of step: Int) -> (slot: Int, action: OperationAction, grace: Duration?, requestedBy: String)? {
        guard self.operation.finishedAt == nil else { return nil }
        return (self.steps[step].slot, self.operation.action, self.grace, self.operation.requestedBy)
    }

    /// Which instances did not come up, and why; `nil` when all did.
    var failureText: String? {
        guard self.hasFailure else { return nil }
        var lines: [String] = []
        var unnamed = 0
        for instance in self.operation.instances where instance.outcome == .failed {
            guard lines.count < Self.maximumNamedFailures else {
                unnamed += 1
                continue
            }
            let why = instance.transcript.last.map { ": \($0.text)" } ?? ""
            lines.append("\(instance.instance) did not come up\(why)")
        }
        if unnamed > 0 {
            lines.append("and \(unnamed) more")
        }
        return lines.joined(separator: "; ")
    }

    /// How many instances an error names.
    static let maximumNamedFailures = 10

    // MARK: Time

    /// The earliest time at which a step, or a snapshot that was put off, wants to be looked at.
    private mutating func nextDeadline() -> MonotonicInstant? {
        guard self.operation.finishedAt == nil else { return nil }
        let steps = self.steps
        let limit = self.startLimits.first { step, limit in steps[step].phase == .starting(limit: limit) }
        let end = self.observationEnds.first { step, until in steps[step].phase == .observing(until: until) }
        let snapshot = self.isChanged ? self.publishedAt?.advanced(by: Self.snapshotInterval) : nil
        return [limit, end, snapshot].compactMap(\.self).min()
    }

    /// Asks the shell for the next time; `nil` where it is the one that it was asked for last.
    mutating func timerEffect() -> Effect? {
        let deadline = self.nextDeadline()
        guard deadline != self.timer else { return nil }
        self.timer = deadline
        return .timer(.operation(self.operation.id), deadline)
    }

    /// The time that was asked for has come, or an earlier one: ends the observations and the starts that are due.
    mutating func timeReached(at now: Moment) {
        self.timer = nil
        while let (step, limit) = self.startLimits.popFirst(dueAt: now.monotonic) {
            guard self.steps[step].phase == .starting(limit: limit) else { continue }
            self.addLine("not up after \(WorkerRoster.startTimeout.seconds) s", to: step, at: now.wall)
            self.finish(step, .failed)
        }
        while let (step, until) = self.observationEnds.popFirst(dueAt: now.monotonic) {
            guard self.steps[step].phase == .observing(until: until) else { continue }
            self.finish(step, .up)
        }
    }

    // MARK: Snapshots

    /// An operation with more steps than this is not published at each change, which would take quadratic time.
    static let maximumEagerSteps = 64
    /// How often it is published at most, but for its begin and its end.
    static let snapshotInterval = Duration.milliseconds(100)

    /// The snapshot that is to be published now; `nil` when there is no news, or when it can wait.
    mutating func snapshot(at now: MonotonicInstant) -> Operation? {
        guard self.isChanged else { return nil }
        if let publishedAt, self.operation.finishedAt == nil, self.steps.count > Self.maximumEagerSteps,
            publishedAt.duration(to: now) < Self.snapshotInterval
        {
            return nil
        }
        self.isChanged = false
        self.publishedAt = now
        return self.operation
    }

    // MARK: Changes

    mutating func begin(_ step: Int, _ phase: Phase, oldRunID: RunID?) {
        self.isChanged = true
        self.steps[step].phase = phase
        self.operation.instances[step].outcome = .inProgress
        self.operation.instances[step].oldRunID = oldRunID
    }

    mutating func noteChange() {
        self.operation.changed = true
    }

    mutating func finish(_ step: Int, _ outcome: OperationInstance.Outcome, exit: RunID? = nil) {
        guard self.steps[step].phase != .done else { return }
        self.isChanged = true
        self.hasFailure = self.hasFailure || outcome == .failed
        self.steps[step].phase = .done
        self.unfinishedInBatch -= 1
        self.operation.instances[step].outcome = outcome
        if let exit {
            self.operation.instances[step].exitRunID = exit
        }
    }

    /// Ends the operation; steps that were not done are aborted or were never begun.
    mutating func end(_ state: OperationState, error: String?, abortedBy: OperationID?, at now: Timestamp) {
        self.isChanged = true
        self.operation.state = state
        self.operation.error = error
        self.operation.abortedBy = abortedBy
        self.operation.finishedAt = now
        for step in self.steps.indices where self.steps[step].phase != .done {
            let outcome: OperationInstance.Outcome = self.steps[step].phase == .pending ? .skipped : .aborted
            self.steps[step].phase = .done
            self.operation.instances[step].outcome = outcome
        }
    }

    mutating func addLine(_ text: String, to step: Int, at now: Timestamp) {
        guard self.steps[step].phase != .done,
            self.operation.instances[step].transcript.count < WorkerRoster.maximumTranscript
        else { return }
        self.isChanged = true
        self.operation.instances[step].transcript.append(TranscriptLine(at: now, text: text))
    }

    /// Looks at one instance after something about it changed.
    mutating func advance(
        _ step: Int,
        _ machine: borrowing InstanceStateMachine,
        exit: ExitRecord?,
        at now: MonotonicInstant
    ) {
        // A new run may be asked for and end within one event, so the phases are gone through in a row.
        if self.steps[step].phase == .awaitingRun, let run = machine.runID ?? exit?.runID,
            run != self.operation.instances[step].oldRunID
        {
            let limit = now.advanced(by: WorkerRoster.startTimeout)
            self.isChanged = true
            self.operation.instances[step].newRunID = run
            self.steps[step].phase = .starting(limit: limit)
            self.startLimits.append(step, at: limit)
        }
        let newRun = self.operation.instances[step].newRunID
        switch self.steps[step].phase {
        case .pending, .done, .awaitingRun: break
        case .ending:
            if let exit {
                self.isChanged = true
                self.operation.instances[step].exitRunID = exit.runID
            }
            if machine.publicState == .stopped {
                self.finish(step, self.operation.action == .scale ? .removed : .stopped)
            }
        case .starting, .observing:
            if let exit, exit.runID == newRun {
                let isFinished = exit.cause == .finished && exit.decision.action == .stayDown
                self.finish(step, isFinished ? .finished : .failed, exit: exit.runID)
            } else if case .starting = self.steps[step].phase, machine.isUp, machine.runID == newRun {
                guard self.observation > .zero else { return self.finish(step, .up) }
                let until = now.advanced(by: self.observation)
                self.steps[step].phase = .observing(until: until)
                self.observationEnds.append(step, at: until)
            }
        }
    }
}
