import LinuxSystem
import Supervision

@testable import Agent

/// A kernel without processes, whose time is moved by hand. It answers nothing by itself, and fails the test by a trap when
/// it is asked for something that the real one could not do.
final class SimulatedKernel: Kernel {
    var deliver: ((KernelEvent) -> Void)?

    struct Run: Equatable {
        var id: InstanceID
        var pid: Int32?
        var isEnded = false
        var isCommitted = false
        var hasRemains = false
    }

    private(set) var time = SuspendingClock.now
    private(set) var wall = Timestamp(nanosecondsSinceEpoch: 1_700_000_000_000_000_000)
    private(set) var runs: [RunID: Run] = [:]
    /// What somebody else would know of the runs.
    private(set) var announced: [RunID: RunNote] = [:]
    /// Runs in the order in which they were asked for.
    private(set) var asked: [RunID] = []
    private(set) var timers: [TimerID: MonotonicInstant] = [:]
    /// What it was asked to do, in words.
    private(set) var calls: [String] = []
    private var nextPID: Int32 = 100

    let hasWaitingStarts = false

    func now() -> Moment {
        Moment(monotonic: self.time, wall: self.wall)
    }

    // MARK: What the supervisor asks

    func announce(_ note: RunNote) {
        self.announced[note.runID] = note
    }

    func spawn(_ plan: SpawnPlan) {
        precondition(self.announced[plan.run] != nil, "\(plan.instance) is spawned before it is announced")
        precondition(!self.runs.values.contains { $0.id == plan.instance && !$0.isGone }, "\(plan.instance) runs twice")
        self.runs[plan.run] = Run(id: plan.instance)
        self.asked.append(plan.run)
        self.calls.append("spawn \(plan.instance)")
    }

    func terminate(_ run: RunID, with signal: Signal) -> Int {
        self.calls.append("terminate \(self.name(run)) \(signal)")
        return 2
    }

    func runStopCommand(_ plan: SpawnPlan) {
        self.calls.append("stop command \(plan.instance)")
    }

    func kill(_ run: RunID) -> Int {
        self.calls.append("kill \(self.name(run))")
        return 1
    }

    func signal(_ run: RunID, _ signal: Signal, _ scope: SignalScope) -> Bool {
        self.calls.append("signal \(self.name(run)) \(signal) \(scope)")
        return true
    }

    func committed(_ run: RunID) {
        precondition(self.runs[run]?.isCommitted == false, "an exit was committed twice")
        self.runs[run]?.isCommitted = true
        self.calls.append("committed \(self.name(run))")
    }

    func setTimer(_ timer: TimerID, _ instant: MonotonicInstant?) {
        self.timers[timer] = instant
    }

    private func name(_ run: RunID) -> String {
        self.runs[run].map { "\($0.id)" } ?? "nobody"
    }

    // MARK: What the test makes happen

    func takeCalls() -> [String] {
        defer { self.calls = [] }
        return self.calls
    }

    /// The latest run of an instance.
    func latest(_ id: InstanceID) -> RunID {
        guard let run = self.asked.last(where: { self.runs[$0]?.id == id }) else {
            preconditionFailure("\(id) was never started")
        }
        return run
    }

    func finishSpawn(_ id: InstanceID) {
        let run = self.latest(id)
        self.nextPID += 1
        self.runs[run]?.pid = self.nextPID
        self.deliver?(.spawned(id, run, pid: self.nextPID))
    }

    func failSpawn(_ id: InstanceID, _ errnoName: String) {
        let run = self.latest(id)
        self.runs[run]?.isEnded = true
        self.deliver?(
            .spawnFailed(id, run, StartError(stage: "exec", errno: 2, errnoName: errnoName, message: "cannot execute"))
        )
    }

    func end(_ id: InstanceID, _ status: WaitStatus, leavesProcesses: Bool = false) {
        let run = self.latest(id)
        self.runs[run]?.isEnded = true
        self.runs[run]?.hasRemains = leavesProcesses
        self.deliver?(.exited(id, run, .init(status: status, leavesProcesses: leavesProcesses)))
    }

    func clear(_ id: InstanceID) {
        let run = self.latest(id)
        self.runs[run]?.hasRemains = false
        self.deliver?(.cleared(id, run))
    }

    /// Moves the time, and fires what becomes due in its order.
    func advance(by duration: Duration) {
        let end = self.time.advanced(by: duration)
        while let (timer, instant) = self.timers.min(by: { $0.value < $1.value }), instant <= end {
            self.timers[timer] = nil
            self.move(to: instant)
            self.deliver?(.timeReached(timer))
        }
        self.move(to: end)
    }

    private func move(to instant: MonotonicInstant) {
        self.wall = self.wall.advanced(by: self.time.duration(to: instant))
        self.time = instant
    }
}

extension SimulatedKernel.Run {
    var isGone: Bool {
        self.isEnded && !self.hasRemains
    }
}
