import ControlMessages
import TestSupport
import Testing

extension PackagingTests {
    @Suite(.enabled(if: PrivateMachine.obstacle == nil, "\(PrivateMachine.obstacle ?? "")"))
    struct S6Tests {
        let machine: PrivateMachine

        init() throws {
            self.machine = try PrivateMachine(["/usr/bin/s6-svscan", "/etc/service"]) { files in
                try shell("mkdir etc/service && cp -r usr/share/reeve/s6 etc/service/reeve", in: files.path)
            }
        }

        @Test func itIsRestartedAndStoppedAndStartedAgain() throws {
            try self.machine.expectItIsBackAfterAKill()

            let generation = try self.machine.agent().generation
            try self.machine.expect("s6-svc -r -wR -T 20000 /etc/service/reeve")
            #expect(try self.machine.agent().generation > generation, "ready means that it answers")
            _ = try self.machine.waitUntilReady()

            try self.machine.expect("s6-svc -d -wD -T 20000 /etc/service/reeve")
            try self.machine.expectNothingIsLeft()
            try self.machine.expect("s6-svc -u -wU -T 20000 /etc/service/reeve")
            try self.machine.expectAllWereStopped()

            try self.machine.expect("s6-svscanctl -t /etc/service || true")
            try self.machine.expectNothingIsLeft()
        }

        @Test func itStaysDownWithABrokenConfiguration() throws {
            _ = try self.machine.waitUntilReady()
            try self.machine.expect("s6-svc -d -wD -T 20000 /etc/service/reeve")
            try self.machine.breakTheConfiguration()
            try self.machine.expect("s6-svc -u /etc/service/reeve")
            try self.machine.eventually("s6 leaves it alone") {
                try self.machine.expect("s6-svstat /etc/service/reeve").hasPrefix("down (exitcode 2)")
            }
            try self.machine.repairTheConfiguration()
            try self.machine.expect("s6-svc -u -wU -T 20000 /etc/service/reeve")
            _ = try self.machine.waitUntilReady()
        }
    }
}
