import Glibc
import LinuxSystem
import Supervision

/// The real kernel under the supervisor: creates processes on the spawn lanes, watches them by pidfd, kills what is left
/// of them, and reaps. As a subreaper it gets every process of a run whose parent has ended, so nothing gets away.
///
/// The zombie of a main process stays until its exit was committed and nothing else of its run is left: as long as it is
/// there its number and its process group's cannot be used again.
final class LinuxKernel: Kernel {
    /// A run from the moment it is asked for until nothing of it is left and its exit is recorded.
    final class Run {
        let plan: SpawnPlan
        var ticket: Spawner.Ticket?
        var pid: Int32?
        var pidfd: PIDFD?
        var registration: EventLoop.Registration?
        /// The agent's own resident memory, in bytes, when the run was created or soon after it; `nil` until that is looked
        /// up. The kernel counts it as the run's: execve keeps the high-water mark of the memory that it leaves, which was
        /// shared with the agent.
        var residentFloor: Int64?
        /// The main process has ended; it is a zombie until it is reaped.
        var isEnded = false
        var isCommitted = false
        /// Nothing but the zombie is left.
        var isCleared = false
        /// What is left is being killed, as often as it takes.
        var isBeingKilled = false
        var stopCommand: StopCommand?
        /// It was told to end, by this signal or by the stop command in its place.
        var stopSignal: Signal?
        /// SIGKILL was sent to it by name.
        var wasSentKill = false
        /// Whose child its process is, and so the orphans of it: the keeper's, for a run of the agent before.
        var home = ProcessTable.Home.own

        init(plan: SpawnPlan) {
            self.plan = plan
        }
    }

    /// The runs of which something lives, among all processes of the system: while many that have ended are looked at.
    enum LivingRuns {
        case unknown
        case onDemand
        case known(Set<String>)
    }

    /// A worker's stop command while it runs.
    final class StopCommand {
        var pidfd: PIDFD
        let pid: Int32
        var registration: EventLoop.Registration?

        init(pidfd: PIDFD, pid: Int32) {
            self.pidfd = pidfd
            self.pid = pid
        }
    }

    var deliver: ((KernelEvent) -> Void)?

    let loop: EventLoop
    let spawner: Spawner
    let environment: WorkerEnvironment
    let processes: ProcessTable
    let capture: RunCapture
    let outOfMemory: OutOfMemoryWatch
    /// `nil` where nobody guards the agent.
    let custody: Custody?
    private let memory = ResidentMemory()
    /// Runs whose `residentFloor` is to be looked up.
    private var unmeasured: [RunID] = []
    /// How long that may wait: the look costs as much as the decision on a restart, and whoever created the process runs
    /// on its processor just when it wants to go on into its program.
    private static let measuringDelay = Duration.milliseconds(2)
    var runs: [RunID: Run] = [:]
    /// Somebody else is about to go on with the runs: nothing more is done to them here.
    var isHandedOver = false
    var livingRuns = LivingRuns.unknown
    /// Ended runs of which something is left.
    var uncleared: Set<RunID> = []
    /// The next look at those whose remains are somebody else's children, whose ends nobody tells of.
    private var nextLook: EventLoop.Deadline?
    private var lookDelay = LinuxKernel.firstLook
    private static let firstLook = Duration.milliseconds(2)
    private static let longestLook = Duration.milliseconds(100)
    private var timers: [TimerID: EventLoop.Deadline] = [:]

    init(
        loop: EventLoop,
        spawner: Spawner,
        environment: WorkerEnvironment,
        processes: ProcessTable,
        capture: RunCapture,
        custody: Custody? = nil
    ) {
        self.loop = loop
        self.spawner = spawner
        self.environment = environment
        self.processes = processes
        self.capture = capture
        self.custody = custody
        self.outOfMemory = OutOfMemoryWatch(loop: loop, spawner: spawner)
    }

    var hasWaitingStarts: Bool {
        self.spawner.hasWaitingJobs
    }

    func now() -> Moment {
        Moment(
            monotonic: SuspendingClock.now,
            wall: Timestamp(nanosecondsSinceEpoch: WallClock.nanosecondsSinceEpoch)
        )
    }

    func announce(_ note: RunNote) {
        self.custody?.note(note, outOfMemoryKills: self.outOfMemory.countedKills)
    }

    // MARK: The end of a run

