// What happens to one instance, decided apart from doing it.
//
// An instance is in one of eight states (`State`). Events come in: what is asked (start, stop, restart, reset) and what
// happened (spawned, spawnFailed, exited, cleared, timeReached). Each answers with an `Action` of fixed slots; the shell
// performs it after the state has settled. Time and chance are arguments.
//
// A run goes spawning → running → (stopping) → (clearing) → the next state:
// * spawning: the process is asked for; the call may last, because exec can hang. Asked to end meanwhile, the run is ended
//   as soon as the outcome is known, and killed when the grace period passes first.
// * running: it is up.
// * stopping: it was told to end, by the signal or the command of its stop policy. When the grace period has passed,
//   everything that is left of it is killed (escalation), and again each second while something remains. When the main
//   process ends first, what else is left of the run is told as well, and keeps the rest of the grace period.
// * clearing: it ended by itself, but processes of it are left. They are killed at once; nothing follows before they are gone.
// After the end: stopped when that was asked; spawning when a restart was asked; else the policy decides between a restart at
// once, backoff, finished and failed.
//
// Commands interrupt each other in these ways:
// * stop during spawning, or start and restart during stopping, change what comes after the end, never the end itself.
// * a stop with a shorter grace period than the one that runs shortens it; one with a longer does not lengthen it.
// * start and restart forget consecutive failures and the restart window; so an operator is never held up by them.
//
// An exit is decided once, when the main process ends: `Action.exit` carries its record. An exit may arrive before the
// outcome of exec (both travel on different ways); it is decided then, and the outcome that follows is stale.
// Events of another run than the present one are stale and do nothing: they raced with the end of their run.

/// The state machine of one instance.
public struct InstanceStateMachine: Equatable, Sendable {
    /// Who asked, for the record of the exit.
    public struct Requester: Equatable, Sendable {
        public var requestedBy: String
        public var operationID: OperationID?

        public init(requestedBy: String, operationID: OperationID?) {
            self.requestedBy = requestedBy
            self.operationID = operationID
        }
    }

    enum State: Equatable, Sendable {
        /// No process, none wanted.
        case stopped
        /// The process is asked for, the outcome not known; with an `Ending` when it was asked to end meanwhile.
        case spawning(Run, Ending?)
        /// It is up.
        case running(Run)
        /// It was told to end; its main process may have ended already.
        case stopping(Run, Ending)
        /// It ended by itself; what is left of it is being killed.
        case clearing(Run, Clearing)
        /// Wanted; the next start comes by time.
        case backoff(Backoff)
        /// Ended well, and its policy wants no restart.
        case finished
        /// Given up, perhaps until a time.
        case failed(retryAt: Moment?)
    }

    struct Run: Equatable, Sendable {
        var id: RunID
        /// When it was asked for, and from `spawned` on when it began.
        var startedAt: Moment
        var pid: Int32?
        var readyAt: Timestamp?
        /// Signals that somebody sent by name, newest last, bounded by `maximumSentSignals`.
        var sent: [SentSignal] = []
        /// The run before, when this one followed it.
        var replaced: RunNote.Replaced?
        /// Whether the agent started it by itself after an exit.
        var isAutomatic = false
    }

    struct SentSignal: Equatable, Sendable {
        var signal: Signal
        var requester: Requester
    }

    struct Ending: Equatable, Sendable {
        enum Kill: Equatable, Sendable {
            case notSent
            /// Asked for with a grace period of zero.
            case atOnce
            /// The grace period had passed.
            case afterGrace
        }

        var startsAgain: Bool
        var requester: Requester
        /// When the grace period ends; from then on when to kill again.
        var deadline: MonotonicInstant
        var kill: Kill
        /// When the run was told.
        var toldAt: MonotonicInstant
        /// From then until it was killed for the first time; `nil` before that.
        var killedAfter: Duration?
        /// The main process has ended, and only the rest of the run is waited for.
        var mainProcessEnded: Bool
    }

    struct Clearing: Equatable, Sendable {
        var next: Next
        /// When to kill again, should something still be there.
        var deadline: MonotonicInstant
    }

    struct Backoff: Equatable, Sendable {
        var until: Moment
    }

    /// What follows the end of a run.
    enum Next: Equatable, Sendable {
        case stopped
        case finished
        case failed(retryAt: Moment?)
        /// `until` is `nil` for at once. `isAutomatic` is false when somebody asked for it.
        case start(until: Moment?, isAutomatic: Bool)
    }

    /// How often what is left of a run is killed again.
    static let killInterval = Duration.seconds(1)
    static let maximumSentSignals = 8

