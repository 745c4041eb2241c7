internal import Glibc

extension ProcessTable {
    /// How long a scan waits in microseconds for orphans that are in the middle of an exec before it looks again.
    private static let pause: UInt32 = 250
    /// How long an orphan that cannot be assigned, or scans that come to no end, keep every run that ended from being taken
    /// for gone.
    private static let suspicion = Duration.seconds(1)

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
    ///   - home: where its orphans go.
    public func runMembers(leader: Int32, runID: String, leaderAlive: Bool, home: Home = .own) -> [ProcessStat] {
        self.scan(leader: leader, runID: runID, leaderAlive: leaderAlive, home: home).members
    }

    /// What a scan found.
    struct Scan {
        var members: [ProcessStat] = []
        /// How many orphans there are of which nobody can tell yet whether they are members.
        var suspects = 0
        /// Whether its last look found nobody new: what an orphan that had just ended has forked was looked at too. Where all
        /// processes of a system are looked at, there may always be a new one, and this tells nothing.
        var isSettled = true
    }

    /// Looks for the members of a run, `maximumRounds` times at most.
    func scan(leader: Int32, runID: String, leaderAlive: Bool, home: Home = .own) -> Scan {
        var scan = Scan()
        var members: [Int32: ProcessStat] = [:]
        // Only then groups and sessions tell who belongs to it.
        let isPinned = home.pinsLeader(isAlive: leaderAlive)
        if leaderAlive, let stat = self.stat(of: leader) {
            self.walk(from: [stat]) { stat, _ in
                members[stat.pid] = stat
            }
        }
        // A process that forks and ends while this looks has its child reparented after the list was read; then there is
        // a new orphan, and it is looked for again. Nobody else ends our orphans' zombies, so none is missed otherwise.
        var seen: Set<Int32> = [leader]
        var undetermined: [ProcessStat] = []
        let isEverywhere = self.present(home) == .anywhere
        let limit = SuspendingClock.now.advanced(by: Self.longestScan)
        for round in 0..<self.maximumRounds {
            guard !isEverywhere || round < Self.fewestRounds || SuspendingClock.now < limit else { break }
            let fresh = self.orphans(of: home).filter {
                // What another process reaps may have its number used again at any time.
                seen.insert($0).inserted && (home != .own || !self.isOfAnotherRun($0, leader, runID))
            }
            scan.isSettled = fresh.isEmpty || isEverywhere
            if fresh.isEmpty {
                guard !undetermined.isEmpty else { break }
                usleep(Self.pause)
            }
            let orphans = (fresh + undetermined.map(\.pid)).compactMap { self.stat(of: $0) }
            undetermined = []
            for orphan in orphans {
                let belongs = self.belongs(orphan, leader: leader, runID: runID, byNumber: isPinned)
                if belongs == nil {
                    undetermined.append(orphan)
                }
                guard belongs == true || isPinned else { continue }
                self.walk(from: [orphan]) { stat, _ in
                    if belongs == true || stat.group == leader || stat.session == leader {
                        members[stat.pid] = stat
                    }
                }
            }
        }
        for orphan in undetermined {
            // One that hangs in an exec is waited for once, not in each scan.
            self.known[orphan.pid] = KnownProcess(startTime: orphan.startTime, origin: .undetermined)
        }
        scan.suspects = self.suspects()
        let living = members.values.filter { !$0.hasEnded }
        for stat in living where stat.pid != leader {
            // Remembered, because a process that later leaves its session and overwrites its environment, as servers that
            // set their title do, could not be assigned any more.
            self.known[stat.pid] = KnownProcess(
                startTime: stat.startTime,
                origin: .run(runID),
                sessionAsOrphan: seen.contains(stat.pid) ? stat.session : nil
            )
        }
        self.forgetTheGone()
        scan.members = living.sorted { $0.pid < $1.pid }
        return scan
    }

    /// How many living orphans could not be assigned and were first seen a short while ago.
    private func suspects() -> Int {
        let now = SuspendingClock.now
        return self.known.count { pid, process in
            process.origin == .undetermined && process.seenAt.duration(to: now) < Self.suspicion
                && self.stat(of: pid).map { $0.startTime == process.startTime && !$0.hasEnded } ?? false
        }
    }

