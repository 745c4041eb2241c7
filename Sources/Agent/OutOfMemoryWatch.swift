import Glibc
import LinuxSystem
import Supervision

/// Looks at the control groups of the runs while they live, which is the only time at which v1 tells them, and says of a
/// run that was killed whether that was for want of memory. Belongs to the supervision loop.
///
/// A run begins in the agent's group; a wrapper that moves it does so in its first moments. So a run is looked at a few
/// times soon after its start and never again, and an idle agent does not wake up. Runs that begin together are looked at
/// together, on a spawn lane: the kernel may make that wait.
final class OutOfMemoryWatch {
    /// After its start.
    private static let looks: [Duration] = [.milliseconds(20), .milliseconds(200), .seconds(2)]
    /// Runs that are due within this time after others are looked at with them.
    private static let slack = Duration.milliseconds(5)

    private struct Candidate: Sendable {
        var instance: InstanceID
        var run: RunID
        var pid: Int32
        var startedAt: MonotonicInstant
    }

    private let loop: EventLoop
    private let spawner: Spawner
    private let hierarchy: CgroupMemoryHierarchy?
    private var ledger: OutOfMemoryLedger
    /// For each of the looks those that wait for it, the one that is due first at the front.
    private var waiting: [[Candidate]]

    init(loop: EventLoop, spawner: Spawner) {
        self.loop = loop
        self.spawner = spawner
        self.hierarchy = CgroupMemoryHierarchy.find()
        self.ledger = OutOfMemoryLedger(
            ownGroup: self.hierarchy?.group(of: getpid())?.memory,
            systemCounter: CounterFile.outOfMemoryKills(),
            at: SuspendingClock.now
        )
        // Without control groups the first look is only for the system's counter.
        self.waiting = Array(repeating: [], count: self.hierarchy == nil ? 1 : Self.looks.count)
    }

    /// The process of a run has become its program.
    func began(_ instance: InstanceID, _ run: RunID, pid: Int32) {
        self.ledger.began(instance, run)
        self.enqueue([Candidate(instance: instance, run: run, pid: pid, startedAt: SuspendingClock.now)], for: 0)
    }

    /// A run ended by anything else than a SIGKILL from elsewhere.
    func ended(_ instance: InstanceID, _ run: RunID) {
        self.ledger.ended(instance, run)
    }

    /// A run was ended by a SIGKILL that the agent did not send.
    func killed(_ instance: InstanceID, _ run: RunID) -> OutOfMemoryLedger.Verdict {
        self.ledger.killed(instance, run, at: SuspendingClock.now)
    }

    /// How many processes were killed in all, as it was counted last; `nil` where the kernel does not tell.
    var countedKills: Int64? {
        self.ledger.systemCount
    }

    /// A run ended by such a SIGKILL while there was no agent.
    ///
    /// - Parameter before: what had been counted when it was started.
    func killedBefore(_ before: Int64?) -> OutOfMemory {
        guard let before, let count = self.countedKills else { return .unknown }
        return count > before ? .suspected : .no
    }

    // MARK: Looking

    private func enqueue(_ candidates: [Candidate], for look: Int) {
        guard look < self.waiting.count, !candidates.isEmpty else { return }
        let isScheduled = !self.waiting[look].isEmpty
        self.waiting[look] += candidates
        if !isScheduled {
            self.schedule(look)
        }
    }

    private func schedule(_ look: Int) {
        guard let first = self.waiting[look].first else { return }
        self.loop.schedule(at: first.startedAt.advanced(by: Self.looks[look])) { [weak self] in
            self?.timeReached(look)
        }
    }

    private func timeReached(_ look: Int) {
        let now = SuspendingClock.now
        self.ledger.sample(at: now)
        let limit = now.advanced(by: Self.slack)
        let due = self.waiting[look].prefix { $0.startedAt.advanced(by: Self.looks[look]) <= limit }
        self.waiting[look].removeFirst(due.count)
        self.schedule(look)
        let living = due.filter { self.ledger.isLiving($0.instance, $0.run) }
        guard let hierarchy, !living.isEmpty else { return }
        let bound = LoopBound(self, to: self.loop)
        let loop = self.loop
        self.spawner.submit { _ in
            let groups = living.map { hierarchy.group(of: $0.pid) }
            loop.execute { bound.take().saw(living, in: groups, at: look) }
        }
    }

    /// Of a run that has ended meanwhile nothing is learned: its number may have become another process's.
    private func saw(_ candidates: [Candidate], in groups: [(memory: CgroupMemory, kills: Int64)?], at look: Int) {
        for (candidate, group) in zip(candidates, groups) {
            self.ledger.saw(candidate.instance, candidate.run, in: group)
        }
        self.enqueue(candidates, for: look + 1)
    }
}
