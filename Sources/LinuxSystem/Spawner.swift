/// The threads that create processes, called lanes; nobody else does it.
///
/// A clone with CLONE_VFORK suspends its thread until the exec, which can hang for ever: on a dead file system, in a
/// frozen cgroup. One lane is enough normally. When a job waits although the present job of every lane has been at it for
/// longer than `growsAfter`, one more is started, up to `maximumLanes`; then jobs wait. Nothing wakes up while no job waits.
///
/// Children ignore and catch no signals. A lane looks which ones this process does when it has nothing else to do, so the
/// process is to decide on that before it has a spawner.
///
/// A lane never ends while the spawner is there: the kernel would list its children under another thread, where
/// `ProcessTable` takes them for orphans.
public final class Spawner: Sendable {
    /// Names a submitted job.
    public struct Ticket: Hashable, Sendable {
        let number: UInt64
    }

    /// What became of a request to abort a job.
    public enum Abortion: Hashable, Sendable {
        /// It had not begun, and never will.
        case dropped
        /// It is under way: the child that hangs in its spawn is killed, and its spawn throws `aborted`, unless it was
        /// over already; the job itself goes on to its end.
        case requested
        /// It has ended.
        case ended
    }

    /// How many lanes there are and what they do.
    public struct Load: Hashable, Sendable {
        public var lanes: Int
        public var busy: Int
        /// Busy with one job for longer than the growth time.
        public var hung: Int
        /// Jobs that no lane has begun.
        public var waiting: Int

        public init(lanes: Int, busy: Int, hung: Int, waiting: Int) {
            self.lanes = lanes
            self.busy = busy
            self.hung = hung
            self.waiting = waiting
        }
    }

    /// The number of jobs that may hang before the others have to wait.
    public static let maximumLanes = 16
    /// How long every lane must have been at its job before another one is added.
    public static let growthTime: Duration = .milliseconds(50)

    private let pool: SpawnPool

    /// Starts the first lane.
    ///
    /// - Parameter name: the name of the first thread; the others are called `name-2` and so on.
    public init(
        name: String = "spawn",
        growsAfter: Duration = Spawner.growthTime,
        maximumLanes: Int = Spawner.maximumLanes
    ) throws(Errno) {
        precondition(maximumLanes > 0, "a spawner needs a lane")
        self.pool = try SpawnPool(name: name, growsAfter: growsAfter, maximumLanes: maximumLanes)
        try self.pool.startFirstLane()
    }

    deinit {
        self.pool.stop()
    }

    /// Runs `job` on a lane, after those that were submitted before; it delivers its result by itself. Never blocks, from
    /// any thread.
    @discardableResult
    public func submit(_ job: @escaping @Sendable (SpawnLane) -> Void) -> Ticket {
        self.pool.submit(job)
    }

    /// Says that a job is likely to be submitted within microseconds, so that a lane is awake by then. Without one nothing
    /// comes of it. From any thread.
    public func alert() {
        self.pool.alert()
    }

    /// Ends a job that is not wanted any more, from any thread.
    @discardableResult
    public func abort(_ ticket: Ticket) -> Abortion {
        self.pool.abort(ticket)
    }

    /// Whether there are jobs that no lane has begun.
    public var hasWaitingJobs: Bool {
        self.pool.hasWaitingJobs
    }

    /// The present load.
    public var load: Load {
        self.pool.load
    }
}
