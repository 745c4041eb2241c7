/// The hierarchy of control groups that has the memory controller: v1's where one is mounted with it, else v2.
public struct CgroupMemoryHierarchy: Hashable, Sendable {
    public let mount: CgroupMount
    /// `/proc`, but for tests.
    private let proc: String
    /// How far up a v2 group is looked for that accounts for memory.
    private static let maximumDepth = 64

    /// Finds it in the table of mounts; `nil` where no process's memory is accounted for.
    ///
    /// On v2 the controller may be there for a part of the tree only, so this looks at no more than the root's list of
    /// controllers.
    public static func find() -> CgroupMemoryHierarchy? {
        guard let table = SmallFile.text("/proc/self/mountinfo") else { return nil }
        let mounts = CgroupMount.all(in: table)
        return mounts.lazy.filter { mount in
            switch mount.version {
            case .v1: mount.controllers.contains("memory")
            case .v2:
                (SmallFile.text("\(mount.mountPoint)/cgroup.controllers") ?? "")
                    .split { $0 == " " || $0 == "\n" }.contains("memory")
            }
        }.first.map { Self(mount: $0) }
    }

    init(mount: CgroupMount, proc: String = "/proc") {
        self.mount = mount
        self.proc = proc
    }

    /// The group that accounts for the memory of a living process, with its count of out-of-memory kills; `nil` when there
    /// is none, or none that can be told: on v1 a process that has just ended looks like one in the root.
    ///
    /// Kernels before Linux 6.7 take a lock for /proc/PID/cgroup that is held while groups are made and removed, so this
    /// belongs where waiting is allowed.
    public func group(of pid: Int32) -> (memory: CgroupMemory, kills: Int64)? {
        guard let text = SmallFile.text("\(self.proc)/\(pid)/cgroup") else { return nil }
        let membership = CgroupMembership(parsing: text)
        switch self.mount.version {
        case .v1:
            guard let path = membership.byController["memory"], path != "/" else { return nil }
            return self.memory(at: path)
        case .v2:
            guard var path = membership.unified else { return nil }
            // The controller may end above a group; then the nearest group that has it accounts.
            for _ in 0..<Self.maximumDepth {
                if let found = self.memory(at: path) {
                    return found
                }
                guard path != "/", let slash = path.lastIndex(of: "/") else { return nil }
                path = slash == path.startIndex ? "/" : String(path[..<slash])
            }
            return nil
        }
    }

    private func memory(at path: String) -> (memory: CgroupMemory, kills: Int64)? {
        guard let directory = self.mount.directory(of: path) else { return nil }
        let isRoot = directory == self.mount.mountPoint
        let memory = CgroupMemory(version: self.mount.version, directory: directory, isRoot: isRoot)
        return memory.outOfMemoryKills().map { (memory, $0) }
    }
}
