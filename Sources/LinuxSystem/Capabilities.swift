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
    /// The hierarchy of control groups that accounts for memory, which is often not `cgroup`; `nil` without one.
    public var memory: MemoryAccounting?
    /// `oom_kill` of /proc/vmstat (Linux 4.13): whether the out-of-memory killer was at work at all.
    public var countsOutOfMemoryKills: Bool

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

    /// The hierarchy with the memory controller.
    public struct MemoryAccounting: Equatable, Sendable {
        public var version: CgroupMount.Version
        /// Where it is mounted.
        public var path: String
        /// Whether a group tells how many of its processes were killed for want of memory: on v1 the root, on v2, whose root
        /// never does, the one of this process.
        public var countsKills: Bool
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
            cgroup: ControlGroups.detect(),
            memory: MemoryAccounting.detect(),
            countsOutOfMemoryKills: CounterFile.outOfMemoryKills() != nil
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
        if let memory = self.memory {
            entries += [
                ("memory_cgroup", .text(memory.version.rawValue)),
                ("memory_cgroup_path", .text(memory.path)),
                ("memory_cgroup_oom_kills", .flag(memory.countsKills)),
            ]
        } else {
            entries.append(("memory_cgroup", .flag(false)))
        }
        entries.append(("oom_kills", .flag(self.countsOutOfMemoryKills)))
        return entries
    }
}

extension Capabilities.MemoryAccounting {
    static func detect() -> Self? {
        guard let hierarchy = CgroupMemoryHierarchy.find() else { return nil }
        let root = CgroupMemory(version: hierarchy.mount.version, directory: hierarchy.mount.mountPoint)
        return Self(
            version: hierarchy.mount.version,
            path: hierarchy.mount.mountPoint,
            countsKills: hierarchy.group(of: getpid()) != nil || root.outOfMemoryKills() != nil
        )
    }
}

extension Capabilities.ControlGroups {
    /// Looks for the mount, tries to make a group in it, and removes that again.
    static func detect() -> Self? {
        guard let table = SmallFile.text("/proc/self/mountinfo"),
            let path = CgroupMount.all(in: table).first(where: { $0.version == .v2 })?.mountPoint
        else { return nil }
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
}
