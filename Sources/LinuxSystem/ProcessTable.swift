internal import CLinux
internal import Glibc

/// What the kernel tells of processes under /proc: the ones that were reparented to this process as a subreaper, the
/// descendants of a process, the members of a run.
///
/// It reads `stat`, `children` and directories, which wait for no lock of the process that is looked at; `environ`, which
/// may wait for its memory, only for an orphan that nothing else assigns to a run, and once.
///
/// For one thread; it must be made by the process that asks.
public final class ProcessTable {
    /// The variable by which a process that left its session is known.
    public static let runIDVariable = "REEVE_RUN_ID"
    /// How many processes one scan looks at.
    public static let maximumScan = 32768
    /// How much of a list or an environment is read.
    static let maximumFile = 16 << 20

    let ownPID: Int32
    /// Whether the kernel has `/proc/<pid>/task/<tid>/children` (CONFIG_PROC_CHILDREN). Without it every scan reads all of
    /// /proc.
    public let listsChildren: Bool
    /// `/proc` itself.
    let proc: Int32
    /// `/proc/self/task/<first thread>/children`, -1 without it.
    private let ownChildren: Int32
    private var buffer: UnsafeMutableRawBufferPointer
    /// The runs of the processes that were assigned to one, or to none.
    var known: [Int32: KnownProcess] = [:]
    /// How many are known before those that are gone are forgotten.
    var knownLimit = ProcessTable.minimumKnownLimit
    static let minimumKnownLimit = 1024

    /// How often one scan looks again, because there are new orphans or some cannot be assigned yet.
    var maximumRounds = 40
    /// How long one scan looks again at all processes of the system. That takes long, and where others start many of them there
    /// is always a new one.
    static let longestScan = Duration.milliseconds(50)
    /// How often it looks however long that takes.
    static let fewestRounds = 3
    /// Since when the scans for the remains of a run, by its leader, have come to no end.
    var unsettled: [Int32: SuspendingClock.Instant] = [:]

    /// Gives way when the process has no more descriptors: a process that cannot be looked at must not be taken for gone.
    private let reserve: ReserveDescriptor
    /// Whether something could not be looked at since this was set back: another thread took even the reserve.
    var isBlind = false

    /// Whose children the orphans of a run become.
    public enum Home: Hashable, Sendable {
        /// This process's, a subreaper: it created the run.
        case own
        /// Another subreaper's, which created the run or has inherited it, and reaps them. When it is gone, they are anywhere.
        case process(Int32)
        /// Nobody knows whose: every process of the system is asked whether it was started with the run's ID. Groups and
        /// sessions tell nothing once the leader has ended, because somebody reaps it and its number may be another's by then.
        case anywhere

        /// Whether the leader's number is pinned, so that it cannot be another process's, group's or session's: it lives, or
        /// its zombie is kept.
        func pinsLeader(isAlive: Bool) -> Bool {
            isAlive || self != .anywhere
        }
    }

    /// Main processes of runs that are no children of this process, and whose numbers are their own because nobody reaps them.
    public var foreignLeaders: Set<Int32> = []

    /// Which run a process belongs to, found once.
    struct KnownProcess {
        var startTime: UInt64
        var origin: Origin
        /// Its session when it was looked at as an orphan, `nil` before that. From then on its number is its own until this
        /// table reaps it, and it can leave this session only for one of its own number.
        var sessionAsOrphan: Int32?
        /// When it was found.
        var seenAt = SuspendingClock.now
    }

    /// What a process was started for.
    enum Origin: Equatable {
        case run(String)
        case noRun
        /// Its environment could not be read for as long as a scan waits for it.
        case undetermined
    }

    /// ENOENT when /proc is not mounted.
    public convenience init() throws(Errno) {
        try self.init(usesChildrenLists: true)
    }

    /// - Parameter usesChildrenLists: `false` behaves as on a kernel without them.
    init(usesChildrenLists: Bool) throws(Errno) {
        self.ownPID = getpid()
        self.reserve = try ReserveDescriptor()
        self.proc = try Descriptor.open("/proc", O_RDONLY | O_DIRECTORY).take()
        self.buffer = .allocate(byteCount: 4096, alignment: 16)
        let number = open("/proc/self/task/\(self.ownPID)/children", O_RDONLY | O_CLOEXEC)
        if number >= 0, !usesChildrenLists {
            Glibc.close(number)
        }
        self.ownChildren = usesChildrenLists ? number : -1
        self.listsChildren = self.ownChildren >= 0
    }

    deinit {
        if self.ownChildren >= 0 {
            Glibc.close(self.ownChildren)
        }
        Glibc.close(self.proc)
        self.buffer.deallocate()
    }

    // MARK: Orphans

    /// The children that were reparented to this process, zombies included.
    ///
    /// The kernel gives them to the first thread that lives, which is the main one; the spawn lanes' children are listed
    /// under their lanes. In the common case the list is empty, which costs one read. Without `listsChildren` these are
    /// all children, the ones that were spawned included.
    public func orphans() -> [Int32] {
        guard self.listsChildren else {
            return self.scanAll().filter { $0.parent == self.ownPID }.map(\.pid)
        }
        return self.numbers(in: self.ownChildren)
    }

    /// Whose children its orphans are now: of a process that is gone they are anywhere.
    func present(_ home: Home) -> Home {
        if case .process(let pid) = home, self.living(pid) == nil {
            return .anywhere
        }
        return home
    }

    private func living(_ pid: Int32) -> ProcessStat? {
        self.stat(of: pid).flatMap { $0.hasEnded ? nil : $0 }
    }

