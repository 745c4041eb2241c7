public import ControlAPI
import History
import LinuxSystem
public import Supervision

/// The shell around the roster: turns what happens into its events and performs its effects. Lives on the main thread's
/// loop, and makes no call that can wait for a disk, a network or a client.
public actor Supervisor: SupervisorCommands {
    nonisolated let loop: EventLoop
    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        self.loop.asUnownedSerialExecutor()
    }

    var roster: WorkerRoster
    private let specifications: [String: WorkerSpecification]
    private let boundKernel: LoopBound<any Kernel>
    var kernel: any Kernel { self.boundKernel.take() }
    private var record: @Sendable (HistorySubmission) -> Void = { _ in }
    private var ended: @Sendable () -> Void = {}
    /// With which the agent ends, once a shutdown has ended everything.
    private(set) var exitStatus: UInt8 = 0
    /// Called once, when a shutdown has begun; `nil` after that.
    private var shuttingDown: (@Sendable () -> Void)?
    /// Called when the keeper is to be asked for the binary on disk; see Supervisor+Upgrade.
    private var upgrading: @Sendable () -> Void = {}
    /// Called when the agent is to end for that.
    var leaving: @Sendable () -> Void = {}
    /// Whether the agent ends so that another binary takes its place.
    var isLeaving = false
    /// Transitions that were decided and not told yet.
    private var untold: [Transition] = []
    private var tellsSoon = false
    private var isTimeToTell = false
    /// How long telling may wait. Who listens has threads of their own, and on a machine with few processors they would
    /// run just when the successor of an ended worker wants to.
    private static let tellingDelay = Duration.milliseconds(1)
    /// How long it may wait while starts have not been begun: those of many workers that ended together.
    private static let longestTellingDelay = Duration.milliseconds(25)
    private var held = HeldEffects()
    private var waiting: [HeldEffects.Token: (CheckedContinuation<Void, Never>, EventLoop.Deadline)] = [:]
    /// How long a decision may wait for its commit. A disk that hangs keeps nobody from stopping a worker.
    static let longestCommit = Duration.seconds(1)

    init(
        loop: EventLoop,
        specifications: [WorkerSpecification],
        randomness: Randomness,
        kernel: LoopBound<any Kernel>
    ) {
        self.loop = loop
        self.roster = WorkerRoster(specifications: specifications, randomness: randomness)
        self.specifications = Dictionary(uniqueKeysWithValues: specifications.map { ($0.name, $0) })
        self.boundKernel = kernel
    }

    /// Begins to supervise. Once, on the loop. `record` is called with every batch of transitions, in order; `shuttingDown`
    /// once, when a shutdown begins or goes on, and `ended` when it has ended everything; `upgrading` when the binary on disk
    /// is asked for, and `leaving` when the agent is to end so that it takes over.
    func begin(
        after recovery: WorkerRoster.Recovery = WorkerRoster.Recovery(),
        record: @escaping @Sendable (HistorySubmission) -> Void,
        shuttingDown: @escaping @Sendable () -> Void = {},
        upgrading: @escaping @Sendable () -> Void = {},
        leaving: @escaping @Sendable () -> Void = {},
        ended: @escaping @Sendable () -> Void
    ) {
        self.record = record
        self.ended = ended
        self.shuttingDown = shuttingDown
        self.upgrading = upgrading
        self.leaving = leaving
        self.kernel.deliver = { [unowned self] event in
            self.assumeIsolated { $0.handle(event) }
        }
        let earlier = self.loop.endOfTurn
        self.loop.endOfTurn = { [unowned self] in
            earlier?()
            self.assumeIsolated { $0.tellSoon() }
        }
        self.roster.announcesRuns = true
        self.roster.begin(at: self.kernel.now(), after: recovery)
        self.perform()
        self.tell()
    }

    /// Takes a request and acts on it at once, as the agent's own end must.
    func submitAtOnce(_ request: OperationRequest) -> OperationSubmission {
        let submission = self.roster.submit(request, at: self.kernel.now())
        self.perform()
        self.tell()
        return submission
    }

    /// Takes a request; acts on it, and answers, when what it decides is committed, or when that has taken too long.
    public func submit(_ request: OperationRequest) async -> OperationSubmission {
        let submission = self.roster.submit(request, at: self.kernel.now())
        let effects = self.roster.takeEffects()
        guard !effects.isEmpty || self.roster.hasMemories else { return submission }
        var decided: [InstanceID] = []
        if request.action.isDecision {
            var seen: Set<InstanceID> = []
            decided = effects.compactMap(\.instance).filter { seen.insert($0).inserted }
        }
        let token = self.held.begin(for: decided)
        for effect in effects {
            self.perform(effect)
        }
        self.perform()
        await withCheckedContinuation { continuation in
            let loop = self.loop
            let released: @Sendable (HistoryOutcome) -> Void = { _ in
                loop.execute { self.assumeIsolated { $0.release(token) } }
            }
            let deadline = loop.schedule(at: SuspendingClock.now.advanced(by: Self.longestCommit)) {
                self.assumeIsolated { $0.release(token) }
            }
            self.waiting[token] = (continuation, deadline)
            self.tell(isSynced: request.isPersistent, completion: released)
        }
        return submission
    }

    private func release(_ token: HeldEffects.Token) {
        guard let (continuation, deadline) = self.waiting.removeValue(forKey: token) else { return }
        self.loop.cancel(deadline)
        for effect in self.held.release(token) {
            self.perform(effect)
        }
        self.perform()
        continuation.resume()
    }

    /// The history has the exits of these runs: their zombies may go.
    func committed(_ runs: [RunID]) {
        for run in runs {
            self.kernel.committed(run)
        }
    }

    private func handle(_ event: KernelEvent) {
        let now = self.kernel.now()
        switch event {
        case .spawned(let id, let run, let pid): self.roster.spawned(id, run, pid: pid, at: now)
        case .spawnFailed(let id, let run, let error): self.roster.spawnFailed(id, run, error, at: now)
        case .exited(let id, let run, let ended):
            self.roster.exited(id, run, ended, at: now)
            for effect in self.roster.takeUrgentEffects() {
                self.perform(effect)
            }
            // The new run was asked for; what is to be told of the old one waits for `tell`.
            guard !self.roster.hasUntoldRestarts else { return }
        case .cleared(let id, let run): self.roster.cleared(id, run, at: now)
        case .noted(let id, let text): self.roster.note(id, text, at: now)
        case .timeReached(let timer): self.roster.timeReached(timer, at: now)
        }
        self.perform()
    }

    /// Performs what was decided, until nothing more is.
    private func perform() {
        while true {
            let effects = self.roster.takeEffects()
            if self.roster.isShuttingDown {
                self.shuttingDown?()
                self.shuttingDown = nil
            }
            guard !effects.isEmpty else { return }
            for effect in effects {
                self.perform(effect)
            }
        }
    }

    private func perform(_ effect: Effect) {
        guard !self.held.hold(effect) else { return }
        switch effect {
        case .announce(let note): self.kernel.announce(note)
        case .spawn(let id, let run):
            self.kernel.spawn(self.plan(id, run))
        case .terminate(let id, let run, .signal(let signal)):
            let count = self.kernel.terminate(run, with: signal)
            self.note(id, "\(signal) sent to \(Self.processes(count))")
        case .terminate(let id, let run, .command):
            self.note(id, "stop command started")
            self.kernel.runStopCommand(self.plan(id, run))
        case .kill(let id, let run):
            let count = self.kernel.kill(run)
            self.note(id, "SIGKILL sent to \(Self.processes(count))")
        case .signal(let id, let run, let signal, let scope):
            if !self.kernel.signal(run, signal, scope) {
                self.note(id, "\(signal) came too late: the process had ended")
            }
        case .timer(let timer, let instant):
            self.kernel.setTimer(timer, instant)
        case .upgrade:
            self.upgrading()
        case .publish(let transition):
            self.untold.append(transition)
        case .ended(_, let status):
            self.exitStatus = status
            self.tell()
            self.ended()
        }
    }

    private func plan(_ id: InstanceID, _ run: RunID) -> SpawnPlan {
        guard let specification = self.specifications[id.worker] else {
            preconditionFailure("\(id): a worker that was never configured")
        }
        return SpawnPlan(instance: id, run: run, specification: specification)
    }

    private func note(_ id: InstanceID, _ text: String) {
        self.roster.note(id, text, at: self.kernel.now())
    }

    private static func processes(_ count: Int) -> String {
        count == 1 ? "1 process" : "\(count) processes"
    }

    /// At the end of a turn: tells, or sees to it that a turn follows in which it is time to.
    private func tellSoon() {
        if self.isTimeToTell {
            self.isTimeToTell = false
            self.tell()
        }
        guard !self.untold.isEmpty || self.roster.hasUntoldRestarts, !self.tellsSoon else { return }
        self.tellsSoon = true
        self.scheduleTelling(atLatest: SuspendingClock.now.advanced(by: Self.longestTellingDelay))
    }

    private func scheduleTelling(atLatest limit: MonotonicInstant) {
        self.loop.schedule(at: SuspendingClock.now.advanced(by: Self.tellingDelay)) { [unowned self] in
            self.assumeIsolated { supervisor in
                guard !supervisor.kernel.hasWaitingStarts || SuspendingClock.now >= limit else {
                    return supervisor.scheduleTelling(atLatest: limit)
                }
                supervisor.tellsSoon = false
                // At the end of the turn, which may have more to tell.
                supervisor.isTimeToTell = true
            }
        }
    }

    /// Has what was decided recorded, which tells everybody.
    func tell(isSynced: Bool = false, completion: (@Sendable (HistoryOutcome) -> Void)? = nil) {
        self.perform()
        guard !self.untold.isEmpty || self.roster.hasMemories || completion != nil else { return }
        let batch = self.untold
        self.untold.removeAll(keepingCapacity: true)
        self.record(
            HistorySubmission(
                transitions: batch,
                memories: self.roster.takeMemories(at: self.kernel.now()),
                workers: self.roster.takeWorkerMemories(at: self.kernel.now()),
                forgotten: self.roster.takeForgotten(),
                isSynced: isSynced,
                completion: completion
            )
        )
    }
}
