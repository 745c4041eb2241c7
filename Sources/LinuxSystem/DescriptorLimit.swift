internal import Glibc
internal import Synchronization

/// How many descriptors this process may have: RLIMIT_NOFILE of getrlimit(2).
///
/// The soft limit that most systems start a process with, 1024, is for the sake of programs that use select(2), which
/// cannot take a greater number. This one does not, so it may go up to the hard limit; its children get what it began with.
public enum DescriptorLimit {
    /// What the soft limit was before it was raised; 0 while it was not.
    private static let original = Atomic<UInt64>(0)

    /// The soft limit.
    public static var current: UInt64 {
        UInt64(Self.read().rlim_cur)
    }

    /// Raises the soft limit to the hard one, which needs no privilege.
    public static func raise() {
        var limit = Self.read()
        let before = UInt64(limit.rlim_cur)
        guard limit.rlim_cur < limit.rlim_max else { return }
        limit.rlim_cur = limit.rlim_max
        guard setrlimit(Self.resource, &limit) == 0 else { return }
        _ = Self.original.compareExchange(expected: 0, desired: before, ordering: .sequentiallyConsistent)
    }

    /// The soft limit that a new process is to have; 0 for that of this process.
    static var ofChildren: UInt64 {
        Self.original.load(ordering: .sequentiallyConsistent)
    }

    private static var resource: __rlimit_resource_t {
        __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    }

    private static func read() -> rlimit {
        var limit = rlimit()
        // Fails only for a resource that the kernel does not know.
        getrlimit(Self.resource, &limit)
        return limit
    }
}
