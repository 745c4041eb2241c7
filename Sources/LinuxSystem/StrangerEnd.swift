internal import CLinux
internal import Glibc

/// How a process stands that is no child of this one, and whose parent tells nobody of its end.
///
/// Its pidfd becomes readable when it ends, and says so once more when it is reaped; then the kernel knows how it ended
/// (since Linux 6.15). Between the two the zombie says it, in /proc, to root and to its own user.
public enum StrangerEnd: Equatable, Sendable {
    case alive
    /// The raw value that wait(2) stored.
    case ended(waitStatus: Int32)
    /// It is a zombie, and nobody may see how it ended before it is reaped.
    case hidden
    /// It was reaped, and the kernel does not tell.
    case unknown

    /// - Parameter pid: of that process; looked up only while the number is its own.
    public init(_ process: PIDFD, pid: Int32, in table: ProcessTable) {
        self.init(descriptor: process.descriptor, pid: pid, in: table)
    }

    public init(descriptor: Int32, pid: Int32, in table: ProcessTable) {
        var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        guard poll(&watched, 1, 0) == 1, Int32(watched.revents) & Int32(POLLIN) != 0 else {
            self = .alive
            return
        }
        if let status = Self.statusAfterReap(descriptor) {
            self = .ended(waitStatus: status)
            return
        }
        let zombie = table.stat(of: pid)
        guard cl_pidfd_send_signal(descriptor, 0) == 0 else {
            // Reaped between the two looks.
            self = Self.statusAfterReap(descriptor).map { .ended(waitStatus: $0) } ?? .unknown
            return
        }
        // It was not reaped after its line was read, so the line was its own.
        if let zombie, zombie.hasEnded, zombie.waitStatus != 0 || Self.maySee(pid) {
            self = .ended(waitStatus: zombie.waitStatus)
        } else {
            self = .hidden
        }
    }

    /// The raw wait status of a process that was reaped, by whomever; `nil` when the kernel does not tell (it does since
    /// Linux 6.15). The corresponding C function is `ioctl` with `PIDFD_GET_INFO`.
    static func statusAfterReap(_ descriptor: Int32) -> Int32? {
        var status: Int32 = 0
        return cl_pidfd_exit_status(descriptor, &status) == 1 ? status : nil
    }

    /// Whether /proc shows this process the wait status of that one.
    private static func maySee(_ pid: Int32) -> Bool {
        guard geteuid() != 0 else { return true }
        var status = stat()
        return stat("/proc/\(pid)", &status) == 0 && status.st_uid == geteuid()
    }
}
