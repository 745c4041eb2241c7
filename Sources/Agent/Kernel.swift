import Supervision

/// What the shell asks of the system: the seam under it. `LinuxKernel` is the real one.
///
/// All calls and all events belong to the supervision loop. A run is known from `spawn` until it was both committed and
/// cleared; calls for other runs do nothing.
protocol Kernel: AnyObject {
    /// Where events go; set once, before anything is asked.
    var deliver: ((KernelEvent) -> Void)? { get set }

    /// Whether processes were asked for that nobody has begun to create.
    var hasWaitingStarts: Bool { get }

    /// Both clocks, read once.
    func now() -> Moment

    /// What somebody who outlives the agent is to know of a run: before it is spawned, and whenever that changes.
    func announce(_ note: RunNote)

    /// Creates the process of a run; answers by `spawned` or `spawnFailed`. Never waits: exec can hang.
    func spawn(_ plan: SpawnPlan)

    /// Sends the signal to the run's process group, and SIGCONT after it. Answers how many processes that were. What has
    /// left the group is told as soon as the main process has ended, which until then may end it in its own way.
    func terminate(_ run: RunID, with signal: Signal) -> Int

    /// Runs the worker's stop command; what comes of it is `noted`.
    func runStopCommand(_ plan: SpawnPlan)

    /// Kills everything that is left of the run, also while its process is being created. Answers how many processes that
    /// were.
    func kill(_ run: RunID) -> Int

    /// Sends a signal to the main process or its group. Answers whether there was somebody to send it to.
    func signal(_ run: RunID, _ signal: Signal, _ scope: SignalScope) -> Bool

    /// The exit of the run is recorded for good: its zombie may go as soon as nothing else of the run is left.
    func committed(_ run: RunID)

    /// Delivers `timeReached` at this instant instead of any other asked for under this name; `nil` for never.
    func setTimer(_ timer: TimerID, _ instant: MonotonicInstant?)
}

/// What happened in the system.
enum KernelEvent {
    case spawned(InstanceID, RunID, pid: Int32)
    case spawnFailed(InstanceID, RunID, StartError)
    /// The main process ended. When it leaves processes, `cleared` follows as soon as they are gone.
    case exited(InstanceID, RunID, InstanceStateMachine.Ended)
    case cleared(InstanceID, RunID)
    /// Something worth a line in the transcripts of the operations that are at work on the instance.
    case noted(InstanceID, String)
    case timeReached(TimerID)
}

/// All that is needed to create a process of an instance, on whatever thread that is done.
struct SpawnPlan: Sendable {
    var instance: InstanceID
    var run: RunID
    var specification: WorkerSpecification
}
