import ControlMessages
import Glibc
import TestSupport
import Testing

extension PackagingTests {
    @Suite(.enabled(if: PrivateMachine.obstacle == nil, "\(PrivateMachine.obstacle ?? "")"))
    struct SystemdTests {
        /// What the unit refers to, empty: nothing of the host's own units is read, or this would boot all of Debian.
        private static let targets = [
            "sysinit", "basic", "shutdown", "multi-user", "network-online", "remote-fs", "nss-user-lookup",
        ]

        /// - Parameter settings: lines of a drop-in.
        private func boot(_ settings: String = "", enabled: Bool = true) throws -> PrivateMachine {
            var lines = settings
            if !Sources.hasKeeper {
                // Nobody says READY yet.
                lines += "\nType=exec\nWatchdogSec=0\n"
            }
            return try PrivateMachine([
                "/usr/bin/env", "SYSTEMD_UNIT_PATH=/etc/systemd/system", "SYSTEMD_GENERATOR_PATH=/nonexistent",
                "/usr/lib/systemd/systemd", "--unit=multi-user.target", "--log-target=console", "--show-status=no",
            ]) { files in
                try shell("mkdir -p etc/systemd/system/reeve.service.d", in: files.path)
                try shell("cp usr/lib/systemd/system/reeve.service etc/systemd/system/", in: files.path)
                for target in Self.targets {
                    try files.write("[Unit]\nDefaultDependencies=no\n", to: "etc/systemd/system/\(target).target")
                }
                let dropIn = "[Service]\nStandardError=file:/run/agent.log\n\(lines)\n"
                try files.write(dropIn, to: "etc/systemd/system/reeve.service.d/test.conf")
                if enabled {
                    let wants = "etc/systemd/system/multi-user.target.wants"
                    try shell("mkdir \(wants) && ln -s ../reeve.service \(wants)/", in: files.path)
                }
            }
        }

        private func show(_ property: String, _ machine: PrivateMachine) throws -> String {
            let text = try machine.expect("systemctl show --value --property=\(property) reeve")
            return String(text.prefix { $0 != "\n" })
        }

        @Test func theUnitHasNoMistake() throws {
            let machine = try self.boot(enabled: false)
            let result = try machine.run("/usr/bin/systemd-analyze", "verify", "/etc/systemd/system/reeve.service")
            #expect(result.code == 0)
            // It names what it does not know, and what it wants to be otherwise, and ends with 0 all the same.
            #expect(!(result.output + result.errors).contains("reeve.service:"), "\(result.errors)")
        }

        @Test func itIsActiveWhenItAnswersAndRestartedAndStopped() throws {
            let machine = try self.boot()
            _ = try machine.waitUntilReady()
            try machine.eventually("it is active") { try self.show("ActiveState", machine) == "active" }

            try machine.expectItIsBackAfterAKill()
            #expect(try self.show("NRestarts", machine) == "1")

            let generation = try machine.agent().generation
            try machine.expect("systemctl restart reeve")
            if Sources.hasKeeper {
                #expect(try machine.agent().generation > generation, "start returns when it answers")
                #expect(try !self.show("StatusText", machine).isEmpty)
            }
            _ = try machine.waitUntilReady(after: generation)

            try machine.expect("systemctl stop reeve")
            #expect(try self.show("Result", machine) == "success")
            #expect(machine.supervised == nil)
            #expect(machine.workerProcesses.isEmpty, "systemd says that it has stopped, and it has")
            try machine.expect("systemctl start reeve")
            try machine.expectAllWereStopped()
        }

        @Test func anEndOnPurposeIsNotFollowedByAStart() throws {
            let machine = try self.boot()
            _ = try machine.waitUntilReady()
            try machine.expect("reeve shutdown")
            try machine.eventually("it is inactive") { try self.show("ActiveState", machine) == "inactive" }
            #expect(machine.supervised == nil)
            #expect(try self.show("NRestarts", machine) == "0")

            try machine.breakTheConfiguration()
            let result = try machine.run("/usr/bin/systemctl", "start", "reeve")
            #expect(result.code != 0 || !Sources.hasKeeper, "it never was ready")
            try machine.eventually("it has failed") { try self.show("ActiveState", machine) == "failed" }
            #expect(try self.show("ExecMainStatus", machine) == "2")
            #expect(try self.show("NRestarts", machine) == "0")
        }

        @Test func theDropInLetsNoWorkerOutliveTheKeeper() throws {
            let dropIn = try Sources.text("Packaging/systemd/kill-workers.conf")
            #expect(dropIn.contains("\n[Service]\n"))
            let settings = dropIn.split(separator: "\n").filter { !$0.hasPrefix("#") && !$0.hasPrefix("[") }
            let machine = try self.boot(settings.joined(separator: "\n") + "\nRestart=no")
            _ = try machine.waitUntilReady()
            sendSignal(SIGKILL, to: try #require(machine.supervised))
            try machine.expectNothingIsLeft()
            try machine.eventually("systemd has noticed") { try self.show("ActiveState", machine) == "failed" }
        }

        @Test(.enabled(if: Sources.hasKeeper, "nobody answers for a watchdog yet"))
        func aKeeperThatHangsIsReplaced() throws {
            let machine = try self.boot("WatchdogSec=10s\nTimeoutAbortSec=1s")
            let before = try machine.waitUntilReady()
            let runs = try machine.runs()
            sendSignal(SIGSTOP, to: try #require(machine.supervised))
            _ = try machine.waitUntilReady(after: before.generation)
            #expect(try self.show("NRestarts", machine) == "1")
            #expect(try machine.runs() == runs)
        }

        @Test func theUnitReloadsWhenReeveCan() throws {
            let unit = try Sources.text("Packaging/systemd/reeve.service")
            let help = try run([executable, "--help"])
            let canReload = help.output.contains("\n  reload")
            #expect(unit.contains("\nExecReload=/usr/bin/reeve reload\n") == canReload)
        }
    }
}