    public let id: InstanceID
    public let specification: WorkerSpecification
    private(set) var state: State = .stopped
    public private(set) var desired: DesiredState = .down
    public private(set) var consecutiveFailures = 0
    public private(set) var starts = 0
    public private(set) var restarts = 0
    private(set) var window = RestartWindow()
    /// The end of the run before, for the one that follows it.
    private var lastEnd: RunNote.Replaced?

    public init(id: InstanceID, specification: WorkerSpecification) {
        self.id = id
        self.specification = specification
    }

    // MARK: What is asked

    /// Starts the instance, or joins what already leads there. Answers whether anything changes.
    public mutating func start(
        by requester: Requester,
        at now: Moment,
        using randomness: inout Randomness
    ) -> (changed: Bool, action: Action) {
        self.desired = .up
        switch self.state {
        case .stopped, .finished, .failed, .backoff:
            self.forgetFailures()
            return (true, self.spawn(at: now, isAutomatic: false, using: &randomness))
        case .spawning(_, nil):
            return (true, .none)
        case .spawning(let run, .some(var ending)):
            self.forgetFailures()
            ending.startsAgain = true
            self.state = .spawning(run, ending)
            return (true, .none)
        case .running:
            return (false, .none)
        case .stopping(let run, var ending):
            self.forgetFailures()
            ending.startsAgain = true
            self.state = .stopping(run, ending)
            return (true, .none)
        case .clearing(let run, var clearing):
            self.forgetFailures()
            clearing.next = .start(until: nil, isAutomatic: false)
            self.state = .clearing(run, clearing)
            return (true, .none)
        }
    }

    /// Ends the instance, or joins the end that is under way. `grace` is the configured one where it is `nil`; zero kills at once.
    public mutating func stop(
        grace: Duration? = nil,
        by requester: Requester,
        at now: Moment
    ) -> (changed: Bool, action: Action) {
        let wasDesired = self.desired
        self.desired = .down
        switch self.state {
        case .stopped:
            return (wasDesired == .up, .none)
        case .finished, .failed, .backoff:
            self.state = .stopped
            return (true, .none)
        case .spawning, .running, .stopping:
            return (true, self.end(startsAgain: false, grace: grace, by: requester, at: now))
        case .clearing(let run, var clearing):
            clearing.next = .stopped
            self.state = .clearing(run, clearing)
            return (true, .none)
        }
    }

    /// Ends the present run, if there is one, and starts another.
    public mutating func restart(
        grace: Duration? = nil,
        by requester: Requester,
        at now: Moment,
        using randomness: inout Randomness
    ) -> Action {
        self.desired = .up
        self.forgetFailures()
        switch self.state {
        case .stopped, .finished, .failed, .backoff:
            return self.spawn(at: now, isAutomatic: false, using: &randomness)
        case .spawning, .running, .stopping:
            return self.end(startsAgain: true, grace: grace, by: requester, at: now)
        case .clearing(let run, var clearing):
            clearing.next = .start(until: nil, isAutomatic: false)
            self.state = .clearing(run, clearing)
            return .none
        }
    }

    /// Forgets consecutive failures and the restart window; `failed` becomes `stopped`. Answers whether anything changes.
    public mutating func reset() -> Bool {
        let hadSome = self.consecutiveFailures > 0 || !self.window.isEmpty
        self.forgetFailures()
        switch self.state {
        case .failed:
            self.state = .stopped
            self.desired = .down
            return true
        case .stopped, .spawning, .running, .stopping, .clearing, .backoff, .finished:
            return hadSome
        }
    }

    /// Takes note that `signal` is being sent to the main process by name. `nil` when there is none, else its run.
    public mutating func signal(_ signal: Signal, by requester: Requester) -> RunID? {
        func noting(_ run: Run) -> Run {
            var run = run
            run.sent.append(SentSignal(signal: signal, requester: requester))
            if run.sent.count > Self.maximumSentSignals {
                run.sent.removeFirst()
            }
            return run
        }
        switch self.state {
        case .running(let run):
            self.state = .running(noting(run))
            return run.id
        case .stopping(let run, let ending) where !ending.mainProcessEnded:
            self.state = .stopping(noting(run), ending)
            return run.id
        case .stopped, .spawning, .stopping, .clearing, .backoff, .finished, .failed:
            return nil
        }
    }

