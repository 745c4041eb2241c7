/// A mounted hierarchy of control groups (cgroups(7)), as a line of /proc/self/mountinfo shows it.
public struct CgroupMount: Hashable, Sendable {
    public enum Version: String, Hashable, Sendable {
        case v1
        case v2
    }

    public var version: Version
    /// Of v1, such as `memory`, or `name=systemd` for a hierarchy without any; of v2 empty: `cgroup.controllers` tells them.
    public var controllers: [String]
    /// Which group of the hierarchy is seen at the mount point: `/`, or another one where only a part is mounted, as in
    /// containers without a cgroup namespace.
    public var root: String
    public var mountPoint: String

    public init(version: Version, controllers: [String] = [], root: String = "/", mountPoint: String) {
        self.version = version
        self.controllers = controllers
        self.root = root
        self.mountPoint = mountPoint
    }

    /// All of them in a table as proc_pid_mountinfo(5) describes it. In hybrid set-ups there are some of each version.
    public static func all(in table: String) -> [CgroupMount] {
        table.split(separator: "\n").compactMap { Self(line: $0) }
    }

    /// The fourth field is the root, the fifth the mount point; after the optional fields and a lone hyphen come the type,
    /// the source and the options of the file system, which name the controllers of v1.
    private init?(line: Substring) {
        let fields = line.split(separator: " ")
        guard fields.count > 6, let hyphen = fields[6...].firstIndex(of: "-"), hyphen + 1 < fields.count else {
            return nil
        }
        switch fields[hyphen + 1] {
        case "cgroup2":
            self.init(version: .v2, root: Self.unescaped(fields[3]), mountPoint: Self.unescaped(fields[4]))
        case "cgroup" where hyphen + 3 < fields.count:
            let options = fields[hyphen + 3].split(separator: ",").map(String.init)
            self.init(
                version: .v1,
                controllers: options.filter { !Self.generalOptions.contains($0) },
                root: Self.unescaped(fields[3]),
                mountPoint: Self.unescaped(fields[4])
            )
        default: return nil
        }
    }

    /// Where the group `path` of /proc/PID/cgroup is seen; `nil` when it lies outside of what is mounted here or visible
    /// from this cgroup namespace.
    public func directory(of path: String) -> String? {
        guard path.hasPrefix("/"), !path.hasPrefix("/.."), !self.root.hasPrefix("/..") else { return nil }
        if path == self.root {
            return self.mountPoint
        }
        guard self.root != "/" else { return self.mountPoint + path }
        guard path.hasPrefix(self.root + "/") else { return nil }
        return self.mountPoint + path.dropFirst(self.root.count)
    }

    /// Options of the file system that name no controller.
    private static let generalOptions: Set<String> = [
        "rw", "ro", "clone_children", "cpuset_v2_mode", "noprefix", "xattr",
    ]

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
