import ControlMessages
import TestSupport
import Testing

extension PackagingTests {
    @Suite(.enabled(if: PrivateMachine.obstacle == nil, "\(PrivateMachine.obstacle ?? "")"))
    struct SysVInitTests {
        @Test func theEntryHasTheFieldsOfInittab() throws {
            let lines = try Sources.text("Packaging/sysv/inittab").split(separator: "\n").filter { !$0.hasPrefix("#") }
            try #require(lines.count == 1)
            // inittab(5): id:runlevels:action:process, at most 4 characters and 127 of them.
            let fields = lines[0].split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false)
            try #require(fields.count == 4)
            #expect(fields[0].count <= 4)
            #expect(fields[1] == "2345")
            #expect(fields[2] == "respawn")
            #expect(fields[3] == "/usr/bin/reeve run")
            #expect(
                !fields[3].contains { "~`!$^&*()=|\\{}[];\"'<>?".contains($0) },
                "init would start a shell for these"
            )
        }

        @Test(.enabled(if: UnpackedPackages.sysvinit != nil, "sysvinit-core could not be downloaded"))
        func initStartsItAgainAndEndsIt() throws {
            let package = try #require(UnpackedPackages.sysvinit)
            let machine = try PrivateMachine(["/sbin/init"]) { files in
                try shell("mkdir -p usr/sbin && cp -a '\(package)/sbin/.' usr/sbin/", in: files.path)
                let line = try Sources.text("Packaging/sysv/inittab")
                try files.write("id:2:initdefault:\n" + line, to: "etc/inittab")
            }
            try machine.expectItIsBackAfterAKill()
            // As the file says: `off`, and three seconds.
            try machine.expect("sed -i s/:respawn:/:off:/ /etc/inittab && telinit q")
            try machine.expectNothingIsLeft()
            try machine.expect("sed -i s/:off:/:respawn:/ /etc/inittab && telinit q")
            try machine.expectAllWereStopped()
        }
    }
}
