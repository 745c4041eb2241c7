internal import CLinux
internal import Glibc

/// An epoll(7) of its own, which an `EventLoop` may watch as a whole. Whoever has many descriptors can so leave them alone
/// for a moment without touching each.
public final class ReadinessSet {
    /// Readable while any member is.
    public let descriptor: Int32
    private var events: [cl_epoll_event]

    public init() throws(Errno) {
        self.descriptor = try systemCall("epoll_create1") { epoll_create1(Int32(EPOLL_CLOEXEC)) }
        self.events = [cl_epoll_event](repeating: cl_epoll_event(), count: 64)
    }

    deinit {
        close(self.descriptor)
    }

    /// Adds a descriptor, level-triggered, under a number of the caller's.
    public func add(_ member: Int32, number: UInt64) throws(Errno) {
        try systemCall("epoll_ctl") { cl_epoll_ctl(self.descriptor, EPOLL_CTL_ADD, member, EPOLLIN.rawValue, number) }
    }

    /// Before the descriptor is closed.
    public func remove(_ member: Int32) {
        _ = cl_epoll_ctl(self.descriptor, EPOLL_CTL_DEL, member, 0, 0)
    }

    /// The numbers of members that are readable or whose other end was closed, at most 64 of them, without waiting. Those that
    /// were answered go to the end of the kernel's list, so that each gets its turn.
    public func ready() -> [UInt64] {
        let count = max(0, Int(cl_epoll_wait(self.descriptor, &self.events, Int32(self.events.count), 0)))
        return self.events[..<count].map(\.data)
    }
}