    /// The one place that tells a run to end; the state is spawning, running or stopping.
    private mutating func end(
        startsAgain: Bool,
        grace: Duration?,
        by requester: Requester,
        at now: Moment
    ) -> Action {
        let grace = grace ?? self.specification.stop.grace
        let deadline = now.monotonic.advanced(by: grace)
        let fresh = Ending(
            startsAgain: startsAgain,
            requester: requester,
            deadline: deadline,
            kill: .notSent,
            toldAt: now.monotonic,
            mainProcessEnded: false
        )
        switch self.state {
        case .spawning(let run, nil):
            self.state = .spawning(run, fresh)
            return grace <= .zero ? self.kill(.atOnce, at: now) : .none
        case .running(let run):
            self.state = .stopping(run, fresh)
            return grace <= .zero
                ? self.kill(.atOnce, at: now)
                : Action(process: .terminate(run.id, self.stopMethod))
        case .spawning(let run, .some(let ending)):
            self.state = .spawning(run, ending.joined(by: fresh))
            return grace <= .zero && ending.kill == .notSent ? self.kill(.atOnce, at: now) : .none
        case .stopping(let run, let ending):
            self.state = .stopping(run, ending.joined(by: fresh))
            return grace <= .zero && ending.kill == .notSent ? self.kill(.atOnce, at: now) : .none
        case .stopped, .clearing, .backoff, .finished, .failed:
            preconditionFailure("\(self.id): there is no run to end in \(self.state)")
        }
    }

    var stopMethod: StopMethod {
        self.specification.stop.command.isEmpty ? .signal(self.specification.stop.signal) : .command
    }

    // MARK: Steps that several events share; the parts in other files use them.

    mutating func set(_ state: State) {
        self.state = state
    }

    mutating func setFailures(_ count: Int) {
        self.consecutiveFailures = count
    }

    private mutating func forgetFailures() {
        self.consecutiveFailures = 0
        self.window.forget()
    }

    /// Whether the restart limit allows one more automatic restart; takes note of it if so.
    mutating func admitRestart(at now: Moment) -> Bool {
        guard let limit = self.specification.restartLimit else { return true }
        return self.window.admit(at: now.monotonic, limit: limit)
    }

    /// Takes over what is known of the time before.
    mutating func recall(starts: Int, restarts: Int, failures: Int, window: RestartWindow) {
        self.starts = starts
        self.restarts = restarts
        self.consecutiveFailures = failures
        self.window = window
    }

    /// Takes note of an end that was decided, for the run that follows it.
    mutating func noteEnd(_ record: ExitRecord) {
        self.lastEnd = RunNote.Replaced(runID: record.runID, decision: record.decision)
    }

    mutating func want(_ desired: DesiredState) {
        self.desired = desired
    }

    mutating func forgetWindow() {
        self.window.forget()
    }

    /// Begins a new run. Nothing of an old one is left.
    mutating func spawn(at now: Moment, isAutomatic: Bool, using randomness: inout Randomness) -> Action {
        var run = Run(id: RunID(at: now.wall, using: &randomness), startedAt: now)
        run.replaced = self.lastEnd
        run.isAutomatic = isAutomatic
        self.lastEnd = nil
        self.state = .spawning(run, nil)
        self.starts += 1
        if isAutomatic {
            self.restarts += 1
        }
        return Action(process: .spawn(run.id))
    }

    /// Kills all of the run that is ending, and sets the time to kill again.
    mutating func kill(_ kind: Ending.Kill, at now: Moment) -> Action {
        switch self.state {
        case .spawning(let run, .some(var ending)):
            ending.kill = ending.kill == .notSent ? kind : ending.kill
            ending.deadline = now.monotonic.advanced(by: Self.killInterval)
            self.state = .spawning(run, ending)
            return Action(process: .kill(run.id))
        case .stopping(let run, var ending):
            ending.kill = ending.kill == .notSent ? kind : ending.kill
            ending.killedAfter = ending.killedAfter ?? ending.toldAt.duration(to: now.monotonic)
            ending.deadline = now.monotonic.advanced(by: Self.killInterval)
            self.state = .stopping(run, ending)
            return Action(process: .kill(run.id))
        case .stopped, .spawning(_, nil), .running, .clearing, .backoff, .finished, .failed:
            preconditionFailure("\(self.id): nothing was told to end in \(self.state)")
        }
    }
}

extension InstanceStateMachine.Ending {
    /// This end, after somebody asked for one again: the later wish decides what follows, the earlier deadline stays, and
    /// the exit is put down to who asked first.
    fileprivate func joined(by other: Self) -> Self {
        var joined = self
        joined.startsAgain = other.startsAgain
        if self.kill == .notSent {
            joined.deadline = min(self.deadline, other.deadline)
        }
        return joined
    }
}
