internal import CLinux
internal import Glibc

/// What tells a process from all others of the same boot, so that it can be found again by somebody who is not its parent.
public struct ProcessIdentity: Equatable, Sendable {
    public var pid: Int32
    /// Of its pidfd, where pidfds have a file system of their own, in which no number comes twice (since Linux 6.9); else 0.
    public var inode: UInt64
    /// In clock ticks since boot; two processes of one number can have the same only within a hundredth of a second.
    public var startTime: UInt64

    public init(pid: Int32, inode: UInt64, startTime: UInt64) {
        self.pid = pid
        self.inode = inode
        self.startTime = startTime
    }

    /// Of a process that was not reaped; `nil` when nothing is known of it any more.
    public init?(_ process: PIDFD, pid: Int32, in table: ProcessTable) {
        let inode = Self.inode(of: process)
        if inode != 0 {
            // Nothing else need be known, and reading /proc costs more than this.
            self.init(pid: pid, inode: inode, startTime: 0)
        } else if let stat = table.stat(of: pid) {
            self.init(pid: pid, inode: 0, startTime: stat.startTime)
        } else {
            return nil
        }
    }

    /// Opens the process; `nil` when it was reaped, whoever has its number now.
    public func open(in table: ProcessTable) -> PIDFD? {
        guard let process = try? PIDFD.open(pid: self.pid) else { return nil }
        if let found = ProcessIdentity(process, pid: self.pid, in: table), found == self {
            return process
        }
        process.close()
        return nil
    }

    private static func inode(of process: PIDFD) -> UInt64 {
        // PID_FS_MAGIC of linux/magic.h. Before, all pidfds were one anonymous inode.
        guard cl_file_system(process.descriptor) == 0x5049_4446 else { return 0 }
        var status = stat()
        return fstat(process.descriptor, &status) == 0 ? UInt64(status.st_ino) : 0
    }
}
