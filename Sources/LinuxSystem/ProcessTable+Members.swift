internal import Glibc

extension ProcessTable {
    /// How often one scan looks again because there are new orphans. A run that forks faster than this is found in the
    /// next scan.
    private static let maximumRounds = 16

    /// The descendants of the given processes that live, the processes themselves not included. A process that forks
    /// while this looks may be missed; whoever must not miss any asks again until nothing is found.
    public func descendants(of roots: [Int32]) -> [ProcessStat] {
        var found: [ProcessStat] = []
        self.walk(from: roots.compactMap { self.stat(of: $0) }) { stat, isRoot in
            if !isRoot, !stat.hasEnded {
                found.append(stat)
            }
        }
        return found
    }

    /// Every process of a run that lives: the descendants of its leader; of the orphans and their descendants those in its
    /// process group or session; and orphans that left the session but were started with its run ID, with all that
    /// descends from them. A leader that has ended does not count.
    ///
    /// - Parameters:
    ///   - leader: the process that was spawned, which must not have been reaped: its number is the group's.
    ///   - leaderAlive: `false` when its end was seen; saves the look at it.
    public func runMembers(leader: Int32, runID: String, leaderAlive: Bool) -> [ProcessStat] {
        var members: [Int32: ProcessStat] = [:]
        if leaderAlive, let stat = self.stat(of: leader) {
            self.walk(from: [stat]) { stat, _ in
                members[stat.pid] = stat
            }
        }
        // A process that forks and ends while this looks has its child reparented after the list was read; then there is
        // a new orphan, and it is looked for again. Nobody else ends our orphans' zombies, so none is missed otherwise.
        var seen: Set<Int32> = [leader]
        for _ in 0..<Self.maximumRounds {
            let orphans = self.orphans().filter { seen.insert($0).inserted }
            guard !orphans.isEmpty else { break }
            for orphan in orphans.compactMap({ self.stat(of: $0) }) {
                let belongs = self.belongs(orphan, leader: leader, runID: runID)
                self.walk(from: [orphan]) { stat, _ in
                    if belongs || stat.group == leader || stat.session == leader {
                        members[stat.pid] = stat
                    }
                }
            }
        }
        let living = members.values.filter { !$0.hasEnded }
        for stat in living {
            // Remembered, because a process that later leaves its session and overwrites its environment, as servers that
            // set their title do, could not be assigned any more.
            self.known[stat.pid] = KnownProcess(startTime: stat.startTime, runID: runID)
        }
        self.forgetTheGone()
        return living.sorted { $0.pid < $1.pid }
    }

    /// Whether anything of a run lives, after its leader has ended. In the common case there are no orphans at all, and
    /// this costs one read.
    public func hasRemains(leader: Int32, runID: String) -> Bool {
        if self.listsChildren, self.orphans().isEmpty {
            return false
        }
        return !self.runMembers(leader: leader, runID: runID, leaderAlive: false).isEmpty
    }

    /// Visits the given processes and all their descendants, each once, `maximumScan` at most.
    private func walk(from roots: [ProcessStat], _ visit: (ProcessStat, _ isRoot: Bool) -> Void) {
        var pending = roots
        var seen = Set(roots.map(\.pid))
        let byParent = self.listsChildren ? [:] : Dictionary(grouping: self.scanAll(), by: \.parent)
        var next = 0
        while next < pending.count {
            let stat = pending[next]
            visit(stat, next < roots.count)
            next += 1
            let children =
                self.listsChildren
                ? self.children(of: stat).compactMap { self.stat(of: $0) }
                : byParent[stat.pid, default: []]
            for child in children where seen.count < Self.maximumScan && seen.insert(child.pid).inserted {
                pending.append(child)
            }
        }
    }

    /// Whether an orphan is of the run by its group, its session, or what it was started with.
    private func belongs(_ orphan: ProcessStat, leader: Int32, runID: String) -> Bool {
        if orphan.group == leader || orphan.session == leader {
            return true
        }
        guard !orphan.hasEnded else { return false }
        if let known = self.known[orphan.pid], known.startTime == orphan.startTime {
            return known.runID == runID
        }
        guard let environment = self.runIDInEnvironment(of: orphan.pid) else { return false }
        self.known[orphan.pid] = KnownProcess(startTime: orphan.startTime, runID: environment.runID)
        return environment.runID == runID
    }

    /// The run ID with which a process was started; `nil` when its environment cannot be read, or not yet because it is in
    /// the middle of an exec.
    private func runIDInEnvironment(of pid: Int32) -> (runID: String?, Void)? {
        let number = openat(self.proc, "\(pid)/environ", O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return nil }
        defer { Glibc.close(number) }
        let count = self.fill(from: number)
        guard count > 0 else { return nil }
        let prefix = Array("\(Self.runIDVariable)=".utf8)
        return self.withBuffer(count) { bytes in
            for entry in bytes.split(separator: 0) where entry.starts(with: prefix) {
                return (String(decoding: entry.dropFirst(prefix.count), as: UTF8.self), ())
            }
            return (nil, ())
        }
    }

    /// Keeps what is known of processes bounded by the number of processes that there are.
    private func forgetTheGone() {
        guard self.known.count > 1024 else { return }
        for (pid, process) in self.known where self.stat(of: pid)?.startTime != process.startTime {
            self.known[pid] = nil
        }
    }
}
