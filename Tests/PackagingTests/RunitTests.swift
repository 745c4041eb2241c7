import ControlMessages
import TestSupport
import Testing

extension PackagingTests {
    @Suite(.enabled(if: PrivateMachine.obstacle == nil, "\(PrivateMachine.obstacle ?? "")"))
    struct RunitTests {
        let machine: PrivateMachine

        init() throws {
            self.machine = try PrivateMachine(["/usr/bin/runsvdir", "/etc/service"]) { files in
                try shell("mkdir etc/service && cp -r usr/share/reeve/runit etc/service/reeve", in: files.path)
            }
        }

        @Test func itIsRestartedAndStoppedAndStartedAgain() throws {
            try self.machine.expectItIsBackAfterAKill()

            let generation = try self.machine.agent().generation
            try self.machine.expect("sv -w 20 restart /etc/service/reeve")
            _ = try self.machine.waitUntilReady(after: generation)

            try self.machine.expect("sv -w 20 down /etc/service/reeve")
            try self.machine.expectNothingIsLeft()
            try self.machine.expect("sv -w 20 up /etc/service/reeve")
            try self.machine.expectAllWereStopped()

            try self.machine.expect("sv -w 20 exit /etc/service/reeve")
            try self.machine.expectNothingIsLeft()
        }

        @Test func itStaysDownWithABrokenConfiguration() throws {
            _ = try self.machine.waitUntilReady()
            try self.machine.expect("sv -w 20 down /etc/service/reeve")
            try self.machine.breakTheConfiguration()
            try self.machine.expect("sv up /etc/service/reeve")
            try self.machine.eventually("runit was told to leave it alone") {
                let status = try self.machine.expect("sv status /etc/service/reeve")
                return status.hasPrefix("down:") && !status.contains("want up")
                    && self.machine.log.contains("syntax error")
            }
            try self.machine.repairTheConfiguration()
            try self.machine.expect("sv up /etc/service/reeve")
            _ = try self.machine.waitUntilReady()
        }
    }
}
