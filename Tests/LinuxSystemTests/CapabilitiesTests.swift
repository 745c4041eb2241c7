import Glibc
import Testing

@testable import LinuxSystem

@Suite struct CapabilitiesTests {
    @Test func whatTheOtherTestsUseIsFound() {
        let found = Capabilities.detect()
        #expect(found.pidfd)
        #expect(found.pidfdSendSignal)
        #expect(Set(found.entries.map(\.name)).count == found.entries.count)
        #expect(found.entries.first?.name == "pidfd")
    }

    @Test func theSubreaperFlagIsTheProcesss() async {
        await #expect(processExitsWith: .success) {
            #expect(!Capabilities.detect().subreaper)
            try Subreaper.become()
            #expect(Capabilities.detect().subreaper)
            // The child that was tried is gone.
            #expect(waitpid(-1, nil, WNOHANG) == -1 && errno == ECHILD)
        }
    }

    @Test func whatIsFoundOfTheMemoryControllerIsShown() {
        var found = Capabilities.detect()
        func entries() -> [String: Capabilities.Value] {
            Dictionary(uniqueKeysWithValues: found.entries.map { ($0.name, $0.value) })
        }
        found.memory = .init(version: .v1, path: "/sys/fs/cgroup/memory", countsKills: true)
        found.countsOutOfMemoryKills = true
        #expect(entries()["memory_cgroup"] == .text("v1"))
        #expect(entries()["memory_cgroup_path"] == .text("/sys/fs/cgroup/memory"))
        #expect(entries()["memory_cgroup_oom_kills"] == .flag(true))
        #expect(entries()["oom_kills"] == .flag(true))
        found.memory = nil
        #expect(entries()["memory_cgroup"] == .flag(false))
        #expect(entries()["memory_cgroup_path"] == nil)
    }

    @Test func theWallClockCountsFromTheEpoch() {
        // Between 2020 and 2100.
        #expect(1_577_836_800_000_000_000...4_102_444_800_000_000_000 ~= WallClock.nanosecondsSinceEpoch)
    }
}
