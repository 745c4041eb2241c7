/// The control groups of a process, as /proc/PID/cgroup tells them (cgroups(7)).
public struct CgroupMembership: Equatable, Sendable {
    /// The group in the v2 hierarchy; `nil` on a kernel without one.
    public var unified: String?
    /// The groups in the v1 hierarchies, by controller; `/` in each of them for a process that has ended.
    public var byController: [String: String]

    /// Reads lines such as `4:memory:/web` and `0::/system.slice/web.service`; others are passed over.
    public init(parsing text: String) {
        self.unified = nil
        self.byController = [:]
        for line in text.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            let path = String(fields[2])
            if fields[0] == "0", fields[1].isEmpty {
                // A group that was removed when the process had ended.
                self.unified = path.hasSuffix(" (deleted)") ? nil : path
            } else {
                for controller in fields[1].split(separator: ",") {
                    self.byController[String(controller)] = path
                }
            }
        }
    }
}
