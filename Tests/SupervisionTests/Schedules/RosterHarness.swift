@testable import Supervision

/// A roster on a simulated kernel and hand-moved time. It performs the effects, and throws when one is illegal.
struct RosterHarness {
    /// What happened, for the one who reads a failure.
    enum Entry: Sendable {
        case submitted(OperationRequest)
        case moved(String, RunID)
        case told(Report)
        case time(Duration, MonotonicInstant)
        case fired(TimerID)
        case effects([Effect])
    }

    private(set) var roster: WorkerRoster
    private(set) var now = Moment.beginning
    /// Runs of which the roster was not told everything.
    var runs: [RunID: SimulatedRun] = [:]
    /// The last run of each instance that is over, to tell things of it once more.
    private(set) var past: [InstanceID: SimulatedRun] = [:]
    var inbox: [Report] = []
    private(set) var timers: [TimerID: MonotonicInstant] = [:]
    private(set) var model: RosterModel
    private(set) var log: [Entry] = []
    private(set) var signals: [Effect] = []
    private(set) var ended: [OperationID] = []
    /// The upgrade of which the roster waits to hear.
    private(set) var upgrade: OperationID?
    /// With which the agent ended.
    private(set) var exitStatus: UInt8?
    private(set) var memory = RosterMemory()
    private var nextPid: Int32 = 100

    init(_ specifications: [WorkerSpecification], seed: UInt64 = 1) {
        self.roster = WorkerRoster(specifications: specifications, randomness: Randomness(seed: seed))
        self.model = RosterModel(specifications)
    }

    // MARK: Calls into the roster

    mutating func begin() throws(Violation) {
        self.roster.begin(at: self.now)
        try self.perform()
    }

    @discardableResult
    mutating func submit(_ request: OperationRequest) throws(Violation) -> OperationSubmission {
        self.log.append(.submitted(request))
        let isEnding = self.model.isShuttingDown
        self.model.submitted(request)
        let submission = self.roster.submit(request, at: self.now)
        try self.perform()
        try self.model.check(submission, of: request, isEnding: isEnding)
        return submission
    }

    mutating func note(_ id: InstanceID, _ text: String) throws(Violation) {
        self.roster.note(id, text, at: self.now)
        try self.perform()
    }

    /// Tells what became of the upgrade that was asked for; `nil` when the new binary is trusted. Nobody knows whether it is
    /// wanted still.
    mutating func tellOfUpgrade(refusal: String?) throws(Violation) {
        self.upgrade = nil
        if let refusal {
            self.roster.upgradeRefused(refusal, at: self.now)
        } else {
            self.roster.upgradeSucceeded(at: self.now)
        }
        try self.perform()
    }

    /// Tells the oldest report of the inbox that is `report`.
    mutating func tell(_ report: Report) throws(Violation) {
        guard let place = self.inbox.firstIndex(of: report), var run = self.runs[report.run] else {
            throw Violation("the test tells what did not happen")
        }
        self.inbox.remove(at: place)
        self.log.append(.told(report))
        switch report.kind {
        case .outcome:
            if case .failed(let error) = run.process {
                run.isEndTold = true
                self.runs[run.id] = run
                self.model.expectsExit(of: run, as: nil)
                self.roster.spawnFailed(run.instance, run.id, error, at: self.now)
            } else {
                // After its exit the outcome of exec is stale.
                if !run.isExitTold {
                    run.upAt = self.now
                }
                self.runs[run.id] = run
                self.roster.spawned(run.instance, run.id, pid: run.pid, at: self.now)
            }
        case .exit:
            guard case .ended(let status) = run.process else { throw Violation("the test tells a false exit") }
            run.isExitTold = true
            run.owesCleared = run.hasRest
            run.isEndTold = !run.hasRest
            self.runs[run.id] = run
            let ended = InstanceStateMachine.Ended(status: status, oom: .no, leavesProcesses: run.hasRest)
            self.model.expectsExit(of: run, as: ended)
            self.roster.exited(run.instance, run.id, ended, at: self.now)
        case .cleared:
            run.isEndTold = true
            self.runs[run.id] = run
            self.roster.cleared(run.instance, run.id, at: self.now)
        }
        try self.perform()
        self.forget(run.id)
    }

