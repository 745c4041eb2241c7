internal import CLinux
internal import Glibc
internal import Synchronization

/// A process, by a descriptor that never means another one. A class, because the records of runs keep it in collections
/// and the spawn lanes hand it over; every call works from any thread.
///
/// It must be closed by `close`, after its watch was deregistered from the event loop; one that is dropped open is closed
/// and traps in debug builds.
public final class PIDFD: Sendable {
    /// How a child ended, before it is reaped.
    public struct PeekedExit: Equatable, Sendable {
        public var pid: Int32
        /// The raw value that wait(2) would store.
        public var waitStatus: Int32
        public var usage: ProcessUsage

        public init(pid: Int32, waitStatus: Int32, usage: ProcessUsage) {
            self.pid = pid
            self.waitStatus = waitStatus
            self.usage = usage
        }
    }

    private let number: Atomic<Int32>

    /// Takes over an open pidfd.
    public init(owning descriptor: Int32) {
        precondition(descriptor >= 0, "a pidfd cannot be negative")
        self.number = Atomic(descriptor)
    }

    deinit {
        let number = self.number.load(ordering: .acquiring)
        guard number >= 0 else { return }
        assertionFailure("the pidfd \(number) was dropped open")
        _ = Glibc.close(number)
    }

    /// The process that has the number `pid` now; ESRCH when there is none. The corresponding C function is `pidfd_open`.
    public static func open(pid: Int32) throws(Errno) -> PIDFD {
        PIDFD(owning: try systemCall("pidfd_open") { cl_pidfd_open(pid) })
    }

    /// The descriptor, readable for ever once the process has ended; using it after `close` traps.
    public var descriptor: Int32 {
        let number = self.number.load(ordering: .acquiring)
        precondition(number >= 0, "a pidfd was used after it was closed")
        return number
    }

    /// How the child ended, `nil` while it lives; it stays a zombie, so this can be asked again, also by another process
    /// that inherits it. ECHILD when it was reaped or is no child of this process.
    ///
    /// The corresponding C function is `waitid` with `P_PIDFD`, `WNOWAIT` and the fifth argument of the system call.
    public func peek() throws(Errno) -> PeekedExit? {
        var exit = cl_exit()
        let descriptor = self.descriptor
        try systemCall("waitid") { cl_peek(descriptor, &exit) }
        guard exit.pid != 0 else { return nil }
        return PeekedExit(
            pid: exit.pid,
            waitStatus: Self.waitStatus(code: exit.code, status: exit.status),
            usage: ProcessUsage(
                user: .nanoseconds(exit.user_nanoseconds),
                system: .nanoseconds(exit.system_nanoseconds),
                maximumResidentBytes: exit.maximum_resident_kibibytes * 1024
            )
        )
    }

    /// Ends the zombie, after which its number may be used again; `false` while the child lives. ECHILD as for `peek`.
    ///
    /// The corresponding C function is `waitid` with `P_PIDFD`.
    @discardableResult
    public func reap() throws(Errno) -> Bool {
        let descriptor = self.descriptor
        return try systemCall("waitid") { cl_reap(descriptor) } == 1
    }

    /// Sends a signal; `false` when the process was reaped already, which is a normal outcome. A zombie takes it without
    /// effect. The corresponding C function is `pidfd_send_signal`.
    @discardableResult
    public func send(_ signal: Int32) throws(Errno) -> Bool {
        let descriptor = self.descriptor
        do {
            try systemCall("pidfd_send_signal") { cl_pidfd_send_signal(descriptor, signal) }
            return true
        } catch {
            guard error.rawValue == ESRCH else { throw error }
            return false
        }
    }

    /// Closes the descriptor; a second call does nothing.
    public func close() {
        let number = self.number.exchange(-1, ordering: .acquiringAndReleasing)
        if number >= 0 {
            _ = Glibc.close(number)
        }
    }

    /// What wait(2) stores for the two fields of siginfo_t that waitid(2) fills (`<bits/waitstatus.h>`).
    static func waitStatus(code: Int32, status: Int32) -> Int32 {
        switch code {
        case Int32(CLD_EXITED): (status & 0xff) << 8
        case Int32(CLD_KILLED): status & 0x7f
        case Int32(CLD_DUMPED): status & 0x7f | 0x80
        default: fatalError("waitid answered si_code \(code), which WEXITED excludes")
        }
    }
}
