import ControlMessages
import Glibc
import TestSupport
import Testing

extension AgentTests {
    /// The number of a worker's process is given to somebody else, who must never hear of it.
    @Suite(.enabled(if: ProcessNamespace.obstacle == nil, "\(ProcessNamespace.obstacle ?? "")"))
    struct BystanderTests {
        /// reeve is not the first process, so that its keeper can be killed; what reaps is a shell.
        private static let shell = #""$0" run --config "$1" & while :; do sleep 0.02; done"#

        /// Asks for everything that sends signals.
        private func disturb(_ space: ProcessNamespace) throws {
            for path in ["signal?signal=TERM&scope=group", "restart", "stop?grace=0s", "start", "restart?grace=0s"] {
                let status = try space.post("/v1/workers/web/\(path)").status
                #expect(status == 200 || path.hasPrefix("signal"), "\(path): \(status)")
            }
        }

        @Test func itIsNotTakenForTheWorkerThatHadTheNumber() throws {
            let space = try ProcessNamespace(
                shellWorker("web", "( setsid sleep 1000 & )\n" + lives, #"backoff = { reset_after = "1ms" }"#),
                first: Self.shell
            )
            let old = try space.waitForPID(of: "web")
            try space.run("kill -KILL \(old)")
            _ = try space.waitForPID(of: "web", otherThan: old)
            try space.eventually("the number is free") { try space.run("[ -e /proc/\(old) ] || echo free") == "free\n" }
            let bystander = try space.startBystander(numbered: old)
            try self.disturb(space)
            // And by an agent that was handed its runs.
            try self.killAgent(space)
            try self.disturb(space)
            expectUntouched(bystander)
        }

        /// The run ends while there is no agent, and its number is free as soon as the next one has its exit.
        @Test func itIsNotTakenForARunThatWasHandedOver() throws {
            let space = try ProcessNamespace(
                shellWorker("web", lives, #"backoff = { initial = "1h", max = "1h" }"#),
                first: Self.shell
            )
            let old = try space.waitForPID(of: "web")
            let agent = try space.agent().pid
            try space.run("kill -STOP \(agent); kill -KILL \(old); kill -KILL \(agent)")
            try space.eventually("another agent answers") { (try? space.agent().pid).map { $0 != agent } ?? false }
            try space.eventually("its end is recorded") { try space.exits(of: "web").contains { $0.pid == old } }
            try space.eventually("the number is free") { try space.run("[ -e /proc/\(old) ] || echo free") == "free\n" }
            let bystander = try space.startBystander(numbered: old)
            try self.disturb(space)
            try self.killAgent(space)
            try self.disturb(space)
            expectUntouched(bystander)
        }

        /// The run ends while nobody is there, and its number is somebody else's when the next keeper comes.
        @Test func itIsNotTakenForARunThatNobodyGuarded() throws {
            let space = try ProcessNamespace(
                shellWorker("web", lives) + shellWorker("other", lives),
                first: Self.shell
            )
            let old = try space.waitForPID(of: "web")
            let other = try space.waitForPID(of: "other")
            let guards = try space.agent()
            try space.run("kill -KILL \(guards.keeperPID ?? 0) \(guards.pid); kill -KILL \(old)")
            try space.eventually("the number is free") { try space.run("[ -e /proc/\(old) ] || echo free") == "free\n" }
            let bystander = try space.startBystander(numbered: old)
            try space.startAgain()
            try space.eventually("the next agent answers") {
                (try? space.agent().pid).map { $0 != guards.pid } ?? false
            }
            #expect(try space.waitForPID(of: "other") == other, "it goes on")
            _ = try space.waitForPID(of: "web", otherThan: old)
            let exit = try #require(try space.exits(of: "web").first)
            #expect(
                exit.pid == old && exit.outcome == "unknown" && exit.waitStatus == nil,
                "nothing is made up: \(exit)"
            )
            try self.disturb(space)
            try self.killAgent(space)
            try self.disturb(space)
            expectUntouched(bystander)
        }

        private func expectUntouched(_ bystander: ProcessEntry, _ location: SourceLocation = #_sourceLocation) {
            let now = ProcessEntry(pid: bystander.pid)
            #expect(now?.startTime == bystander.startTime && now?.isAlive == true, sourceLocation: location)
        }

        private func killAgent(_ space: ProcessNamespace) throws {
            let old = try space.agent().pid
            try space.run("kill -KILL \(old)")
            try space.eventually("another agent answers") { (try? space.agent().pid).map { $0 != old } ?? false }
        }
    }
}
