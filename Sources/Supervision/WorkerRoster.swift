// All workers, their instances and the operations on them: the whole of what the agent decides, without a process.
//
// The shell calls in with what happened or what is asked, and performs the effects that `takeEffects` gives it. An
// operation is a list of steps, one for each instance, in batches: start and stop have one batch; restart is rolling, one
// instance of each worker at a time, and stops at the first batch in which an instance does not come up.
//
// Who may interrupt whom:
// * stop aborts each start and restart that shares an instance with it, and is itself never refused;
// * the same action on instances that are all part of one that runs joins that one;
// * another start or restart on a worker that an operation holds is a conflict;
// * shutdown is a stop of everything, which a stop joins; a start, restart or scale is not accepted any more. The end of a
//   vital worker begins one by itself (see WorkerRoster+Vital);
// * an upgrade of the agent goes beside all of them but a shutdown (see WorkerRoster+Upgrade).
// A scale of a worker is as a start in that (see WorkerRoster+Scale).
// An aborted operation ends at once. What its instances were doing goes on until the operation that aborted it, or the
// state machine itself, says otherwise.

/// The workers and the operations on them.
public struct WorkerRoster: Sendable {
    /// How long a start may take, from the moment its instance has nothing old left until it is up.
    public static let startTimeout = Duration.seconds(60)
    /// How long a new run must stay up before a start or restart counts as done, unless the request says otherwise.
    public static let defaultObservation = Duration.seconds(1)
    /// Operations at once; beyond, requests are answered `busy`. As many stops are taken besides, so that no number of
    /// starts keeps anybody from stopping.
    public static let maximumOperations = 1_000
    /// Lines of a transcript; what comes after is dropped.
    public static let maximumTranscript = 100

    /// An exit whose instance starts again at once. Telling of it takes longer than deciding on it, and nobody but the
    /// new run is waiting.
    private struct UntoldRestart: Sendable {
        var index: Int
        var exit: ExitRecord
        var at: Moment
    }

    public let specifications: [WorkerSpecification]
    var slots: [Slot] = []
    var slotIndex: [InstanceID: Int] = [:]
    var vacantSlots: [Int] = []
    /// Parallel to `specifications`.
    var workers: [Worker]
    let workerIndex: [String: Int]
    var operations: [OperationID: ActiveOperation] = [:]
    /// Operations that are to be looked at, at the end of the call, in the order in which they changed first.
    var touchedOperations: [OperationID] = []
    var shutdown: OperationID?
    /// The upgrade that is under way.
    var upgrade: Operation?
    /// With which the agent ends after it.
    var exitStatus: UInt8 = 0
    /// Slots of vital workers that ended for good in the present call.
    var endedVitalSlots: [Int] = []
    var randomness: Randomness
    var effects: [Effect] = []
    private var nextTransition: Int64 = 1
    private var untoldRestarts: [UntoldRestart] = []
    /// Slots and workers about which something changed since they were remembered.
    var toBeRemembered: [Int] = []
    var workersToBeRemembered: [Int] = []
    /// Instances that have gone since, or are known from before and are no more.
    var forgotten: [InstanceID] = []
    /// Runs of instances that are not configured any more, which are being ended.
    var abandoned: [RunID: SurvivingRun] = [:]
    /// Whether there is somebody to announce runs to.
    public var announcesRuns = false
    var bootID = ""

    public init(specifications: [WorkerSpecification], randomness: Randomness) {
        self.specifications = specifications
        self.randomness = randomness
        self.workers = specifications.map { Worker($0) }
        self.workerIndex = Dictionary(uniqueKeysWithValues: specifications.enumerated().map { ($1.name, $0) })
        for (worker, specification) in specifications.enumerated() {
            for index in 0..<specification.instances {
                self.addInstance(index, to: worker)
            }
        }
    }

    /// What is to be done since the last call, in order.
    public mutating func takeEffects() -> [Effect] {
        self.tellRestarts()
        return self.takeUrgentEffects()
    }

    /// What of that cannot wait: the new run of an instance that ended by itself, for which its exit is yet to be told. The
    /// rest follows by `takeEffects`, at the latest when anything else happens.
    public mutating func takeUrgentEffects() -> [Effect] {
        defer { self.effects.removeAll(keepingCapacity: true) }
        return self.effects
    }

    /// Whether something was decided that `takeEffects` is yet to tell.
    public var hasUntoldRestarts: Bool {
        !self.untoldRestarts.isEmpty
    }

    /// Whether everything is being stopped for good.
    public var isShuttingDown: Bool {
        self.shutdown != nil
    }

    /// Where an instance is now.
    public func status(of id: InstanceID) -> InstanceStatus? {
        self.slotIndex[id].map { self.slots[$0].published }
    }

    // MARK: What happened

    public mutating func spawned(_ id: InstanceID, _ run: RunID, pid: Int32, at now: Moment) {
        self.tellRestarts()
        guard let index = self.slotIndex[id] else { return }
        let action = self.slots[index].machine.spawned(run, pid: pid, at: now)
        self.apply(action, to: index, text: "up with pid \(pid)", at: now)
        self.publishTouchedOperations(at: now)
    }

