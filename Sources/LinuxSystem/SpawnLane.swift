internal import CLinux
internal import Glibc

/// A thread that creates processes, as its jobs see it. It belongs to that thread, where blocking is allowed: a job may
/// read files and look for the executable before it spawns.
public final class SpawnLane {
    /// Descriptors that starts leave to everybody else, so that clients who may mend it are still heard when starts have
    /// used up the others.
    public static let descriptorHeadroom = 16

    private let pool: SpawnPool
    private let slot: SpawnPool.Slot
    private var arguments = SpawnArguments()

    init(pool: SpawnPool, slot: SpawnPool.Slot) {
        self.pool = pool
        self.slot = slot
    }

    /// Creates a process and returns when it executes the program, or when it is known that it cannot. It hangs for as
    /// long as the exec does: on a dead file system for ever, unless the job's ticket is aborted. EMFILE while not more
    /// than `descriptorHeadroom` descriptors are left.
    public func spawn(_ request: SpawnRequest) throws(SpawnFailure) -> Spawned {
        var result = cl_spawn_result()
        var wasAborted = false
        let answered: Void? = self.arguments.withCRequest(
            request,
            nullDescriptor: self.pool.nullDescriptor,
            highestPIDFD: Self.highestDescriptor
        ) {
            guard self.pool.beginSpawn(self.slot) else {
                wasAborted = true
                return
            }
            cl_spawn(self.slot.lane, $0, &result)
            self.pool.endSpawn(self.slot)
        }
        if answered == nil {
            throw SpawnFailure(stage: .arguments, errno: .invalidArgument, request: request)
        }
        if wasAborted {
            throw SpawnFailure(stage: .aborted, errno: .canceled, request: request)
        }
        guard let stage = SpawnFailure.Stage(result.stage) else {
            return Spawned(
                pid: result.pid,
                pidfd: PIDFD(owning: result.pidfd),
                announcementError: result.announcement_error == 0 ? nil : Errno(rawValue: result.announcement_error)
            )
        }
        if result.pidfd >= 0 {
            PIDFD(owning: result.pidfd).close()
        }
        throw SpawnFailure(stage: stage, errno: Errno(rawValue: result.error), request: request)
    }

    /// The highest number that a start may take: the kernel gives the lowest that is free, so all below it are taken.
    private static var highestDescriptor: Int32 {
        Int32(clamping: DescriptorLimit.current) - Int32(self.descriptorHeadroom) - 1
    }
}
