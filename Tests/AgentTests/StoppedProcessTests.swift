import ControlMessages
import FoundationEssentials
import Glibc
import TestSupport
import Testing

extension AgentTests {
    /// Somebody stops the agent or its keeper for a while, as a debugger or a frozen container does.
    @Suite struct StoppedProcessTests {
        @Test func aStoppedAgentGoesOnWhereItWas() throws {
            let agent = try AgentProcess(
                shellWorker("web", "echo run >>web.runs\n" + lives, "instances = 2")
                    + shellWorker("killed", "echo run >>killed.runs\n" + lives)
                    // The second failure is followed by another run after 3 s, the third by none for an hour.
                    + shellWorker(
                        "late",
                        "echo run >>late.runs; exit 1",
                        #"backoff = { initial = "3s", factor = 1000, max = "1h", jitter = 0 }"#
                    )
            )
            try agent.waitFor("web", toBe: "running")
            let killed = try agent.waitForPID(of: "killed")
            try agent.eventually("late waits for its third run") {
                try agent.worker("late").instances[0].consecutiveFailures == 2
            }
            let before = try agent.worker("web").instances
            let pid = try agent.pid()

            sendSignal(SIGSTOP, to: pid)
            sendSignal(SIGKILL, to: killed)
            // The time of the third run passes, and not what the keeper takes for too long.
            sleep(30)
            sendSignal(SIGCONT, to: pid)

            let exits = try agent.waitForExits(of: "late", count: 3)
            #expect(exits.count == 3)
            #expect(exits.map(\.decision.consecutiveFailures) == [1, 2, 3])
            let instance = try agent.worker("late").instances[0]
            #expect(instance.state == "backoff" && instance.restarts.total == 2)
            try agent.eventually("its run wrote") { agent.directory.lines("late.runs").count >= 3 }
            #expect(agent.directory.lines("late.runs").count == 3, "its time came once")

            #expect(try agent.waitForPID(of: "killed", otherThan: killed) != killed)
            #expect(try agent.exits(of: "killed").map(\.waitStatus) == [SIGKILL])
            try agent.eventually("its next run wrote") { agent.directory.lines("killed.runs").count == 2 }

            let after = try agent.worker("web").instances
            #expect(after.map(\.pid) == before.map(\.pid), "nothing else was restarted")
            #expect(after.map(\.runID) == before.map(\.runID))
            #expect(try agent.exits(of: "web").isEmpty)
            #expect(try agent.pid() == pid, "nor was the agent")
        }

        /// The grace period of a stop passes while the agent cannot see it.
        @Test func aDeadlineThatPassedMeanwhileIsLookedAtOnce() throws {
            // Of one process: what is left of others is killed as well, and told.
            let script = "trap '' TERM; : >stubborn.armed; " + lives
            let agent = try AgentProcess(shellWorker("stubborn", script, #"stop = { grace = "15s" }"#))
            try agent.eventually("TERM is ignored") { agent.directory.exists("stubborn.armed") }
            #expect(try agent.post("/v1/workers/stubborn/stop?wait=none").status == 202)
            try agent.waitFor("stubborn", toBe: "stopping")
            let pid = try agent.pid()
            sendSignal(SIGSTOP, to: pid)
            let due = Date().addingTimeInterval(16)
            try agent.eventually("the grace period has passed") { Date() > due }
            #expect(!agent.processes.isEmpty, "nobody killed it")
            sendSignal(SIGCONT, to: pid)
            let exit = try agent.waitForFirstExit(of: "stubborn")
            #expect(exit.cause == "stop_timeout" && exit.waitStatus == SIGKILL)
            try agent.waitFor("stubborn", toBe: "stopped")
            let operations: OperationsMessage = try agent.get("/v1/operations").decode()
            let transcript = operations.operations.first?.instances.first?.transcript.map(\.text) ?? []
            #expect(transcript.count { $0.contains("SIGKILL sent") } == 1, "\(transcript)")
        }

        @Test func aStoppedKeeperIsNotMissed() throws {
            let agent = try AgentProcess(
                shellWorker("web", lives)
                    + shellWorker("quick", "exit 1", #"backoff = { initial = "1ms", max = "1ms", jitter = 0 }"#)
            )
            let pid = try agent.waitForPID(of: "web")
            let process = try agent.pid()
            agent.program.signal(SIGSTOP)
            defer { agent.program.signal(SIGCONT) }
            // More than the socket to the keeper holds.
            let count = try agent.worker("quick").instances[0].restarts.total
            try agent.eventually("many runs came and went", within: .seconds(240)) {
                try agent.worker("quick").instances[0].restarts.total > count + 400
            }
            #expect(try agent.get("/healthz").status == 200)
            #expect(try agent.worker("web").instances[0].pid == pid)
            sendSignal(SIGSEGV, to: pid)
            let next = try agent.waitForPID(of: "web", otherThan: pid)
            #expect(try agent.exits(of: "web").map { ($0.waitStatus ?? 0) & 0x7f } == [SIGSEGV])
            #expect(try agent.operate("restart", "web").state == "succeeded")
            let last = try agent.waitForPID(of: "web", otherThan: next)
            agent.program.signal(SIGCONT)
            #expect(try agent.pid() == process, "nothing was made up for")
            #expect(try agent.worker("web").instances[0].pid == last)

            try agent.operate("stop", "quick")
            try agent.crash()
            #expect(try agent.worker("web").instances[0].pid == last, "and it knows the runs of that time")
        }
    }
}
