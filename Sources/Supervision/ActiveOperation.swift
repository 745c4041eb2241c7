/// An operation under way: what it shows, and where each of its steps is.
struct ActiveOperation: Sendable {
    enum Phase: Equatable, Sendable {
        /// Its batch has not begun.
        case pending
        /// Stop: until nothing of the run is left.
        case ending
        /// Start and restart: until a run other than the old one is asked for.
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
    /// Indices into `steps`, in the order in which they begin.
    let batches: [[Int]]
    private(set) var batch = 0
    private var unfinishedInBatch: Int
    private let stepOfSlot: [Int: Int]

    init(operation: Operation, slots: [Int], batches: [[Int]], grace: Duration?, observation: Duration) {
        self.operation = operation
        self.operation.state = .running
        self.steps = slots.map { Step(slot: $0) }
        self.batches = batches
        self.grace = grace
        self.observation = observation
        self.unfinishedInBatch = batches[0].count
        self.stepOfSlot = Dictionary(uniqueKeysWithValues: slots.enumerated().map { ($1, $0) })
    }

    func step(of slot: Int) -> Int? {
        self.stepOfSlot[slot]
    }

    var isBatchDone: Bool {
        self.unfinishedInBatch == 0
    }

    var hasNextBatch: Bool {
        self.batch + 1 < self.batches.count
    }

    /// Whether an instance of the present batch, or of one before, did not come up.
    var hasFailure: Bool {
        self.operation.instances.contains { $0.outcome == .failed }
    }

    /// The earliest time at which a step wants to be looked at.
    var deadline: MonotonicInstant? {
        var earliest: MonotonicInstant?
        for step in self.steps {
            switch step.phase {
            case .starting(let instant), .observing(until: let instant):
                earliest = earliest.map { min($0, instant) } ?? instant
            case .pending, .ending, .awaitingRun, .done: break
            }
        }
        return earliest
    }

    // MARK: Changes

    mutating func beginNextBatch() {
        self.batch += 1
        self.unfinishedInBatch = self.batches[self.batch].count
    }

    mutating func begin(_ step: Int, _ phase: Phase, oldRunID: RunID?) {
        self.steps[step].phase = phase
        self.operation.instances[step].outcome = .inProgress
        self.operation.instances[step].oldRunID = oldRunID
    }

    mutating func noteChange() {
        self.operation.changed = true
    }

    mutating func finish(_ step: Int, _ outcome: OperationInstance.Outcome, exit: RunID? = nil) {
        guard self.steps[step].phase != .done else { return }
        self.steps[step].phase = .done
        self.unfinishedInBatch -= 1
        self.operation.instances[step].outcome = outcome
        if let exit {
            self.operation.instances[step].exitRunID = exit
        }
    }

    /// Ends the operation; steps that were not done are aborted or were never begun.
    mutating func end(_ state: OperationState, error: String?, abortedBy: OperationID?, at now: Timestamp) {
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
        self.operation.instances[step].transcript.append(TranscriptLine(at: now, text: text))
    }

    /// Looks at one instance after something about it changed. Answers whether the step went on.
    mutating func advance(
        _ step: Int,
        _ machine: borrowing InstanceStateMachine,
        exit: ExitRecord?,
        at now: MonotonicInstant
    ) -> Bool {
        let before = self.steps[step].phase
        // A new run may be asked for and end within one event, so the phases are gone through in a row.
        if before == .awaitingRun, let run = machine.runID ?? exit?.runID,
            run != self.operation.instances[step].oldRunID
        {
            self.operation.instances[step].newRunID = run
            self.steps[step].phase = .starting(limit: now.advanced(by: WorkerRoster.startTimeout))
        }
        let newRun = self.operation.instances[step].newRunID
        switch self.steps[step].phase {
        case .pending, .done, .awaitingRun: break
        case .ending:
            if let exit {
                self.operation.instances[step].exitRunID = exit.runID
            }
            if machine.publicState == .stopped {
                self.finish(step, .stopped)
            }
        case .starting, .observing:
            if let exit, exit.runID == newRun {
                let isFinished = exit.cause == .finished && exit.decision.action == .stayDown
                self.finish(step, isFinished ? .finished : .failed, exit: exit.runID)
            } else if case .starting = self.steps[step].phase, machine.isUp, machine.runID == newRun {
                if self.observation > .zero {
                    self.steps[step].phase = .observing(until: now.advanced(by: self.observation))
                } else {
                    self.finish(step, .up)
                }
            }
        }
        return self.steps[step].phase != before
    }

    /// Time has passed: ends the observations and the starts that are due.
    mutating func timeReached(at now: Moment) {
        for step in self.steps.indices {
            switch self.steps[step].phase {
            case .starting(let limit) where limit <= now.monotonic:
                self.addLine("not up after \(WorkerRoster.startTimeout.seconds) s", to: step, at: now.wall)
                self.finish(step, .failed)
            case .observing(let until) where until <= now.monotonic:
                self.finish(step, .up)
            case .pending, .ending, .awaitingRun, .starting, .observing, .done: break
            }
        }
    }
}
