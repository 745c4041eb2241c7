import Supervision

extension Moment {
    /// Where the time of every test begins: the instant itself means nothing, only the distance from it does.
    static let beginning = Moment(
        monotonic: SuspendingClock().now,
        wall: Timestamp(nanosecondsSinceEpoch: 1_795_341_600_000_000_000)
    )

    func later(by duration: Duration) -> Moment {
        Moment(monotonic: self.monotonic.advanced(by: duration), wall: self.wall.advanced(by: duration))
    }
}

extension StartError {
    static let missing = StartError(
        stage: "exec",
        errno: 2,
        errnoName: "ENOENT",
        message: "cannot execute /x: No such file or directory"
    )

    static let tooManyProcesses = StartError(
        stage: "clone",
        errno: 11,
        errnoName: "EAGAIN",
        message: "cannot create a process: Resource temporarily unavailable"
    )
}

extension WorkerSpecification {
    /// `web` with a backoff that has no jitter, so that delays are exact.
    static func web(_ change: (inout WorkerSpecification) -> Void = { _ in }) -> WorkerSpecification {
        var specification = WorkerSpecification(name: "web", command: ["/bin/web"])
        specification.backoff.jitter = 0
        change(&specification)
        return specification
    }
}

/// One machine, with time moved by hand and chance from a seed.
struct MachineFixture {
    typealias Action = InstanceStateMachine.Action

    static let requester = InstanceStateMachine.Requester(
        requestedBy: "uid:0",
        operationID: UUIDv7(high: 0x7001, low: 1)
    )
    static let other = InstanceStateMachine.Requester(
        requestedBy: "uid:1000",
        operationID: UUIDv7(high: 0x7002, low: 2)
    )

    var machine: InstanceStateMachine
    var now = Moment.beginning
    var randomness: Randomness
    /// The run that was asked for last.
    private(set) var run: RunID = UUIDv7(high: 0, low: 0)

    init(seed: UInt64 = 1, _ change: (inout WorkerSpecification) -> Void = { _ in }) {
        self.machine = InstanceStateMachine(id: InstanceID(worker: "web", index: 0), specification: .web(change))
        self.randomness = Randomness(seed: seed)
    }

    var state: InstanceState { self.machine.publicState }

    // MARK: What is asked

    @discardableResult
    mutating func start(
        by requester: InstanceStateMachine.Requester = Self.requester
    ) -> (
        changed: Bool, action: Action
    ) {
        let (changed, action) = self.machine.start(by: requester, at: self.now, using: &self.randomness)
        return (changed, self.seen(action))
    }

    @discardableResult
    mutating func stop(
        grace: Duration? = nil,
        by requester: InstanceStateMachine.Requester = Self.requester
    ) -> (changed: Bool, action: Action) {
        let (changed, action) = self.machine.stop(grace: grace, by: requester, at: self.now)
        return (changed, self.seen(action))
    }

    @discardableResult
    mutating func restart(
        grace: Duration? = nil,
        by requester: InstanceStateMachine.Requester = Self.requester
    ) -> Action {
        self.seen(self.machine.restart(grace: grace, by: requester, at: self.now, using: &self.randomness))
    }

    mutating func reset() -> Bool {
        self.machine.reset()
    }

    // MARK: What happened, to the present run unless another is named

    @discardableResult
    mutating func spawned(_ run: RunID? = nil, pid: Int32 = 42) -> Action {
        self.seen(self.machine.spawned(run ?? self.run, pid: pid, at: self.now))
    }

    @discardableResult
    mutating func spawnFailed(_ error: StartError, _ run: RunID? = nil) -> Action {
        self.seen(self.machine.spawnFailed(run ?? self.run, error, at: self.now, using: &self.randomness))
    }

    @discardableResult
    mutating func exited(_ ended: InstanceStateMachine.Ended, _ run: RunID? = nil) -> Action {
        self.seen(self.machine.exited(run ?? self.run, ended, at: self.now, using: &self.randomness))
    }

    @discardableResult
    mutating func exited(code: Int32, leavesProcesses: Bool = false) -> Action {
        self.exited(.init(status: WaitStatus(exitCode: code), leavesProcesses: leavesProcesses))
    }

    @discardableResult
    mutating func exited(signal: Signal, leavesProcesses: Bool = false) -> Action {
        self.exited(.init(status: WaitStatus(signal: signal), leavesProcesses: leavesProcesses))
    }

    @discardableResult
    mutating func cleared(_ run: RunID? = nil) -> Action {
        self.seen(self.machine.cleared(run ?? self.run, at: self.now, using: &self.randomness))
    }

    /// Moves time on, and tells the machine.
    @discardableResult
    mutating func wait(_ duration: Duration) -> Action {
        self.now = self.now.later(by: duration)
        return self.seen(self.machine.timeReached(at: self.now, using: &self.randomness))
    }

    // MARK: Longer ways

    /// A machine whose run is up.
    static func running(_ change: (inout WorkerSpecification) -> Void = { _ in }) -> MachineFixture {
        var fixture = MachineFixture(change)
        fixture.start()
        fixture.spawned()
        return fixture
    }

    /// Lets the present run, which is up, last for `uptime` and exit with `code`.
    @discardableResult
    mutating func run(for uptime: Duration, thenExit code: Int32 = 1) -> Action {
        self.now = self.now.later(by: uptime)
        return self.exited(code: code)
    }

    /// The time until the machine wants to be called.
    var timeToDeadline: Duration? {
        self.machine.deadline.map { self.now.monotonic.duration(to: $0) }
    }

    /// A crash that follows at once: the run comes up, and exits with 1. Waits for the backoff before it, if there is one.
    @discardableResult
    mutating func crash() -> Action {
        if self.state == .backoff, let time = self.timeToDeadline {
            self.wait(time)
        }
        self.spawned()
        return self.exited(code: 1)
    }

    private mutating func seen(_ action: Action) -> Action {
        if case .spawn(let run) = action.process {
            self.run = run
        }
        return action
    }
}

extension InstanceStateMachine.Action.Process {
    /// The case without its values.
    enum Kind: Equatable { case none, spawn, terminate, kill }

    var kind: Kind {
        switch self {
        case .none: .none
        case .spawn: .spawn
        case .terminate: .terminate
        case .kill: .kill
        }
    }
}
