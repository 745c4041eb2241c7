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

    @Test func theMountPointOfCgroup2IsReadFromTheTable() {
        let hybrid = """
            23 1 254:0 / / rw,relatime - ext4 /dev/root rw
            31 23 0:28 / /sys/fs/cgroup rw,relatime shared:9 master:1 - tmpfs tmpfs rw,mode=755
            35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
            41 31 0:38 / /sys/fs/cgroup/uni\\040fied rw,relatime shared:11 - cgroup2 cgroup2 rw
            """
        #expect(Capabilities.ControlGroups.mountPoint(in: hybrid) == "/sys/fs/cgroup/uni fied")
        let none = "23 1 254:0 / /cgroup2 rw,cgroup2 - ext4 cgroup2 rw\n\nshort line\n1 2 3 4 5 6 -\n"
        #expect(Capabilities.ControlGroups.mountPoint(in: none) == nil)
        #expect(Capabilities.ControlGroups.mountPoint(in: "1 2 3 4 5 6 -") == nil)
    }

    @Test func theWallClockCountsFromTheEpoch() {
        // Between 2020 and 2100.
        #expect(1_577_836_800_000_000_000...4_102_444_800_000_000_000 ~= WallClock.nanosecondsSinceEpoch)
    }
}
