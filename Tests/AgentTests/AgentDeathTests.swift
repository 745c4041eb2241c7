import ControlMessages
import Glibc
import TestSupport
import Testing

extension AgentTests {
    /// What is still known when the agent was killed at once and started again.
    @Suite struct AgentDeathTests {
        @Test func exitsKeepTheirNumbersAndGoOnCounting() throws {
            let agent = try AgentProcess(shellWorker("web", lives, #"backoff = { reset_after = "1ms" }"#))
            sendSignal(SIGKILL, to: try agent.waitForPID(of: "web"))
            let first = try agent.waitForFirstExit(of: "web")
            #expect(first.seq == 1)
            try agent.crash()
            try agent.startAgain()
            sendSignal(SIGSEGV, to: try agent.waitForPID(of: "web"))
            let exits = try agent.waitForExits(of: "web", count: 2)
            #expect(exits.map(\.seq) == [1, 2])
            #expect(exits.first == first)
        }

        @Test func whatAnOperatorStoppedStaysStopped() throws {
            let agent = try AgentProcess(shellWorker("web", lives) + shellWorker("db", lives))
            try agent.waitFor("web", toBe: "running")
            try agent.operate("stop", "web")
            try agent.crash()
            try agent.startAgain()
            try agent.waitFor("db", toBe: "running")
            let web = try agent.worker("web")
            #expect(web.state == "stopped")
            #expect(web.desired == "down")
            try agent.operate("start", "web")
            try agent.crash()
            try agent.startAgain()
            try agent.waitFor("web", toBe: "running")
        }

        @Test func aStopLastsOverAnOrderlyRestartOfTheService() throws {
            let agent = try AgentProcess(shellWorker("web", lives) + shellWorker("db", lives))
            try agent.waitFor("web", toBe: "running")
            try agent.waitFor("db", toBe: "running")
            try agent.operate("stop", "web")
            agent.end()
            try agent.startAgain()
            try agent.waitFor("db", toBe: "running")
            #expect(try agent.worker("web").state == "stopped")
            #expect(try agent.exits(of: "db").map(\.cause) == ["stopped"])
        }

        @Test func aBackoffIsNotBegunAnew() throws {
            let agent = try AgentProcess(
                shellWorker("web", "exit 1", #"backoff = { initial = "10m", max = "10m" }"#)
            )
            let before = try agent.waitFor("web", toBe: "backoff")
            let instance = try #require(before.instances.first)
            #expect(instance.consecutiveFailures == 2)
            try agent.crash()
            try agent.startAgain()
            let after = try #require(try agent.waitFor("web", toBe: "backoff").instances.first)
            #expect(after.consecutiveFailures == 2)
            #expect(after.restarts.total == instance.restarts.total)
            #expect(after.nextStartAt?.prefix(19) == instance.nextStartAt?.prefix(19))
            #expect(try agent.exits(of: "web").count == 2)
        }

        @Test func aFinishedJobIsNotRunAgain() throws {
            let agent = try AgentProcess(shellWorker("job", "echo run >>runs; exit 0") + shellWorker("web", lives))
            try agent.waitFor("job", toBe: "finished")
            try agent.waitFor("web", toBe: "running")
            try agent.crash()
            try agent.startAgain()
            try agent.waitFor("web", toBe: "running")
            #expect(try agent.worker("job").state == "finished")
            #expect(agent.directory.lines("runs") == ["run"])
        }
    }
}
