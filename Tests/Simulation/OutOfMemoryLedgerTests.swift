import Glibc
import LinuxSystem
import Supervision
import TestSupport
import Testing

@testable import Agent

/// The counters are files of the test's, so that every version of them is there, whatever the kernel has.
@Suite struct OutOfMemoryLedgerTests {
    private let instance = InstanceID(worker: "web", index: 0)
    private let other = InstanceID(worker: "web", index: 1)
    private let counters: Counters
    private var now = SuspendingClock.now

    init() throws {
        self.counters = try Counters()
    }

    /// The agent is in `agent`.
    private func ledger(ownGroup: String? = "agent") -> OutOfMemoryLedger {
        OutOfMemoryLedger(
            ownGroup: ownGroup.map { self.counters.group($0) },
            systemCounter: self.counters.systemCounter,
            at: self.now
        )
    }

    private func run(_ number: UInt64) -> RunID {
        UUIDv7(high: 0x7001, low: number)
    }

    private func found(_ name: String) -> (memory: CgroupMemory, kills: Int64)? {
        let group = self.counters.group(name)
        return group.outOfMemoryKills().map { (group, $0) }
    }

    // MARK: A group of the run's own

    @Test func aKillInTheRunsOwnGroupIsCertain() {
        var ledger = self.ledger()
        self.counters.set("web", kills: 3, peak: 511 << 20, limit: 512 << 20)
        ledger.began(self.instance, self.run(1))
        ledger.saw(self.instance, self.run(1), in: self.found("web"))
        self.counters.set("web", kills: 4, peak: 511 << 20, limit: 512 << 20)
        let verdict = ledger.killed(self.instance, self.run(1), at: self.now)
        #expect(verdict.oom == .yes)
        #expect(verdict.evidence == OutOfMemoryEvidence(usedBytes: 511 << 20, limitBytes: 512 << 20))
    }

    @Test func anOldKillInItIsNotThisOne() {
        var ledger = self.ledger()
        self.counters.set("web", kills: 3)
        ledger.began(self.instance, self.run(1))
        ledger.saw(self.instance, self.run(1), in: self.found("web"))
        self.counters.setSystem(kills: 9)
        #expect(ledger.killed(self.instance, self.run(1), at: self.now).oom == .no, "whatever was killed elsewhere")
    }

    @Test func laterLooksDoNotForgetAKill() {
        var ledger = self.ledger()
        self.counters.set("web", kills: 0)
        ledger.began(self.instance, self.run(1))
        ledger.saw(self.instance, self.run(1), in: self.found("web"))
        self.counters.set("web", kills: 1)
        ledger.saw(self.instance, self.run(1), in: self.found("web"))
        ledger.saw(self.instance, self.run(1), in: nil)
        #expect(ledger.killed(self.instance, self.run(1), at: self.now).oom == .yes)
    }

    @Test func aRunThatMovesIsFollowed() {
        var ledger = self.ledger()
        self.counters.set("agent", kills: 0)
        self.counters.set("web", kills: 0)
        ledger.began(self.instance, self.run(1))
        ledger.saw(self.instance, self.run(1), in: self.found("agent"))
        ledger.saw(self.instance, self.run(1), in: self.found("web"))
        self.counters.set("web", kills: 1)
        #expect(ledger.killed(self.instance, self.run(1), at: self.now).oom == .yes)
    }

    @Test func aRunThatIsKilledBeforeALookIsJudgedByTheGroupOfTheOneBefore() {
        var ledger = self.ledger()
        self.counters.set("web", kills: 0)
        ledger.began(self.instance, self.run(1))
        ledger.saw(self.instance, self.run(1), in: self.found("web"))
        self.counters.set("web", kills: 1)
        #expect(ledger.killed(self.instance, self.run(1), at: self.now).oom == .yes)
        ledger.began(self.instance, self.run(2))
        self.counters.set("web", kills: 2)
        #expect(ledger.killed(self.instance, self.run(2), at: self.now).oom == .yes)
        // It may not have come so far: then the system's counter is asked.
        self.counters.setSystem(kills: 2)
        ledger.began(self.instance, self.run(3))
        #expect(ledger.killed(self.instance, self.run(3), at: self.now).oom == .suspected)
    }

