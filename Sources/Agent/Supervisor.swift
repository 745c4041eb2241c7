public import ControlAPI
import LinuxSystem
public import Supervision

/// The shell around the roster: turns what happens into its events and performs its effects. Lives on the main thread's
/// loop, and makes no call that can wait for a disk, a network or a client.
public actor Supervisor: SupervisorCommands {
    nonisolated let loop: EventLoop
    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        self.loop.asUnownedSerialExecutor()
    }

    private var roster: WorkerRoster
    private let specifications: [String: WorkerSpecification]
    private let boundKernel: LoopBound<any Kernel>
    private var kernel: any Kernel { self.boundKernel.take() }
    private var publish: @Sendable ([Transition]) -> Void = { _ in }
    private var ended: @Sendable () -> Void = {}
    /// Transitions that were decided and not told yet.
    private var untold: [Transition] = []
    private var tellsSoon = false
    /// How long telling may wait. Who listens has threads of their own, and on a machine with few processors they would
    /// run just when the successor of an ended worker wants to.
    private static let tellingDelay = Duration.milliseconds(1)
    /// The next exit's number. Given when the record is kept; until then nothing shows the exit.
    private var nextExit: Int64 = 1

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

    /// Begins to supervise. Once, on the loop. `publish` is called with every batch of transitions, in order; `ended`
    /// once, when a shutdown has ended everything.
    func begin(
        publish: @escaping @Sendable ([Transition]) -> Void,
        ended: @escaping @Sendable () -> Void
    ) {
        self.publish = publish
        self.ended = ended
        self.kernel.deliver = { [unowned self] event in
            self.assumeIsolated { $0.handle(event) }
        }
        let earlier = self.loop.endOfTurn
        self.loop.endOfTurn = { [unowned self] in
            earlier?()
            self.assumeIsolated { $0.tellSoon() }
        }
        self.roster.begin(at: self.kernel.now())
        self.perform()
        self.tell()
    }

    public func submit(_ request: OperationRequest) -> OperationSubmission {
        let submission = self.roster.submit(request, at: self.kernel.now())
        self.perform()
        self.tell()
        return submission
    }

    private func handle(_ event: KernelEvent) {
        let now = self.kernel.now()
        switch event {
        case .spawned(let id, let run, let pid): self.roster.spawned(id, run, pid: pid, at: now)
        case .spawnFailed(let id, let run, let error): self.roster.spawnFailed(id, run, error, at: now)
        case .exited(let id, let run, let ended): self.roster.exited(id, run, ended, at: now)
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
            guard !effects.isEmpty else { return }
            for effect in effects {
                self.perform(effect)
            }
        }
    }

    private func perform(_ effect: Effect) {
        switch effect {
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
        case .publish(var transition):
            if case .exit(var record) = transition.change {
                record.seq = self.nextExit
                self.nextExit += 1
                transition.change = .exit(record)
            }
            self.untold.append(transition)
        case .ended:
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

    private func tellSoon() {
        guard !self.untold.isEmpty, !self.tellsSoon else { return }
        self.tellsSoon = true
        self.loop.schedule(at: SuspendingClock.now.advanced(by: Self.tellingDelay)) { [unowned self] in
            self.assumeIsolated { supervisor in
                supervisor.tellsSoon = false
                supervisor.tell()
            }
        }
    }

    /// Tells everybody what was decided, and lets the kernel have the zombies whose exits are recorded.
    func tell() {
        guard !self.untold.isEmpty else { return }
        let batch = self.untold
        self.untold.removeAll(keepingCapacity: true)
        self.publish(batch)
        for transition in batch {
            if case .exit(let record) = transition.change {
                self.kernel.committed(record.runID)
            }
        }
    }
}
