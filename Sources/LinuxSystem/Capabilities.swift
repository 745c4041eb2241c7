internal import CLinux
internal import Glibc

/// What this kernel offers here and now. Everything is tried, nothing is inferred from a version: containers forbid calls
/// that the kernel has.
public struct Capabilities: Equatable, Sendable {
    /// CLONE_PIDFD and waitid(2) on a pidfd. Nothing works without them.
    public var pidfd: Bool
    public var pidfdSendSignal: Bool
    /// PIDFD_GET_INFO tells the exit status of a process that was reaped, also to a stranger (Linux 6.15).
    public var pidfdExitInfo: Bool
    public var closeRange: Bool
    public var epollPwait2: Bool
    /// This process is a subreaper: it was told to become one before.
    public var subreaper: Bool
    /// `/proc/<pid>/task/<tid>/children`.
    public var childrenLists: Bool
    /// `nil` without a mounted cgroup2.
    public var cgroup: ControlGroups?

    /// The cgroup v2 hierarchy.
    public struct ControlGroups: Equatable, Sendable {
        /// Where it is mounted.
        public var path: String
        /// Whether directories can be made there.
        public var isWritable: Bool
        /// Such as `memory`; those that another hierarchy has taken are not among them.
        public var controllers: [String]
        /// `cgroup.kill` (Linux 5.14). The root has none, so a group is made to see; unknown is `false`.
        public var canKill: Bool
    }

    /// Tries everything. It creates a child, which is gone when this returns, so it belongs to the start of the program.
    public static func detect() -> Capabilities {
        var found = cl_process_capabilities()
        cl_detect_process_capabilities(&found)
        return Capabilities(
            pidfd: found.pidfd != 0,
            pidfdSendSignal: found.pidfd_send_signal != 0,
            pidfdExitInfo: found.pidfd_exit_info != 0,
            closeRange: found.close_range != 0,
            epollPwait2: cl_has_epoll_pwait2() != 0,
            subreaper: Subreaper.isOne,
            childrenLists: access("/proc/self/task/\(getpid())/children", R_OK) == 0,
            cgroup: ControlGroups.detect()
        )
    }

    /// A capability as it is shown.
    public enum Value: Equatable, Sendable {
        case flag(Bool)
        case text(String)
    }

    /// All of it by name, in a fixed order.
    public var entries: [(name: String, value: Value)] {
        var entries: [(name: String, value: Value)] = [
            ("pidfd", .flag(self.pidfd)),
            ("pidfd_send_signal", .flag(self.pidfdSendSignal)),
            ("pidfd_exit_info", .flag(self.pidfdExitInfo)),
            ("close_range", .flag(self.closeRange)),
            ("epoll_pwait2", .flag(self.epollPwait2)),
            ("subreaper", .flag(self.subreaper)),
            ("children_lists", .flag(self.childrenLists)),
            ("cgroup2", .flag(self.cgroup != nil)),
        ]
        if let cgroup = self.cgroup {
            entries += [
                ("cgroup2_path", .text(cgroup.path)),
                ("cgroup2_writable", .flag(cgroup.isWritable)),
                ("cgroup2_controllers", .text(cgroup.controllers.joined(separator: " "))),
                ("cgroup2_kill", .flag(cgroup.canKill)),
            ]
        }
        return entries
    }
}

extension Capabilities.ControlGroups {
    /// Looks for the mount, tries to make a group in it, and removes that again.
    static func detect() -> Self? {
        guard let table = SmallFile.text("/proc/self/mountinfo"), let path = Self.mountPoint(in: table) else {
            return nil
        }
        let controllers = SmallFile.text("\(path)/cgroup.controllers") ?? ""
        let probe = "\(path)/reeve-probe-\(getpid())"
        let isWritable = mkdir(probe, 0o755) == 0
        let canKill = isWritable && access("\(probe)/cgroup.kill", W_OK) == 0
        if isWritable {
            rmdir(probe)
        }
        return Self(
            path: path,
            isWritable: isWritable,
            controllers: controllers.split { $0 == " " || $0 == "\n" }.map(String.init),
            canKill: canKill
        )
    }

    /// The mount point of the first cgroup2 in a table as proc_pid_mountinfo(5) describes it: the fifth field, and the
    /// type is the first field after the lone hyphen. In hybrid set-ups it is not `/sys/fs/cgroup`.
    static func mountPoint(in table: String) -> String? {
        for line in table.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 6, let hyphen = fields[6...].firstIndex(of: "-") else { continue }
            if hyphen + 1 < fields.count, fields[hyphen + 1] == "cgroup2" {
                return Self.unescaped(fields[4])
            }
        }
        return nil
    }

    /// Blanks and backslashes of a path are written as octal numbers there.
    private static func unescaped(_ field: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = field.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), let value = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
            {
                bytes.append(value)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