    @Test func whatWasKilledOfAnEarlierRunIsNotCounted() {
        var ledger = self.ledger()
        self.counters.set("web", kills: 0)
        ledger.began(self.instance, self.run(1))
        ledger.saw(self.instance, self.run(1), in: self.found("web"))
        self.counters.set("web", kills: 1)
        ledger.ended(self.instance, self.run(1))
        ledger.began(self.instance, self.run(2))
        #expect(ledger.killed(self.instance, self.run(2), at: self.now).oom == .no, "the system's counter stands")
        ledger.began(self.instance, self.run(3))
        ledger.saw(self.instance, self.run(3), in: self.found("web"))
        #expect(ledger.killed(self.instance, self.run(3), at: self.now).oom == .no)
    }

    @Test func instancesThatShareAGroupDoNotTakeEachOthersKills() {
        var ledger = self.ledger()
        self.counters.set("web", kills: 0)
        for (instance, run) in [(self.instance, self.run(1)), (self.other, self.run(2))] {
            ledger.began(instance, run)
            ledger.saw(instance, run, in: self.found("web"))
        }
        self.counters.set("web", kills: 1)
        #expect(ledger.killed(self.instance, self.run(1), at: self.now).oom == .yes)
        #expect(ledger.killed(self.other, self.run(2), at: self.now).oom == .no)
    }

    @Test func aGroupThatIsGoneLeavesTheSystemsCounter() {
        var ledger = self.ledger()
        self.counters.set("web", kills: 0)
        ledger.began(self.instance, self.run(1))
        ledger.saw(self.instance, self.run(1), in: self.found("web"))
        self.counters.remove("web")
        self.counters.setSystem(kills: 1)
        #expect(ledger.killed(self.instance, self.run(1), at: self.now).oom == .suspected)
    }

    @Test func theRootIsNobodysOwn() throws {
        var ledger = self.ledger()
        self.counters.set("web", kills: 0)
        var found = try #require(self.found("web"))
        found.memory.isRoot = true
        ledger.began(self.instance, self.run(1))
        ledger.saw(self.instance, self.run(1), in: found)
        self.counters.set("web", kills: 1)
        self.counters.setSystem(kills: 1)
        #expect(ledger.killed(self.instance, self.run(1), at: self.now).oom == .suspected)
    }

    // MARK: Counters that are nobody's own

    @Test mutating func aKillInTheAgentsGroupIsOnlySuspected() {
        self.counters.set("agent", kills: 5)
        var ledger = self.ledger()
        ledger.began(self.instance, self.run(1))
        ledger.saw(self.instance, self.run(1), in: self.found("agent"))
        self.now = self.now.advanced(by: .seconds(3))
        self.counters.set("agent", kills: 6)
        let verdict = ledger.killed(self.instance, self.run(1), at: self.now)
        #expect(verdict.oom == .suspected)
        #expect(verdict.evidence == OutOfMemoryEvidence(within: .seconds(3)))
    }

    @Test func aKillElsewhereIsNoneInTheAgentsGroup() {
        self.counters.set("agent", kills: 5)
        var ledger = self.ledger()
        ledger.began(self.instance, self.run(1))
        ledger.saw(self.instance, self.run(1), in: self.found("agent"))
        self.counters.setSystem(kills: 1)
        #expect(ledger.killed(self.instance, self.run(1), at: self.now).oom == .no)
    }

    @Test func theSystemsCounterIsAskedWhereThereAreNoGroups() {
        var ledger = self.ledger(ownGroup: nil)
        ledger.began(self.instance, self.run(1))
        #expect(ledger.killed(self.instance, self.run(1), at: self.now).oom == .no)
        ledger.began(self.instance, self.run(2))
        self.counters.setSystem(kills: 1)
        #expect(ledger.killed(self.instance, self.run(2), at: self.now).oom == .suspected)
    }

