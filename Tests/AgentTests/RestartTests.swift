import ControlMessages
import Glibc
import TestSupport
import Testing

extension AgentTests {
    @Suite struct RestartTests {
        @Test func aRestartGivesANewProcess() throws {
            let agent = try AgentProcess(shellWorker("web", complainsOfOverlap + lives))
            let old = try agent.waitForPID(of: "web")
            let operation = try agent.operate("restart", "web")
            let instance = try agent.worker("web").instances[0]
            let new = try #require(instance.pid)
            #expect(new != old)
            #expect(ProcessEntry(pid: new)?.isAlive == true)
            #expect(ProcessEntry.alive(inSession: old).isEmpty)
            #expect(operation.state == "succeeded")
            let step = try #require(operation.instances.first)
            #expect(step.outcome == "up")
            #expect(step.newRunID == instance.runID)
            let exit = try #require(try agent.exits(of: "web").first)
            #expect(exit.runID == step.oldRunID)
            expectSignaled(exit, SIGTERM, "SIGTERM", cause: "stopped", decision: "restart")
            #expect(instance.restarts.total == 0, "only automatic restarts are counted")
        }

        /// Each way of leaving something behind: in the session, out of it, and out of it with init as its parent.
        @Test(arguments: ["sleep 1000 &", "setsid sleep 1000 &", "( setsid sleep 1000 & ) &", "( ( sleep 1000 & ) & )"])
        func nothingOfTheOldTreeLivesWhenTheNewOneStarts(child: String) throws {
            let script = complainsOfOverlap + child + "\n" + lives
            let agent = try AgentProcess(shellWorker("web", script))
            for _ in 1...3 {
                let pid = try agent.waitForPID(of: "web")
                try agent.eventually("it and its child sleep") { Self.sleepers(of: agent) == 2 }
                try agent.operate("restart", "web")
                #expect(!agent.processes.contains { $0.pid == pid })
            }
            #expect(agent.directory.lines("web.overlaps") == [])
            #expect(agent.directory.lines("web.runs").count == 4)
            try agent.operate("stop", "web")
            #expect(agent.processes.isEmpty)
        }

        @Test(arguments: ["sleep 1000 &", "setsid sleep 1000 &", "( setsid sleep 1000 & ) &", "( ( sleep 1000 & ) & )"])
        func whatARunLeavesWhenItEndsByItselfIsKilledBeforeTheNext(child: String) throws {
            let script =
                complainsOfOverlap + """
                    \(child)
                    while [ ! -e "$$.end" ]; do sleep 0.02; done
                    exit 1
                    """
            let agent = try AgentProcess(shellWorker("web", script))
            var pid = try agent.waitForPID(of: "web")
            for _ in 1...3 {
                try agent.eventually("its child sleeps") { Self.sleepers(of: agent) == 1 }
                try agent.directory.write("", to: "\(pid).end")
                let next = try agent.waitForPID(of: "web", otherThan: pid)
                #expect(ProcessEntry.alive(inSession: pid).isEmpty)
                pid = next
            }
            #expect(agent.directory.lines("web.overlaps") == [])
            #expect(try agent.exits(of: "web").map(\.exitCode) == [1, 1, 1])
        }

        @Test func whatIsLeftOfAWorkerThatWasKilledIsGoneBeforeTheNext() throws {
            let script = complainsOfOverlap + "setsid sleep 1000 &\nsleep 1000 &\n" + lives
            let agent = try AgentProcess(shellWorker("web", script))
            var pid = try agent.waitForPID(of: "web")
            for _ in 1...5 {
                try agent.eventually("it and its children sleep") { Self.sleepers(of: agent) == 3 }
                sendSignal(SIGKILL, to: pid)
                pid = try agent.waitForPID(of: "web", otherThan: pid)
            }
            #expect(agent.directory.lines("web.overlaps") == [])
            #expect(Set(try agent.exits(of: "web").map(\.waitStatus)) == [SIGKILL])
        }

        @Test func twoWorkersDoNotTouchEachOthersProcesses() throws {
            let agent = try AgentProcess(
                shellWorker("left", "( setsid sleep 1000 & )\n" + lives)
                    + shellWorker("right", "( setsid sleep 2000 & )\n" + "exec sleep 2000")
            )
            _ = try agent.waitForPID(of: "left")
            let right = try agent.waitForPID(of: "right")
            try agent.eventually("all sleep") {
                Self.sleepers(of: agent) == 2 && Self.sleepers(of: agent, seconds: "2000") == 2
            }
            let before = Set(agent.processes.filter { $0.arguments == ["sleep", "2000"] }.map(\.pid))
            try agent.operate("restart", "left")
            try agent.operate("stop", "left")
            #expect(Set(agent.processes.map(\.pid)) == before)
            #expect(try agent.worker("right").instances[0].pid == right)
        }

        @Test func severalInstancesRestartOneAfterTheOther() throws {
            let agent = try AgentProcess(
                shellWorker(
                    "web",
                    complainsOfOverlap.replacing("$REEVE_WORKER", with: "$REEVE_INSTANCE") + lives,
                    "instances = 3"
                )
            )
            try agent.waitFor("web", toBe: "running")
            let before = try agent.worker("web").instances.map(\.pid)
            let operation = try agent.operate("restart", "web")
            #expect(operation.instances.map(\.outcome) == ["up", "up", "up"])
            let after = try agent.worker("web").instances.map(\.pid)
            #expect(Set(before).isDisjoint(with: after))
            let exits = try agent.exits(of: "web")
            #expect(exits.map(\.instance) == [0, 1, 2])
            #expect(zip(exits, exits.dropFirst()).allSatisfy { $0.endedAt < $1.endedAt })
        }

        @Test func aSingleInstanceRestartsByItself() throws {
            let agent = try AgentProcess(shellWorker("web", lives, "instances = 2"))
            try agent.waitFor("web", toBe: "running")
            let before = try agent.worker("web").instances.map(\.pid)
            try agent.operate("restart", "web", "?instance=1")
            let after = try agent.worker("web").instances.map(\.pid)
            #expect(after[0] == before[0])
            #expect(after[1] != before[1])
        }

        /// How many processes of the workers have become that sleep.
        private static func sleepers(of agent: AgentProcess, seconds: String = "1000") -> Int {
            agent.processes.count { $0.arguments == ["sleep", seconds] }
        }
    }
}