    /// Tells of a run that is over once more, or the exit of one that has left processes; nothing may follow.
    mutating func tellAgain(_ id: InstanceID, _ kind: Report.Kind) throws(Violation) {
        let leaving = kind == .exit ? self.runs.values.first { $0.instance == id && $0.isExitTold } : nil
        guard let run = leaving ?? self.past[id] else { return }
        switch kind {
        case .outcome: self.roster.spawned(id, run.id, pid: run.pid, at: self.now)
        case .exit:
            self.roster.exited(id, run.id, .init(status: WaitStatus(exitCode: 3)), at: self.now)
        case .cleared: self.roster.cleared(id, run.id, at: self.now)
        }
        let effects = self.roster.takeEffects()
        guard effects.isEmpty else { throw Violation("a stale report has the effects \(effects)") }
        try self.checkBetweenCalls()
    }

    // MARK: Time

    mutating func advance(by duration: Duration) {
        self.now = self.now.later(by: duration)
        self.log.append(.time(duration, self.now.monotonic))
    }

    /// Calls as the timer's time has come, whether it has or not; a timer goes off once.
    mutating func fire(_ timer: TimerID) throws(Violation) {
        self.log.append(.fired(timer))
        self.timers[timer] = nil
        self.roster.timeReached(timer, at: self.now)
        try self.perform()
        if let next = self.timers[timer], next <= self.now.monotonic {
            throw Violation("\(timer): asks for a time that has passed")
        }
    }

    /// The timer whose time comes first.
    var nextTimer: (id: TimerID, at: MonotonicInstant)? {
        let first = self.timers.min { a, b in
            // The order of a dictionary is another in each process; a schedule has to be the same in all.
            a.value < b.value || a.value == b.value && "\(a.key)" < "\(b.key)"
        }
        return first.map { ($0.key, $0.value) }
    }

    /// Moves time on, calling at each time that was asked for.
    mutating func wait(_ duration: Duration) throws(Violation) {
        let end = self.now.monotonic.advanced(by: duration)
        while let (timer, at) = self.nextTimer, at <= end {
            if self.now.monotonic < at {
                self.advance(by: self.now.monotonic.duration(to: at))
            }
            try self.fire(timer)
        }
        self.advance(by: self.now.monotonic.duration(to: end))
    }

    // MARK: Effects

    private mutating func perform() throws(Violation) {
        let effects = self.roster.takeEffects()
        self.log.append(.effects(effects))
        for effect in effects {
            try self.perform(effect)
        }
        self.memory.take(from: &self.roster, at: self.now)
        try self.model.endOfCall(at: self.now)
        try self.checkBetweenCalls()
    }