    /// The main process's pidfd became readable.
    func mainProcessEnded(_ run: Run) {
        guard let pidfd = run.pidfd, !run.isEnded else { return }
        if run.stopSignal == nil {
            // Most likely another run follows, and at once.
            self.spawner.alert()
        }
        var ended = InstanceStateMachine.Ended(status: nil)
        do throws(Errno) {
            guard let exit = try pidfd.peek() else { return }
            if run.residentFloor == nil {
                self.measure()
            }
            ended.status = WaitStatus(rawValue: exit.waitStatus)
            ended.usage = ResourceUsage(
                user: exit.usage.user,
                system: exit.usage.system,
                maximumResidentBytes: exit.usage.maximumResidentBytes > run.residentFloor ?? .max
                    ? exit.usage.maximumResidentBytes : nil
            )
        } catch {
            // ECHILD: somebody else reaped our child. The truth is then that nobody knows.
        }
        self.mainProcessEnded(run, ended)
    }

    /// It is known how the main process ended; what is left of the run is to be looked for.
    func mainProcessEnded(_ run: Run, _ known: InstanceStateMachine.Ended) {
        guard let pid = run.pid, !run.isEnded, !self.isHandedOver else { return }
        var ended = known
        run.isEnded = true
        self.lookForOutOfMemory(run, &ended)
        ended.leavesProcesses = self.hasRemains(run)
        run.isCleared = !ended.leavesProcesses
        if ended.leavesProcesses {
            self.keepLooking(at: run)
        } else {
            self.endStopCommand(of: run)
        }
        self.deliver?(.exited(run.plan.instance, run.plan.run, ended))
        if ended.leavesProcesses, let signal = run.stopSignal, !run.isBeingKilled {
            self.terminateOutsideGroup(run, pid, signal)
        }
        self.reapIfDone(run)
    }

    /// Only a SIGKILL that the agent did not send is worth reading counters for.
    private func lookForOutOfMemory(_ run: Run, _ ended: inout InstanceStateMachine.Ended) {
        let isOwn = run.isBeingKilled || run.wasSentKill || run.stopSignal == .kill
        guard ended.status?.signal == .kill, !isOwn else {
            self.outOfMemory.ended(run.plan.instance, run.plan.run)
            return
        }
        let verdict = self.outOfMemory.killed(run.plan.instance, run.plan.run)
        ended.oom = verdict.oom
        ended.evidence = verdict.evidence
    }

    /// SIGCHLD: some descendant that was given to us has ended. Reaps it, and looks at the runs of which something was left.
    func childrenChanged() {
        // With lists of children the main processes are not among the orphans: they are the spawn lanes' children.
        let leaders = self.processes.listsChildren ? [] : Set(self.runs.values.compactMap(\.pid))
        self.processes.reapStrangers(except: leaders)
        guard !self.uncleared.isEmpty else { return }
        for id in self.uncleared {
            if let run = self.runs[id] {
                self.clearIfGone(run)
            }
        }
    }

    /// Whether anything but the main process is left of an ended run.
    func hasRemains(_ run: Run) -> Bool {
        guard let pid = run.pid else { return false }
        if run.home == .anywhere, self.isSurelyGone(run) {
            return false
        }
        return self.processes.hasRemains(leader: pid, runID: run.plan.run.description, home: run.home)
    }

    /// Nothing joins a run of which nothing lives, so that one look does for all that had ended before it.
    private func isSurelyGone(_ run: Run) -> Bool {
        if case .onDemand = self.livingRuns {
            self.livingRuns = .known(self.processes.livingRuns())
        }
        guard case .known(let living) = self.livingRuns else { return false }
        return !living.contains(run.plan.run.description)
    }

    /// Something is left of an ended run. Its end is told by SIGCHLD where it is this process's child, else it is looked for.
    func keepLooking(at run: Run) {
        self.uncleared.insert(run.plan.run)
        self.lookSoonIfNoEndTells(of: run)
    }

    private func lookSoonIfNoEndTells(of run: Run) {
        guard self.nextLook == nil, !self.isToldOfEnds(of: run) else { return }
        self.lookDelay = Self.firstLook
        self.lookSoon()
    }

    /// Whether SIGCHLD comes when the last one of a run that is left ends.
    private func isToldOfEnds(of run: Run) -> Bool {
        run.home == .own && !(run.pid.map { self.processes.isUnsettled(leader: $0) } ?? false)
    }

    private func lookSoon() {
        guard self.nextLook == nil else { return }
        self.nextLook = self.loop.schedule(at: SuspendingClock.now.advanced(by: self.lookDelay)) { [unowned self] in
            self.nextLook = nil
            self.lookDelay = min(self.lookDelay * 2, Self.longestLook)
            let untold = self.uncleared.compactMap { self.runs[$0] }.filter { !self.isToldOfEnds(of: $0) }
            for run in untold {
                self.clearIfGone(run)
            }
            if untold.contains(where: { !$0.isCleared && !self.isToldOfEnds(of: $0) }) {
                self.lookSoon()
            }
        }
    }