    @Test func withoutAnyCounterNothingIsKnown() {
        var ledger = OutOfMemoryLedger(ownGroup: nil, systemCounter: nil, at: self.now)
        ledger.began(self.instance, self.run(1))
        #expect(ledger.killed(self.instance, self.run(1), at: self.now) == .init(oom: .unknown))
    }

    @Test mutating func runsThatAreKilledTogetherAreAllSuspected() {
        var ledger = self.ledger(ownGroup: nil)
        ledger.began(self.instance, self.run(1))
        ledger.began(self.other, self.run(2))
        self.now = self.now.advanced(by: .seconds(60))
        self.counters.setSystem(kills: 2)
        #expect(ledger.killed(self.instance, self.run(1), at: self.now).oom == .suspected)
        self.now = self.now.advanced(by: .milliseconds(400))
        ledger.sample(at: self.now)
        #expect(ledger.killed(self.other, self.run(2), at: self.now).oom == .suspected)
    }

    @Test mutating func aKillLongBeforeIsNotSuspected() {
        var ledger = self.ledger(ownGroup: nil)
        self.now = self.now.advanced(by: .seconds(60))
        self.counters.setSystem(kills: 1)
        ledger.began(self.instance, self.run(1))
        ledger.sample(at: self.now)
        self.now = self.now.advanced(by: .seconds(60))
        #expect(ledger.killed(self.instance, self.run(1), at: self.now).oom == .no)
    }

    // MARK: Events that race

    @Test func whatIsSeenAfterTheEndIsNotLearned() {
        var ledger = self.ledger()
        self.counters.set("web", kills: 0)
        ledger.began(self.instance, self.run(1))
        #expect(ledger.isLiving(self.instance, self.run(1)))
        ledger.ended(self.instance, self.run(1))
        #expect(!ledger.isLiving(self.instance, self.run(1)))
        ledger.saw(self.instance, self.run(1), in: self.found("web"))
        ledger.began(self.instance, self.run(2))
        ledger.saw(self.instance, self.run(1), in: self.found("web"))
        self.counters.set("web", kills: 1)
        #expect(ledger.killed(self.instance, self.run(2), at: self.now).oom == .no)
    }
}

/// Files that look like the kernel's, in a directory of their own.
private final class Counters {
    private let files: TemporaryDirectory
    var path: String { self.files.path }

    init() throws {
        self.files = try TemporaryDirectory()
        self.setSystem(kills: 0)
        self.set("agent", kills: 0)
    }

    var systemCounter: CounterFile? {
        CounterFile.open("\(self.path)/vmstat", key: "oom_kill")
    }

    func group(_ name: String) -> CgroupMemory {
        CgroupMemory(version: .v2, directory: "\(self.path)/\(name)")
    }

    func setSystem(kills: Int64) {
        self.write("vmstat", "pgfault 1\noom_kill \(kills)\n")
    }

    func set(_ group: String, kills: Int64, peak: Int64 = 0, limit: Int64? = nil) {
        mkdir("\(self.path)/\(group)", 0o755)
        self.write("\(group)/memory.events", "oom 0\noom_kill \(kills)\n")
        self.write("\(group)/memory.peak", "\(peak)\n")
        self.write("\(group)/memory.max", "\(limit.map(String.init) ?? "max")\n")
    }

    func remove(_ group: String) {
        for name in ["memory.events", "memory.peak", "memory.max"] {
            unlink("\(self.path)/\(group)/\(name)")
        }
        rmdir("\(self.path)/\(group)")
    }

    private func write(_ name: String, _ text: String) {
        let number = open("\(self.path)/\(name)", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        let bytes = Array(text.utf8)
        let count = Glibc.write(number, bytes, bytes.count)
        precondition(count == bytes.count, "cannot write \(name)")
        close(number)
    }
}