    public mutating func spawnFailed(_ id: InstanceID, _ run: RunID, _ error: StartError, at now: Moment) {
        self.tellRestarts()
        guard let index = self.slotIndex[id] else { return }
        let action = self.slots[index].machine.spawnFailed(run, error, at: now, using: &self.randomness)
        self.apply(action, to: index, text: error.message, at: now)
        self.publishTouchedOperations(at: now)
    }

    public mutating func exited(_ id: InstanceID, _ run: RunID, _ ended: InstanceStateMachine.Ended, at now: Moment) {
        // There may be an instance of that name again.
        guard let index = self.slotIndex[id], self.abandoned.isEmpty || self.abandoned[run] == nil else {
            self.tellRestarts()
            self.abandonedRunEnded(run, ended, at: now)
            return
        }
        let action = self.slots[index].machine.exited(run, ended, at: now, using: &self.randomness)
        if let exit = action.exit, case .spawn(let next) = action.process, self.slots[index].operations.isEmpty {
            self.announce(index)
            self.effects.append(.spawn(id, next))
            self.untoldRestarts.append(UntoldRestart(index: index, exit: exit, at: now))
            return
        }
        self.tellRestarts()
        self.apply(action, to: index, text: action.exit?.summary ?? "", at: now)
        self.publishTouchedOperations(at: now)
    }

    public mutating func cleared(_ id: InstanceID, _ run: RunID, at now: Moment) {
        self.tellRestarts()
        guard let index = self.slotIndex[id] else { return }
        let action = self.slots[index].machine.cleared(run, at: now, using: &self.randomness)
        self.apply(action, to: index, text: "nothing of the run is left", at: now)
        self.publishTouchedOperations(at: now)
    }

    /// The time asked for by `Effect.timer` has come; early and stale calls do nothing.
    public mutating func timeReached(_ timer: TimerID, at now: Moment) {
        self.tellRestarts()
        switch timer {
        case .instance(let id):
            guard let index = self.slotIndex[id] else { return }
            self.slots[index].timer = nil
            let action = self.slots[index].machine.timeReached(at: now, using: &self.randomness)
            self.apply(action, to: index, text: "", at: now)
        case .operation(let id):
            self.operationTimeReached(id, at: now)
        }
        self.publishTouchedOperations(at: now)
    }

    /// Adds a line to the transcripts of the operations that are at work on the instance, such as "TERM sent to 4 processes".
    public mutating func note(_ id: InstanceID, _ text: String, at now: Moment) {
        self.tellRestarts()
        guard let index = self.slotIndex[id] else { return }
        self.addToTranscripts(of: index, text, at: now)
        self.publishTouchedOperations(at: now)
    }

    // MARK: Shared by the parts

    /// Performs what a machine answered: effects, timer, status, and the operations that watch the instance.
    mutating func apply(_ action: InstanceStateMachine.Action, to index: Int, text: String, at now: Moment) {
        let id = self.slots[index].machine.id
        if let exit = action.exit {
            self.publish(.exit(exit), at: now)
        }
        self.announce(index)
        switch action.process {
        case .none: break
        case .spawn(let run): self.effects.append(.spawn(id, run))
        case .terminate(let run, let method): self.effects.append(.terminate(id, run, method))
        case .kill(let run): self.effects.append(.kill(id, run))
        }
        let deadline = self.slots[index].machine.deadline
        if deadline != self.slots[index].timer {
            self.slots[index].timer = deadline
            self.effects.append(.timer(.instance(id), deadline))
        }
        self.publishStatus(of: index, exit: action.exit, text: text, at: now)
        let operation = self.slots[index].operations.first
        self.instanceChanged(index, exit: action.exit, at: now)
        self.noticeVitalEnd(of: index, exit: action.exit)
        self.removeIfGone(index, for: operation, at: now)
    }

    /// Tells of the restarts that were decided since the last call. Whatever else happens, to whatever instance, calls it
    /// first.
    mutating func tellRestarts() {
        guard !self.untoldRestarts.isEmpty else { return }
        for restart in self.untoldRestarts {
            let action = InstanceStateMachine.Action(exit: restart.exit)
            self.apply(action, to: restart.index, text: restart.exit.summary, at: restart.at)
        }
        self.untoldRestarts.removeAll()
    }

    /// Publishes the instance's status if it is another than the one published last.
    mutating func publishStatus(of index: Int, exit: ExitRecord? = nil, text: String, at now: Moment) {
        guard self.slots[index].isPresent else { return }
        var status = self.slots[index].machine.status
        status.operationID = self.slots[index].operations.last
        let published = self.slots[index].published
        guard status != published else { return }
        self.slots[index].published = status
        self.remember(index)
        let change = InstanceChange(
            from: published.state,
            to: status.state,
            status: status,
            exitRunID: exit?.runID,
            operationID: status.operationID,
            text: text
        )
        self.publish(.instance(change), at: now)
    }

    mutating func publish(_ change: Transition.Change, at now: Moment) {
        self.effects.append(.publish(Transition(id: self.nextTransition, at: now.wall, change: change)))
        self.nextTransition += 1
    }

    static func maximumOperations(for action: OperationAction) -> Int {
        action == .stop ? 2 * Self.maximumOperations : Self.maximumOperations
    }
}
