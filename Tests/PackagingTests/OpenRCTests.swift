import ControlMessages
import TestSupport
import Testing

extension PackagingTests {
    @Suite(
        .enabled(if: PrivateMachine.obstacle == nil, "\(PrivateMachine.obstacle ?? "")"),
        .enabled(if: UnpackedPackages.openrc != nil, "openrc could not be downloaded")
    )
    struct OpenRCTests {
        let machine: PrivateMachine

        /// Boots through the run levels, with the service in the default one.
        init() throws {
            let package = try #require(UnpackedPackages.openrc)
            let boot = "openrc sysinit; openrc boot; openrc default; while :; do sleep 1; done"
            self.machine = try PrivateMachine(["/bin/sh", "-c", boot]) { files in
                let lines = """
                    mkdir -p usr/bin usr/sbin usr/lib etc/init.d etc/insserv.conf.d etc/insserv/overrides
                    for part in bin sbin lib; do cp -a '\(package)'/$part/. usr/$part/; done
                    cp '\(package)/etc/rc.conf' etc/
                    : >etc/insserv.conf
                    for level in sysinit boot default shutdown; do mkdir -p etc/runlevels/$level; done
                    cp usr/share/reeve/openrc/reeve etc/init.d/
                    ln -s /etc/init.d/reeve etc/runlevels/default/reeve
                    """
                try shell(lines, in: files.path)
                // What the service needs: here it is mounted already.
                try files.write("#!/sbin/openrc-run\nstart() { :; }\n", to: "etc/init.d/localmount", mode: 0o755)
            }
        }

        @Test func itIsRestartedAndStoppedAndStartedAgain() throws {
            try self.machine.expectItIsBackAfterAKill()
            #expect(try self.machine.expect("rc-service reeve status").contains("started"))

            try self.machine.expect("rc-service reeve stop")
            try self.machine.expectNothingIsLeft()
            try self.machine.expect("rc-service reeve start")
            try self.machine.expectAllWereStopped()

            let generation = try self.machine.agent().generation
            try self.machine.expect("rc-service reeve restart")
            _ = try self.machine.waitUntilReady(after: generation)
        }

        @Test func aBrokenConfigurationIsToldAndNothingIsStarted() throws {
            _ = try self.machine.waitUntilReady()
            try self.machine.expect("rc-service reeve stop")
            try self.machine.breakTheConfiguration()
            let result = try self.machine.run("/sbin/rc-service", "reeve", "start")
            #expect(result.code == 1)
            #expect((result.output + result.errors).contains("reeve.toml:1:"))
            #expect(self.machine.supervised == nil)
        }
    }
}