    /// The processes that were reparented to `home`, zombies included; for `anywhere` all that there are.
    func orphans(of home: Home) -> [Int32] {
        switch home {
        case .own: return self.orphans()
        case .process(let pid):
            guard let stat = self.living(pid) else { return self.orphans(of: .anywhere) }
            guard self.listsChildren else {
                return self.scanAll().filter { $0.parent == pid && $0.pid != self.ownPID }.map(\.pid)
            }
            return self.children(of: stat).filter { $0 != self.ownPID && !self.foreignLeaders.contains($0) }
        case .anywhere:
            return self.entries(of: ".").filter { $0 != self.ownPID }
        }
    }

    /// Whether `orphans` would find none, where that costs one read of a single byte; `false` where it costs more.
    var isSurelyWithoutOrphans: Bool {
        guard self.listsChildren else { return false }
        var byte: UInt8 = 0
        return pread(self.ownChildren, &byte, 1, 0) == 0
    }

    /// Ends the zombies among the orphans; returns how many.
    ///
    /// - Parameter excluded: children that somebody else reaps.
    @discardableResult
    public func reapStrangers(except excluded: Set<Int32> = []) -> Int {
        var count = 0
        for pid in self.orphans() where !excluded.contains(pid) && cl_reap_pid(pid) == 1 {
            self.known[pid] = nil
            count += 1
        }
        return count
    }

    // MARK: Reading

    /// Where the process stands; `nil` when there is none of that number.
    public func stat(of pid: Int32) -> ProcessStat? {
        self.withEntry("\(pid)/stat") { number in
            defer { Glibc.close(number) }
            let count = self.fill(from: number)
            let line = UnsafeRawBufferPointer(rebasing: self.buffer[..<count]).assumingMemoryBound(to: UInt8.self)
            return ProcessStat(parsing: line.span)
        }
    }

    /// Opens a file or directory under /proc and gives it to `body`, which closes it; `nil` when there is none.
    func withEntry<Result>(_ path: String, _ flags: Int32 = O_RDONLY, _ body: (Int32) -> Result?) -> Result? {
        let number = openat(self.proc, path, flags | O_CLOEXEC)
        if number >= 0 {
            return body(number)
        }
        guard Self.lacksDescriptors(Errno.current) else { return nil }
        return self.reserve.lend {
            let number = openat(self.proc, path, flags | O_CLOEXEC)
            if number >= 0 {
                return body(number)
            }
            // Another thread may have taken the one that was given up.
            self.isBlind = self.isBlind || Self.lacksDescriptors(Errno.current)
            return nil
        }
    }

    private static func lacksDescriptors(_ error: Errno) -> Bool {
        error.rawValue == EMFILE || error.rawValue == ENFILE
    }

    /// The children of every thread of a process.
    func children(of stat: ProcessStat) -> [Int32] {
        guard stat.threads > 1 else {
            return self.children(of: stat.pid, thread: stat.pid)
        }
        return self.entries(of: "\(stat.pid)/task").flatMap { self.children(of: stat.pid, thread: $0) }
    }

    private func children(of pid: Int32, thread: Int32) -> [Int32] {
        let children = self.withEntry("\(pid)/task/\(thread)/children") { number in
            defer { Glibc.close(number) }
            return self.numbers(in: number)
        }
        return children ?? []
    }

    /// Every process of the system, for kernels without lists of children.
    func scanAll() -> [ProcessStat] {
        self.entries(of: ".").compactMap { self.stat(of: $0) }
    }

    /// The entries of a directory under /proc that are numbers.
    private func entries(of path: String) -> [Int32] {
        self.withEntry(path, O_RDONLY | O_DIRECTORY) { number in
            guard let directory = fdopendir(number) else {
                Glibc.close(number)
                return nil
            }
            defer { closedir(directory) }
            var numbers: [Int32] = []
            while let entry = readdir(directory) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                    Int32(String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self))
                }
                if let name {
                    numbers.append(name)
                }
            }
            return numbers
        } ?? []
    }

    /// Reads a file that consists of numbers from its begin.
    private func numbers(in number: Int32) -> [Int32] {
        let count = self.fill(from: number)
        guard count > 0 else { return [] }
        let text = UnsafeRawBufferPointer(rebasing: self.buffer[..<count]).assumingMemoryBound(to: UInt8.self)
        let line = text.span
        var scanner = DecimalScanner(at: 0)
        var numbers: [Int32] = []
        while let value = scanner.next(in: line) {
            numbers.append(Int32(truncatingIfNeeded: value))
        }
        return numbers
    }

    /// Reads a whole file into the buffer, which grows to hold it up to `maximumFile`; 0 when it cannot be read, as when
    /// its process is gone.
    func fill(from number: Int32) -> Int {
        var count = 0
        while count < Self.maximumFile {
            if count == self.buffer.count {
                let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: 4 * count, alignment: 16)
                larger.copyMemory(from: UnsafeRawBufferPointer(self.buffer))
                self.buffer.deallocate()
                self.buffer = larger
            }
            let room = UnsafeMutableRawBufferPointer(rebasing: self.buffer[count...])
            let n = pread(number, room.baseAddress, room.count, off_t(count))
            if n < 0, Errno.current.rawValue == EINTR {
                continue
            }
            guard n > 0 else { return count }
            count += n
            // The kernel fills about a page at a time, with whole records; so little is the whole file.
            if count < 2048 {
                return count
            }
        }
        return count
    }

    /// What the buffer holds after `fill`.
    func withBuffer<Result>(_ count: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        body(UnsafeRawBufferPointer(rebasing: self.buffer[..<count]))
    }
}
