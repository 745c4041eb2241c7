/// A control group that accounts for the memory of its processes: `memory.events` and its like of v2
/// (Documentation/admin-guide/cgroup-v2.rst), `memory.oom_control` and its like of v1 (cgroup-v1/memory.rst).
///
/// Reading these files waits for no lock that anybody holds for long.
public struct CgroupMemory: Hashable, Sendable {
    public var version: CgroupMount.Version
    public var directory: String
    /// Whether it is the highest group that is seen from here, which is likely to have strangers' processes in it.
    public var isRoot: Bool

    public init(version: CgroupMount.Version, directory: String, isRoot: Bool = false) {
        self.version = version
        self.directory = directory
        self.isRoot = isRoot
    }

    /// Its count of out-of-memory kills, to be read often.
    public func openCounter() -> CounterFile? {
        for name in Self.counterFiles(self.version) {
            if let file = CounterFile.open("\(self.directory)/\(name)", key: "oom_kill") {
                return file
            }
        }
        return nil
    }

    /// How many of its processes an out-of-memory killer has ended, whether for want of memory in this group, in one above
    /// it or in the whole system; `nil` when that cannot be read. Those of groups below are counted only by kernels before
    /// Linux 5.2, on v2.
    public func outOfMemoryKills() -> Int64? {
        for name in Self.counterFiles(self.version) {
            if let text = SmallFile.text("\(self.directory)/\(name)"), let kills = Self.value(of: "oom_kill", in: text)
            {
                return kills
            }
        }
        return nil
    }

    /// The most memory that it ever used, in bytes (v2: Linux 5.19); `nil` when that cannot be read.
    public func peakBytes() -> Int64? {
        self.bytes(self.version == .v1 ? "memory.max_usage_in_bytes" : "memory.peak")
    }

    /// How much memory it may use, in bytes; `nil` without a limit of its own.
    public func limitBytes() -> Int64? {
        let limit = self.bytes(self.version == .v1 ? "memory.limit_in_bytes" : "memory.max")
        // v1 has no word for "no limit", but the largest number of whole pages, whatever their size.
        return limit.flatMap { $0 < Int64.max - (1 << 20) ? $0 : nil }
    }

    /// The files that count, the most exact first.
    static func counterFiles(_ version: CgroupMount.Version) -> [String] {
        version == .v1 ? ["memory.oom_control"] : ["memory.events.local", "memory.events"]
    }

    /// The number that follows a word at the begin of a line.
    static func value(of key: String, in text: String) -> Int64? {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, words[0] == key {
                return Int64(words[1])
            }
        }
        return nil
    }

    private func bytes(_ name: String) -> Int64? {
        SmallFile.text("\(self.directory)/\(name)").flatMap { text in
            Int64(text.prefix { $0 != "\n" })
        }
    }
}