    /// Whether anything of a run lives, after its leader has ended. In the common case there are no orphans at all, and
    /// this costs one read. An orphan in the middle of an exec, which cannot be assigned to a run yet, counts for a second,
    /// and so does a scan that found somebody new to its last look, unless it looks at a whole system; what cannot be looked at
    /// for want of descriptors counts as long as that lasts.
    public func hasRemains(leader: Int32, runID: @autoclosure () -> String, home: Home = .own) -> Bool {
        if home == .own, self.isSurelyWithoutOrphans {
            self.unsettled[leader] = nil
            return false
        }
        self.isBlind = false
        let scan = self.scan(leader: leader, runID: runID(), leaderAlive: false, home: home)
        guard scan.members.isEmpty, scan.suspects == 0, !self.isBlind else {
            self.unsettled[leader] = nil
            return true
        }
        // A run that forks faster than a scan looks may have been overlooked.
        let now = SuspendingClock.now
        let since = self.unsettled[leader, default: now]
        guard !scan.isSettled, since.duration(to: now) < Self.suspicion else {
            // What others fork holds no run up for longer than that.
            self.unsettled[leader] = nil
            return false
        }
        self.unsettled[leader] = since
        return true
    }

    /// Whether a run has remains only because scans for them came to no end. Nobody's end may tell of it then.
    public func isUnsettled(leader: Int32) -> Bool {
        self.unsettled[leader] != nil
    }

    /// Whether an orphan, and so all that descends from it, is known to be of another run. It spares the look at each
    /// daemon of every other worker at the end of every run.
    private func isOfAnotherRun(_ orphan: Int32, _ leader: Int32, _ runID: String) -> Bool {
        // Without lists of children the main processes are among the orphans, and those are reaped elsewhere.
        guard self.listsChildren, let known = self.known[orphan], let session = known.sessionAsOrphan,
            case .run(let other) = known.origin
        else { return false }
        return other != runID && session != leader
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

    /// Whether an orphan is of the run by its group, its session, or what it was started with; `nil` when that cannot be
    /// told yet.
    private func belongs(_ orphan: ProcessStat, leader: Int32, runID: String, byNumber: Bool) -> Bool? {
        if byNumber, orphan.group == leader || orphan.session == leader {
            return true
        }
        guard !orphan.hasEnded else { return false }
        let known = self.known[orphan.pid].flatMap { $0.startTime == orphan.startTime ? $0.origin : nil }
        if let known, known != .undetermined {
            self.known[orphan.pid]?.sessionAsOrphan = orphan.session
            return known == .run(runID)
        }
        let origin = self.originFromEnvironment(of: orphan)
        guard origin != .undetermined else { return known == nil ? nil : false }
        self.known[orphan.pid] = KnownProcess(
            startTime: orphan.startTime,
            origin: origin,
            sessionAsOrphan: orphan.session
        )
        return origin == .run(runID)
    }

    /// The run ID with which a process was started. In the middle of an exec, when the new memory is there and not yet its
    /// environment, it reads as empty.
    private func originFromEnvironment(of process: ProcessStat) -> Origin {
        // EACCES for a process of another user, ESRCH for a thread of the kernel or one that has just ended.
        let origin = self.withEntry("\(process.pid)/environ") { number in
            defer { Glibc.close(number) }
            let count = self.fill(from: number)
            return count > 0 ? self.withBuffer(count, Self.origin(in:)) : .undetermined
        }
        guard origin == .undetermined else { return origin ?? (self.isBlind ? .undetermined : .noRun) }
        guard let stat = self.stat(of: process.pid), !stat.hasEnded else { return .noRun }
        return stat.environmentEnd != 0 && stat.environmentEnd == stat.environmentStart ? .noRun : .undetermined
    }

    private static func origin(in environment: UnsafeRawBufferPointer) -> Origin {
        let prefix = Array("\(Self.runIDVariable)=".utf8)
        for entry in environment.split(separator: 0) where entry.starts(with: prefix) {
            return .run(String(decoding: entry.dropFirst(prefix.count), as: UTF8.self))
        }
        return .noRun
    }

    /// Whether the process of that number is the main process of a run: it leads a session and was started with the run's ID.
    public func isLeader(_ pid: Int32, ofRun runID: String) -> Bool {
        guard let stat = self.stat(of: pid), stat.session == pid else { return false }
        return self.originFromEnvironment(of: stat) == .run(runID)
    }

    /// The IDs of the runs of which some process lives, among all processes of the system.
    public func livingRuns() -> Set<String> {
        var runs: Set<String> = []
        for stat in self.scanAll() where !stat.hasEnded {
            switch self.originFromEnvironment(of: stat) {
            case .run(let id): runs.insert(id)
            case .noRun, .undetermined: break
            }
        }
        return runs
    }

    /// Keeps what is known of processes bounded by the number of processes that there are. It looks at all of them, so it
    /// waits until they have doubled.
    private func forgetTheGone() {
        guard self.known.count > self.knownLimit else { return }
        for (pid, process) in self.known where self.stat(of: pid)?.startTime != process.startTime && !self.isBlind {
            self.known[pid] = nil
        }
        self.knownLimit = max(Self.minimumKnownLimit, 2 * self.known.count)
    }
}
