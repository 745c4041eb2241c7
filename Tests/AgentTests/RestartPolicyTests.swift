import ControlMessages
import Glibc
import TestSupport
import Testing

extension AgentTests {
    @Suite struct RestartPolicyTests {
        @Test func exitZeroIsFinishedAndNotRestartedOnFailure() throws {
            let agent = try AgentProcess(shellWorker("job", "echo run >>runs; exit 0", #"restart = "on-failure""#))
            let worker = try agent.waitFor("job", toBe: "finished")
            let instance = try #require(worker.instances.first)
            #expect(instance.pid == nil)
            #expect(instance.nextStartAt == nil)
            #expect(instance.restarts.total == 0)
            let exits = try agent.exits(of: "job")
            #expect(exits.count == 1)
            expectExited(try #require(exits.first), code: 0, cause: "finished", decision: "stay_down")
            #expect(agent.directory.lines("runs") == ["run"])
        }

        @Test func anErrorExitIsRestarted() throws {
            let agent = try AgentProcess(shellWorker("web", firstRun("exit 1")))
            let exit = try agent.waitForFirstExit(of: "web")
            expectExited(exit, code: 1, cause: "error_exit", decision: "restart")
            #expect(exit.decision.delaySeconds == 0, "the first restart is at once")
            #expect(exit.decision.consecutiveFailures == 1)
            #expect(exit.requestedBy == nil)
            #expect(exit.operationID == nil)
            #expect(exit.escalated == false)
        }

        @Test(arguments: [
            (SIGSEGV, "SIGSEGV", "crashed"), (SIGABRT, "SIGABRT", "crashed"), (SIGKILL, "SIGKILL", "killed"),
        ])
        func aSignalIsRestarted(number: Int32, name: String, cause: String) throws {
            let agent = try AgentProcess(shellWorker("web", firstRun("kill -\(number) $$")))
            let exit = try agent.waitForFirstExit(of: "web")
            if Self.coreDumpsGoToAProgram, number != SIGKILL {
                // core(5): a program in core_pattern gets the dump whatever the limit is.
                #expect(exit.waitStatus.map { $0 & 0x7F } == number)
                #expect(exit.coreDumped == (exit.waitStatus.map { $0 & 0x80 } == 0x80))
                #expect(exit.cause == cause)
            } else {
                expectSignaled(exit, number, name, cause: cause, decision: "restart")
            }
        }

        @Test func aWorkerThatHandlesTerminateAndExitsZeroHasFinished() throws {
            let script = """
                trap 'exit 0' TERM
                : >armed
                while :; do sleep 0.05; done
                """
            let agent = try AgentProcess(shellWorker("web", script))
            let pid = try agent.waitForPID(of: "web")
            try agent.eventually("the trap is set") { agent.directory.exists("armed") }
            sendSignal(SIGTERM, to: pid)
            try agent.waitFor("web", toBe: "finished")
            let exits = try agent.exits(of: "web")
            #expect(exits.count == 1)
            expectExited(try #require(exits.first), code: 0, cause: "finished", decision: "stay_down")
        }

        @Test func aWorkerThatDoesNotHandleTerminateIsRestarted() throws {
            let agent = try AgentProcess(shellWorker("web", lives))
            let pid = try agent.waitForPID(of: "web")
            sendSignal(SIGTERM, to: pid)
            #expect(try agent.waitForPID(of: "web", otherThan: pid) != pid)
            let exit = try #require(try agent.exits(of: "web").first)
            expectSignaled(exit, SIGTERM, "SIGTERM", cause: "killed", decision: "restart")
            #expect(exit.pid == pid)
            #expect(exit.requestedBy == nil)
        }

        @Test func alwaysRestartsAfterSuccessToo() throws {
            let agent = try AgentProcess(shellWorker("web", firstRun("exit 0"), #"restart = "always""#))
            let exit = try agent.waitForFirstExit(of: "web")
            expectExited(exit, code: 0, cause: "finished", decision: "restart")
        }

        @Test func neverLeavesAFailureFailed() throws {
            let agent = try AgentProcess(shellWorker("job", "exit 5", #"restart = "never""#))
            try agent.waitFor("job", toBe: "failed")
            let exits = try agent.exits(of: "job")
            #expect(exits.count == 1)
            expectExited(try #require(exits.first), code: 5, cause: "error_exit", decision: "stay_down")
        }

        @Test func codesOfSuccessAndNoRestartAreTheConfigurations() throws {
            let agent = try AgentProcess(
                shellWorker("fine", "exit 3", "success = [0, 3]")
                    + shellWorker("ended", "kill -TERM $$", #"success = ["TERM"]"#)
                    + shellWorker("refused", "exit 78", "no_restart = [78]")
            )
            try agent.waitFor("fine", toBe: "finished")
            try agent.waitFor("ended", toBe: "finished")
            try agent.waitFor("refused", toBe: "failed")
            #expect(try agent.exits(of: "fine").map(\.cause) == ["finished"])
            #expect(try agent.exits(of: "ended").map(\.waitStatus) == [SIGTERM])
            #expect(try agent.exits(of: "refused").map(\.decision.action) == ["stay_down"])
        }

        @Test func sequenceNumbersRiseByOneOverAllWorkers() throws {
            let agent = try AgentProcess(
                shellWorker("one", firstRun("exit 1")) + shellWorker("two", firstRun("exit 2"))
            )
            _ = try agent.waitForFirstExit(of: "one")
            _ = try agent.waitForFirstExit(of: "two")
            let all: ExitsMessage = try agent.get("/v1/exits?order=asc").decode()
            #expect(all.exits.count == 2)
            #expect(zip(all.exits, all.exits.dropFirst()).allSatisfy { $1.seq == $0.seq + 1 })
            #expect(Set(all.exits.map(\.runID)).count == 2)
            let newestFirst: ExitsMessage = try agent.get("/v1/exits").decode()
            #expect(newestFirst.exits.map(\.seq) == all.exits.map(\.seq).reversed())
        }

        private static let coreDumpsGoToAProgram =
            contents(ofFile: "/proc/sys/kernel/core_pattern")?.first == UInt8(ascii: "|")
    }
}