    private mutating func perform(_ effect: Effect) throws(Violation) {
        switch effect {
        case .announce: throw Violation("there is nobody to announce a run to")
        case .spawn(let id, let run):
            if let old = self.runs.values.first(where: { $0.instance == id && !($0.isGone && $0.isEndTold) }) {
                throw Violation("\(id): a spawn while something of run \(old.id) is left")
            }
            guard self.runs[run] == nil, self.past[id]?.id != run else { throw Violation("\(id): a run twice") }
            self.runs[run] = SimulatedRun(instance: id, id: run, pid: self.nextPid, askedAt: self.now)
            self.nextPid += 1
            self.model.spawned(id, run)
        case .terminate(let id, let run, let method):
            let present = try self.present(id, run, effect)
            guard present.upAt != nil, !present.isExitTold, !present.terminateSent, !present.killSent else {
                throw Violation("\(id): \(effect) at the wrong time")
            }
            let stop = self.roster.specifications.first { $0.name == id.worker }?.stop ?? StopPolicy()
            guard method == (stop.command.isEmpty ? .signal(stop.signal) : .command) else {
                throw Violation("\(id): \(effect) is not how it is stopped")
            }
            self.runs[run]?.terminateSent = true
        case .kill(let id, let run):
            let present = try self.present(id, run, effect)
            // While it is being created, every second kill comes too early for it.
            if present.process != .asked || present.pid % 2 == 0 {
                self.runs[run]?.killSent = true
                self.runs[run]?.killsNeeded -= 1
            }
        case .signal(let id, let run, _, _):
            let present = try self.present(id, run, effect)
            guard present.upAt != nil, !present.isExitTold else {
                throw Violation("\(id): \(effect) at the wrong time")
            }
            self.signals.append(effect)
        case .timer(let timer, let at):
            guard self.timers[timer] != at else { throw Violation("\(timer): set to what it is") }
            self.timers[timer] = at
        case .upgrade(let id):
            guard self.model.operations[id]?.action == .upgrade, self.model.active.contains(id) else {
                throw Violation("operation \(id) is no upgrade that was published")
            }
            self.upgrade = id
        case .publish(let transition):
            try self.model.see(transition, runs: self.runs)
        case .ended(let id, let exitStatus):
            guard self.ended.isEmpty, self.runs.values.allSatisfy({ $0.isGone && $0.isEndTold }) else {
                throw Violation("ended, and something is left")
            }
            try self.model.ended(id, exitStatus)
            self.ended.append(id)
            self.exitStatus = exitStatus
        }
    }

    private func present(_ id: InstanceID, _ run: RunID, _ effect: Effect) throws(Violation) -> SimulatedRun {
        guard let present = self.runs[run], present.instance == id, !present.isEndTold else {
            throw Violation("\(id): \(effect), and there is no such run")
        }
        return present
    }

    /// What has to be true whenever the roster is not at work.
    private func checkBetweenCalls() throws(Violation) {
        let present = self.roster.slots.filter(\.isPresent)
        guard Set(present.map(\.machine.id)) == Set(self.model.statuses.keys),
            present.count == self.roster.slotIndex.count
        else { throw Violation("there are other instances than those that were published") }
        for slot in present {
            let id = slot.machine.id
            guard self.timers[.instance(id)] == slot.machine.deadline else {
                throw Violation("\(id): its timer is not its deadline")
            }
            guard let status = self.model.statuses[id], self.roster.status(of: id) == status else {
                throw Violation("\(id): its status is not the one that was published")
            }
            switch status.state {
            case .starting, .running, .stopping:
                guard let run = status.runID.flatMap({ self.runs[$0] }), !run.isEndTold else {
                    throw Violation("\(id): \(status.state) without a run")
                }
            case .backoff:
                guard self.timers[.instance(id)] != nil else { throw Violation("\(id): waits for nothing") }
            case .stopped, .waiting, .finished, .failed: break
            }
        }
        let upgrade = self.roster.upgrade.map { [$0.id] } ?? []
        guard self.model.active == Set(self.roster.operations.keys).union(upgrade) else {
            throw Violation("active operations are not those that were published")
        }
        for (id, active) in self.roster.operations where self.timers[.operation(id)] != Self.deadline(of: active) {
            throw Violation("operation \(id): its timer is not its deadline")
        }
    }

    /// The earliest time that a step waits for, found by looking at all of them.
    private static func deadline(of active: ActiveOperation) -> MonotonicInstant? {
        active.steps.compactMap { step in
            switch step.phase {
            case .starting(let limit): limit
            case .observing(let until): until
            case .pending, .ending, .awaitingRun, .done: nil
            }
        }.min()
    }

    private mutating func forget(_ id: RunID) {
        guard let run = self.runs[id], run.isEndTold, !self.inbox.contains(where: { $0.run == id }) else { return }
        self.runs[id] = nil
        self.past[run.instance] = run
    }

    mutating func moved(_ what: String, _ run: RunID) {
        self.log.append(.moved(what, run))
    }
}
