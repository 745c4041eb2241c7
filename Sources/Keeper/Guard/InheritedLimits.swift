import Glibc
import LinuxSystem

/// What the keeper changes for itself and gives back to the agent.
struct InheritedLimits: Equatable {
    /// The soft limit of RLIMIT_NOFILE, 0 when it cannot be read.
    var openFiles: UInt64
    /// Below -1000 when it cannot be read.
    var outOfMemoryScore: Int32

    private static let scoreFile = "/proc/self/oom_score_adj"
    private static let unreadable: Int32 = -2000

    /// Raises the number of open files to what is allowed, since each run in custody has some, and asks the kernel's
    /// out-of-memory killer to spare this process, which only root may. Answers what was before.
    static func change() -> InheritedLimits {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        let before = getrlimit(resource, &limit) == 0 ? UInt64(limit.rlim_cur) : 0
        if before != 0 {
            limit.rlim_cur = limit.rlim_max
            setrlimit(resource, &limit)
        }
        let text = SmallFile.text(Self.scoreFile) ?? ""
        let score = Int32(text.prefix { $0 != "\n" }) ?? Self.unreadable
        if let file = try? Descriptor.open(Self.scoreFile, O_WRONLY) {
            _ = write(file.rawValue, "-1000", 5)
            file.close()
        }
        return InheritedLimits(openFiles: before, outOfMemoryScore: score)
    }
}

/// The environment between keeper and agent.
enum KeeperEnvironment {
    /// Names the file with the state of a keeper that was replaced in place.
    static let state = "REEVE_KEEPER_STATE"
    /// The same, for a look at it only.
    static let check = "REEVE_KEEPER_CHECK"
    /// Not for the agent: only the keeper speaks to the service manager.
    static let ownVariables: Set<String> = [
        state, check, "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES",
    ]
}
