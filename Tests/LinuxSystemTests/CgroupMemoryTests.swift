import Glibc
import Testing

@testable import LinuxSystem

@Suite struct CgroupMemoryTests {
    @Test func membershipIsReadFromBothVersions() {
        let hybrid = CgroupMembership(
            parsing: """
                9:name=systemd:/user.slice
                5:cpu,cpuacct:/jobs
                4:memory:/process_api/a:b
                0::/unified part
                nonsense
                """
        )
        #expect(hybrid.unified == "/unified part")
        #expect(
            hybrid.byController
                == ["name=systemd": "/user.slice", "cpu": "/jobs", "cpuacct": "/jobs", "memory": "/process_api/a:b"]
        )
        #expect(CgroupMembership(parsing: "0::/web (deleted)\n").unified == nil)
        #expect(CgroupMembership(parsing: "").unified == nil)
    }

    @Test func aGroupOfV2TellsItsKillsAndMemory() throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let memory = CgroupMemory(version: .v2, directory: directory.path)
        #expect(memory.outOfMemoryKills() == nil)
        #expect(memory.openCounter() == nil)
        _ = try directory.file("memory.events", "low 0\nhigh 3\nmax 17\noom 4\noom_kill 5\noom_group_kill 1\n")
        #expect(memory.outOfMemoryKills() == 5)
        _ = try directory.file("memory.events.local", "low 0\nhigh 3\nmax 17\noom 2\noom_kill 2\noom_group_kill 0\n")
        #expect(memory.outOfMemoryKills() == 2, "those of the groups below are not its own")
        #expect(memory.openCounter()?.read() == 2)
        #expect(memory.peakBytes() == nil, "before Linux 5.19")
        _ = try directory.file("memory.max", "536870912\n")
        _ = try directory.file("memory.peak", "535822336\n")
        #expect(memory.limitBytes() == 536_870_912)
        #expect(memory.peakBytes() == 535_822_336)
        _ = try directory.file("memory.max", "max\n")
        #expect(memory.limitBytes() == nil)
    }

    @Test func aGroupOfV1TellsItsKillsAndMemory() throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let memory = CgroupMemory(version: .v1, directory: directory.path)
        _ = try directory.file("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\n")
        #expect(memory.outOfMemoryKills() == nil, "before Linux 4.13")
        _ = try directory.file("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n")
        #expect(memory.outOfMemoryKills() == 1)
        _ = try directory.file("memory.limit_in_bytes", "33554432\n")
        _ = try directory.file("memory.max_usage_in_bytes", "33550336\n")
        #expect(memory.limitBytes() == 33_554_432)
        #expect(memory.peakBytes() == 33_550_336)
        _ = try directory.file("memory.limit_in_bytes", "9223372036854771712\n")
        #expect(memory.limitBytes() == nil, "the largest number of pages is no limit")
    }

    @Test func theGroupOfAProcessIsFoundOnV2() throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let hierarchy = try Self.hierarchy(.v2, in: directory)
        _ = try directory.file("proc/7/cgroup", "0::/web/workers\n")
        _ = try directory.file("cg/web/workers/memory.events", "oom_kill 3\n")
        let found = try #require(hierarchy.group(of: 7))
        #expect(found.memory == CgroupMemory(version: .v2, directory: "\(directory.path)/cg/web/workers"))
        #expect(found.kills == 3)
        #expect(hierarchy.group(of: 8) == nil)
    }

    @Test func whereTheControllerEndsTheNearestGroupAboveAccounts() throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let hierarchy = try Self.hierarchy(.v2, in: directory)
        _ = try directory.file("proc/7/cgroup", "0::/web/workers/first\n")
        #expect(hierarchy.group(of: 7) == nil, "the root of the system does not count")
        _ = try directory.file("cg/memory.events", "oom_kill 1\n")
        #expect(hierarchy.group(of: 7)?.memory.isRoot == true, "the root of a namespace does")
        _ = try directory.file("cg/web/memory.events", "oom_kill 2\n")
        let found = try #require(hierarchy.group(of: 7))
        #expect(found.memory == CgroupMemory(version: .v2, directory: "\(directory.path)/cg/web"))
        #expect(found.kills == 2)
    }

    @Test func theGroupOfAProcessIsFoundOnV1() throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let hierarchy = try Self.hierarchy(.v1, in: directory)
        _ = try directory.file("proc/7/cgroup", "4:memory:/web\n0::/elsewhere\n")
        _ = try directory.file("cg/web/memory.oom_control", "oom_kill 3\n")
        _ = try directory.file("cg/memory.oom_control", "oom_kill 9\n")
        #expect(hierarchy.group(of: 7)?.kills == 3)
        _ = try directory.file("proc/7/cgroup", "4:memory:/\n0::/elsewhere\n")
        #expect(hierarchy.group(of: 7) == nil, "a zombie is there too")
    }

    @Test func theRealHierarchyKnowsThisProcessOrSaysThatItDoesNot() throws {
        // Nothing is certain of the system that tests run on, but what is told must agree.
        guard let hierarchy = CgroupMemoryHierarchy.find(), let found = hierarchy.group(of: getpid()) else { return }
        #expect(found.memory.directory.hasPrefix(hierarchy.mount.mountPoint))
        #expect(found.memory.version == hierarchy.mount.version)
        #expect(found.kills >= 0)
        #expect(try #require(found.memory.openCounter()).read() != nil)
    }

    private static func hierarchy(
        _ version: CgroupMount.Version,
        in directory: TemporaryDirectory
    ) throws -> CgroupMemoryHierarchy {
        for name in ["proc", "proc/7", "cg", "cg/web", "cg/web/workers", "cg/web/workers/first"] {
            mkdir("\(directory.path)/\(name)", 0o755)
        }
        let mount = CgroupMount(version: version, mountPoint: "\(directory.path)/cg")
        return CgroupMemoryHierarchy(mount: mount, proc: "\(directory.path)/proc")
    }
}
