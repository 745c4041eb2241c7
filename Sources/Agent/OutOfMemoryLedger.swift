import LinuxSystem
import Supervision

/// What is known of the kernel's out-of-memory killer and the runs' control groups, and what follows from it for a run that
/// was killed by a SIGKILL that the agent did not send.
///
/// The killer counts each of its victims before it sends the signal, in the victim's group and in the whole system. So a
/// group of the run's own whose counter rose during the run says `yes`; one that is shared with the agent, and the
/// system's, can only say `suspected`; and a counter that did not rise says `no`, whichever it is.
struct OutOfMemoryLedger {
    struct Verdict: Equatable {
        var oom: OutOfMemory
        var evidence: OutOfMemoryEvidence?
    }

    /// What is known of an instance. The group of the run before is kept: the next one most likely goes the same way, and
    /// may end before anybody has looked at it.
    private struct Slot {
        /// `nil` when there is none.
        var run: RunID?
        /// Whether `group` was seen to be this run's.
        var isSeen = false
        var group: CgroupMemory?
        /// What the group had counted when it was first seen in this run, or when the run before had ended; `nil` when
        /// neither is known.
        var kills: Int64?
    }

    private var slots: [InstanceID: Slot] = [:]
    /// Of the agent itself, where every run begins.
    private let ownGroup: CgroupMemory?
    private let ownCounter: CounterFile?
    private var ownSamples = CounterSamples()
    private let systemCounter: CounterFile?
    private var systemSamples = CounterSamples()

    /// - Parameters:
    ///   - ownGroup: the agent's; `nil` where its memory is not accounted for.
    ///   - systemCounter: of all victims since boot.
    init(ownGroup: CgroupMemory?, systemCounter: CounterFile?, at now: MonotonicInstant) {
        self.ownGroup = ownGroup
        self.ownCounter = ownGroup?.openCounter()
        self.systemCounter = systemCounter
        self.sample(at: now)
    }

    /// Reads the counters that are nobody's own, unless that was done a short time ago. It costs no more than two reads of
    /// open files.
    mutating func sample(at now: MonotonicInstant) {
        if self.ownSamples.isDue(at: now), let count = self.ownCounter?.read() {
            self.ownSamples.note(count, at: now)
        }
        if self.systemSamples.isDue(at: now), let count = self.systemCounter?.read() {
            self.systemSamples.note(count, at: now)
        }
    }

    /// Of the whole system, as it was read last.
    var systemCount: Int64? {
        self.systemSamples.latestCount
    }

    // MARK: Runs

    mutating func began(_ instance: InstanceID, _ run: RunID) {
        self.slots[instance, default: Slot()].run = run
        self.slots[instance]?.isSeen = false
    }

    /// Whether the run has begun and not ended.
    func isLiving(_ instance: InstanceID, _ run: RunID) -> Bool {
        self.slots[instance]?.run == run
    }

    /// The group in which a run was seen while it lived, with its count; `nil` when it was seen in none.
    mutating func saw(_ instance: InstanceID, _ run: RunID, in found: (memory: CgroupMemory, kills: Int64)?) {
        guard var slot = self.slots[instance], slot.run == run else { return }
        if let found {
            guard !slot.isSeen || slot.group != found.memory else { return }
            slot.isSeen = true
            slot.group = found.memory
            slot.kills = found.kills
        } else if !slot.isSeen {
            // A run that was seen in one before may have ended just now, which looks the same.
            slot.group = nil
            slot.kills = nil
        }
        self.slots[instance] = slot
    }

    /// A run ended, and what its group has counted does not matter.
    mutating func ended(_ instance: InstanceID, _ run: RunID) {
        guard self.isLiving(instance, run) else { return }
        self.slots[instance]?.run = nil
        self.slots[instance]?.kills = nil
    }

    /// A run was ended by a SIGKILL that the agent did not send.
    mutating func killed(_ instance: InstanceID, _ run: RunID, at now: MonotonicInstant) -> Verdict {
        defer { self.slots[instance]?.run = nil }
        let slot = self.slots[instance] ?? Slot()
        if let group = slot.group, group != self.ownGroup, !group.isRoot {
            let kills = group.outOfMemoryKills()
            self.slots[instance]?.kills = kills
            if let kills, let before = slot.kills {
                if kills > before {
                    self.claimKill(in: group, for: instance)
                    let evidence = OutOfMemoryEvidence(usedBytes: group.peakBytes(), limitBytes: group.limitBytes())
                    return Verdict(oom: .yes, evidence: evidence)
                }
                if kills == before, slot.isSeen {
                    return Verdict(oom: .no)
                }
            }
        }
        if slot.isSeen, slot.group == self.ownGroup, let count = self.ownCounter?.read() {
            return Self.judge(count, &self.ownSamples, at: now)
        }
        guard let count = self.systemCounter?.read() else { return Verdict(oom: .unknown) }
        return Self.judge(count, &self.systemSamples, at: now)
    }

    /// Other instances whose runs are in the same group do not take this kill for theirs.
    private mutating func claimKill(in group: CgroupMemory, for instance: InstanceID) {
        for (other, slot) in self.slots where other != instance && slot.group == group {
            self.slots[other]?.kills = slot.kills.map { $0 &+ 1 }
        }
    }

    /// What a counter says that is not the run's own.
    private static func judge(_ count: Int64, _ samples: inout CounterSamples, at now: MonotonicInstant) -> Verdict {
        defer { samples.note(count, at: now) }
        guard let baseline = samples.baseline(at: now) else { return Verdict(oom: .unknown) }
        guard count > baseline.count else { return Verdict(oom: .no) }
        return Verdict(oom: .suspected, evidence: OutOfMemoryEvidence(within: baseline.at.duration(to: now)))
    }
}
