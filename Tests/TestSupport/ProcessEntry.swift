import Glibc

/// A process as /proc shows it (proc(5)).
public struct ProcessEntry: Hashable, Sendable {
    public let pid: Int32
    public let command: String
    /// A letter such as `S`, or `Z` for a zombie.
    public let state: Character
    public let parent: Int32
    public let group: Int32
    public let session: Int32
    /// In ticks since boot; with the pid it names a process for ever.
    public let startTime: UInt64

    /// Reads /proc/PID/stat; `nil` when there is no such process (any more).
    public init?(pid: Int32) {
        guard let bytes = contents(ofFile: "/proc/\(pid)/stat") else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        // The command stands in parentheses and may itself hold some.
        guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: close)...].split(separator: " ")
        guard fields.count > 19, let state = fields[0].first,
            let parent = Int32(fields[1]), let group = Int32(fields[2]), let session = Int32(fields[3]),
            let startTime = UInt64(fields[19])
        else { return nil }
        self.pid = pid
        self.command = String(text[text.index(after: open)..<close])
        self.state = state
        self.parent = parent
        self.group = group
        self.session = session
        self.startTime = startTime
    }

    /// Whether it still runs code or holds descriptors: a zombie does neither.
    public var isAlive: Bool {
        self.state != "Z" && self.state != "X"
    }

    /// The working directory; `nil` for a zombie, or one that may not be asked.
    public var directory: String? {
        target(ofLink: "/proc/\(self.pid)/cwd")
    }

    /// What the program was called with; empty for a zombie.
    public var arguments: [String] {
        let bytes = contents(ofFile: "/proc/\(self.pid)/cmdline") ?? []
        return bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast()
            .map { String(decoding: $0, as: UTF8.self) }
    }

    /// All processes that are alive at the moment.
    public static func alive() -> [ProcessEntry] {
        guard let proc = opendir("/proc") else { return [] }
        defer { closedir(proc) }
        var entries: [ProcessEntry] = []
        while let entry = readdir(proc) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let pid = Int32(name), let process = ProcessEntry(pid: pid), process.isAlive {
                entries.append(process)
            }
        }
        return entries
    }

    /// The processes whose working directory is `path`: a test's workers with everything that they started, also what
    /// has a session of its own or another parent by now.
    public static func alive(inDirectory path: String) -> [ProcessEntry] {
        self.alive().filter { $0.directory == path || $0.directory == path + " (deleted)" }
    }

    /// The processes of a session (setsid(2)): those of a run that did not leave it.
    public static func alive(inSession session: Int32) -> [ProcessEntry] {
        self.alive().filter { $0.session == session }
    }

    /// The children of a process.
    public static func alive(withParent parent: Int32) -> [ProcessEntry] {
        self.alive().filter { $0.parent == parent }
    }
}

/// Ends a process with a signal, as a person with kill(1) would.
public func sendSignal(_ signal: Int32, to pid: Int32) {
    precondition(pid > 1, "a signal to \(pid) would reach more than one process of this test")
    kill(pid, signal)
}