    private func clearIfGone(_ run: Run) {
        if self.hasRemains(run) {
            if run.isBeingKilled {
                _ = self.killProcesses(of: run)
            }
            return self.lookSoonIfNoEndTells(of: run)
        }
        self.uncleared.remove(run.plan.run)
        run.isCleared = true
        self.endStopCommand(of: run)
        self.deliver?(.cleared(run.plan.instance, run.plan.run))
        self.reapIfDone(run)
    }

    func committed(_ id: RunID) {
        guard let run = self.runs[id] else { return }
        run.isCommitted = true
        self.reapIfDone(run)
    }

    func reapIfDone(_ run: Run) {
        guard run.isEnded, run.isCommitted, run.isCleared else { return }
        if run.home == .own {
            // ECHILD when somebody else has reaped it: it is gone all the same.
            _ = try? run.pidfd?.reap()
        }
        if let registration = run.registration {
            self.loop.deregister(registration)
            run.registration = nil
        }
        run.pidfd?.close()
        run.pidfd = nil
        if let pid = run.pid {
            self.processes.foreignLeaders.remove(pid)
        }
        self.runs[run.plan.run] = nil
        // The keeper reaps what is its own, and holds nothing but pipes from now on.
        self.custody?.committed(run.plan.run)
    }

    // MARK: Memory

    /// Looks up the run's floor in a moment, together with those of the runs that are created meanwhile.
    func measureSoon(_ run: Run) {
        self.unmeasured.append(run.plan.run)
        guard self.unmeasured.count == 1 else { return }
        self.loop.schedule(at: SuspendingClock.now.advanced(by: Self.measuringDelay)) { [unowned self] in
            self.measure()
        }
    }

    private func measure() {
        guard !self.unmeasured.isEmpty else { return }
        let floor = self.memory.highWaterMark()
        for id in self.unmeasured {
            self.runs[id]?.residentFloor = floor
        }
        self.unmeasured.removeAll(keepingCapacity: true)
    }

    // MARK: Signals

    func terminate(_ id: RunID, with signal: Signal) -> Int {
        guard let run = self.runs[id], let pid = run.pid else { return 0 }
        run.stopSignal = signal
        // EPERM when every process of the group has changed its user beyond our reach: then nobody was told.
        let count = try? self.processes.terminate(
            leader: pid,
            runID: id.description,
            leaderAlive: !run.isEnded,
            signal: signal.number,
            home: run.home
        )
        return count ?? 0
    }

    /// The main process has ended as it was told; what had left its group has heard nothing yet.
    private func terminateOutsideGroup(_ run: Run, _ pid: Int32, _ signal: Signal) {
        let count = self.processes.terminateOutsideGroup(
            leader: pid,
            runID: run.plan.run.description,
            signal: signal.number,
            home: run.home
        )
        guard count > 0 else { return }
        let whom = count == 1 ? "1 process that has" : "\(count) processes that have"
        self.deliver?(.noted(run.plan.instance, "\(signal) sent to \(whom) left the group"))
    }

    func signal(_ id: RunID, _ signal: Signal, _ scope: SignalScope) -> Bool {
        guard let run = self.runs[id], let pidfd = run.pidfd, let pid = run.pid, !run.isEnded else { return false }
        run.wasSentKill = run.wasSentKill || signal == .kill
        switch scope {
        case .main: return (try? pidfd.send(signal.number)) ?? false
        // The unreaped leader keeps the number of the group. One that somebody else reaps is looked at first.
        case .group:
            if run.home == .anywhere, (try? pidfd.send(0)) != true { return false }
            return Glibc.kill(-pid, signal.number) == 0
        }
    }

    func kill(_ id: RunID) -> Int {
        guard let run = self.runs[id] else { return 0 }
        run.isBeingKilled = true
        guard run.pid != nil else {
            self.abortSpawn(of: run)
            return 0
        }
        self.endStopCommand(of: run)
        let count = self.killProcesses(of: run)
        if run.isEnded, count == 0 {
            // Nobody is there whose end would be told. Events are never delivered from within a call.
            self.loop.schedule(at: SuspendingClock.now) { [unowned self, weak run] in
                if let run, !run.isCleared {
                    self.clearIfGone(run)
                }
            }
        }
        return count
    }

    private func killProcesses(of run: Run) -> Int {
        guard let pid = run.pid else { return 0 }
        return self.processes.killAll(
            leader: pid,
            runID: run.plan.run.description,
            leaderAlive: !run.isEnded,
            home: run.home
        )
    }

    // MARK: Time

    func setTimer(_ timer: TimerID, _ instant: MonotonicInstant?) {
        if let earlier = self.timers.removeValue(forKey: timer) {
            self.loop.cancel(earlier)
        }
        guard let instant else { return }
        self.timers[timer] = self.loop.schedule(at: instant) { [unowned self] in
            self.timers[timer] = nil
            self.deliver?(.timeReached(timer))
        }
    }
}
