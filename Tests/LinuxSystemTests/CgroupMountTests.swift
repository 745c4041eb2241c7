import Testing

@testable import LinuxSystem

@Suite struct CgroupMountTests {
    @Test func aHybridHasBothVersions() {
        let mounts = CgroupMount.all(
            in: """
                23 1 254:0 / / rw,relatime - ext4 /dev/root rw
                31 23 0:28 / /sys/fs/cgroup rw,relatime shared:9 master:1 - tmpfs tmpfs rw,mode=755
                35 31 0:32 / /sys/fs/cgroup/memory rw shared:3 - cgroup cgroup rw,memory
                36 31 0:33 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct,clone_children
                40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
                41 31 0:38 / /sys/fs/cgroup/uni\\040fied rw,relatime shared:11 - cgroup2 cgroup2 rw
                """
        )
        #expect(
            mounts == [
                CgroupMount(version: .v1, controllers: ["memory"], mountPoint: "/sys/fs/cgroup/memory"),
                CgroupMount(version: .v1, controllers: ["cpu", "cpuacct"], mountPoint: "/sys/fs/cgroup/cpu,cpuacct"),
                CgroupMount(version: .v1, controllers: ["name=systemd"], mountPoint: "/sys/fs/cgroup/systemd"),
                CgroupMount(version: .v2, mountPoint: "/sys/fs/cgroup/uni fied"),
            ]
        )
    }

    @Test func aPureV2SystemHasOne() {
        let mounts = CgroupMount.all(
            in: "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n"
        )
        #expect(mounts == [CgroupMount(version: .v2, mountPoint: "/sys/fs/cgroup")])
    }

    @Test func otherLinesArePassedOver() {
        let table = """
            23 1 254:0 / /cgroup2 rw,cgroup2 - ext4 cgroup2 rw

            short line
            1 2 3 4 5 6 -
            1 2 3 4 5 6 - cgroup cgroup
            """
        #expect(CgroupMount.all(in: table).isEmpty)
        #expect(CgroupMount.all(in: "1 2 3 4 5 6 -").isEmpty)
        #expect(CgroupMount.all(in: "").isEmpty)
    }

    @Test func aGroupIsSeenBelowTheMountPoint() {
        let mount = CgroupMount(version: .v2, mountPoint: "/sys/fs/cgroup")
        #expect(mount.directory(of: "/") == "/sys/fs/cgroup")
        #expect(mount.directory(of: "/system.slice/web.service") == "/sys/fs/cgroup/system.slice/web.service")
        #expect(mount.directory(of: "relative") == nil)
    }

    @Test func ofAPartThatIsMountedOnlyThePartIsSeen() {
        let mount = CgroupMount(version: .v1, controllers: ["memory"], root: "/docker/0a1b", mountPoint: "/cg")
        #expect(mount.directory(of: "/docker/0a1b") == "/cg")
        #expect(mount.directory(of: "/docker/0a1b/web") == "/cg/web")
        #expect(mount.directory(of: "/docker/0a1bc") == nil)
        #expect(mount.directory(of: "/") == nil)
    }

    @Test func whatLiesOutsideOfTheNamespaceIsNotSeen() {
        let mount = CgroupMount(version: .v2, mountPoint: "/sys/fs/cgroup")
        #expect(mount.directory(of: "/../other") == nil)
        #expect(mount.directory(of: "/..") == nil)
        let outside = CgroupMount(version: .v2, root: "/../..", mountPoint: "/sys/fs/cgroup")
        #expect(outside.directory(of: "/") == nil)
    }
}
