import ControlMessages
import FoundationEssentials
import Glibc
import Supervision
import TestSupport
import Testing

extension AgentTests {
    /// What scripts rely on: exit statuses, and JSON on standard output.
    @Suite struct CommandLineTests {
        @Test func statusIsZeroWhenAllIsAsDesiredAndOneWhenNot() throws {
            let agent = try AgentProcess(
                shellWorker("web", lives, "instances = 2")
                    + shellWorker("broken", "exit 4", "autostart = false\nrestart = \"never\"")
            )
            try agent.waitFor("web", toBe: "running")
            let good = try agent.reeve("status")
            #expect(good.code == 0, "\(good.errors)")
            #expect(good.output.contains("web") && good.output.contains("running"))
            #expect(good.output.contains("broken") && good.output.contains("stopped"))
            #expect(good.output.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(good.output)")
            #expect(!good.output.contains("\u{1B}"), "no colour where no terminal is")

            let start = try agent.reeve("start", "broken")
            #expect(start.code == 1, "it did not come up: \(start.output)\(start.errors)")
            #expect((start.output + start.errors).contains("4"), "the exit code is told")
            #expect(try agent.reeve("status").code == 1)
            #expect(try agent.reeve("status", "web").code == 0)
        }

        @Test func startStopAndRestartAreZeroWhenDone() throws {
            let agent = try AgentProcess(shellWorker("web", lives) + shellWorker("web-2", lives))
            let pid = try agent.waitForPID(of: "web")
            #expect(try agent.reeve("restart", "web").code == 0)
            #expect(try agent.waitForPID(of: "web") != pid)
            #expect(try agent.reeve("stop", "web*").code == 0)
            #expect(try agent.worker("web").state == "stopped")
            #expect(try agent.worker("web-2").state == "stopped")
            #expect(try agent.reeve("stop", "web").code == 0, "already as asked is no error")
            #expect(try agent.reeve("start", "web", "--reason", "again").code == 0)
            let operations: OperationsMessage = try agent.get("/v1/operations").decode()
            #expect(operations.operations.first?.reason == "again")
        }

        @Test func scaleGivesAWorkerAnotherNumberOfInstances() throws {
            let agent = try AgentProcess(
                shellWorker("web", lives, "instances = 1") + shellWorker("web-2", lives, "autostart = false")
            )
            let pid = try agent.waitForPID(of: "web")
            let up = try agent.reeve("scale", "web", "3")
            #expect(up.code == 0, "\(up.output)\(up.errors)")
            #expect(up.output.contains("web.1 up with pid") && up.output.contains("web.2 up with pid"), "\(up.output)")
            #expect(!up.output.contains("web.0"), "only what came is told of: \(up.output)")
            #expect(try agent.worker("web").instances.count == 3)
            #expect(try agent.waitForPID(of: "web") == pid)
            #expect(try agent.reeve("scale", "web", "3").output == "web unchanged\n")
            let down = try agent.reeve("scale", "web", "1", "--reason", "less to do")
            #expect(down.code == 0, "\(down.output)\(down.errors)")
            #expect(down.output.contains("web.2 removed"), "\(down.output)")
            #expect(try agent.worker("web").instances.map(\.pid) == [pid])
            let operations: OperationsMessage = try agent.get("/v1/operations").decode()
            #expect(operations.operations.first?.reason == "less to do")

            #expect(try agent.reeve("scale", "web*", "2").code == 0)
            #expect(try agent.worker("web").instances.count == 2)
            #expect(try agent.worker("web-2").instances.map(\.state) == ["stopped", "stopped"])
            #expect(try agent.reeve("scale", "wbe", "2").code == 2)
        }

        /// The number is an operator's word: it lasts over the agent's death, until the file says another one.
        @Test func aScaleLastsOverTheDeathOfTheAgent() throws {
            let agent = try AgentProcess(shellWorker("web", lives, "instances = 1"))
            try agent.waitFor("web", toBe: "running")
            #expect(try agent.reeve("scale", "web", "2").code == 0)
            try agent.crash()
            try agent.waitFor("web", toBe: "running")
            #expect(try agent.worker("web").instances.count == 2)
        }

        @Test func anUnknownWorkerIsTwoAndTheNearNameIsSuggested() throws {
            let agent = try AgentProcess(shellWorker("web", lives))
            for arguments in [["status", "wbe"], ["restart", "wbe"], ["exits", "wbe"], ["signal", "wbe", "HUP"]] {
                let result = try run([executable] + arguments + ["--socket", agent.socketPath])
                #expect(result.code == 2, "\(arguments): \(result.output)\(result.errors)")
            }
            let result = try agent.reeve("restart", "wbe")
            #expect(result.errors.contains("web"), "\(result.errors)")
        }

        @Test func wrongUseIsTwo() throws {
            for arguments in [["frobnicate"], ["status", "--frobnicate"], ["restart"], ["signal"]] {
                let result = try run([executable] + arguments)
                #expect(result.code == 2, "\(arguments): \(result.output)\(result.errors)")
                #expect(!result.errors.isEmpty)
            }
        }

        @Test func aWrongCommandIsToldTheNearOne() throws {
            #expect(try run([executable, "staus"]).errors.contains("did you mean \"status\"?"))
            let later = try run([executable, "reload"])
            #expect(later.code == 2)
            #expect(later.errors.contains("reload is not supported yet"))
        }

        @Test func noAgentIsThree() throws {
            let directory = try TemporaryDirectory()
            for arguments in [["status"], ["stop", "web"], ["exits"], ["shutdown"], ["upgrade"]] {
                let result = try run([executable] + arguments + ["--socket", directory.file("none.sock")])
                #expect(result.code == 3, "\(arguments): \(result.output)\(result.errors)")
                #expect(result.errors.contains(directory.file("none.sock")), "\(result.errors)")
            }
        }

        @Test func aTimeoutIsFiveAndAConflictSix() throws {
            let agent = try AgentProcess(shellWorker("stubborn", ignoresTerminate, #"stop = { grace = "1h" }"#))
            try agent.eventually("TERM is ignored") { agent.directory.exists("stubborn.armed") }
            let stop = try agent.reeve("stop", "stubborn", "--timeout", "200ms")
            #expect(stop.code == 5, "\(stop.output)\(stop.errors)")
            let restart = try agent.reeve("restart", "stubborn")
            #expect(restart.code == 6, "\(restart.output)\(restart.errors)")
            try agent.operate("stop", "stubborn", "?grace=0s")
            try agent.waitFor("stubborn", toBe: "stopped")
        }

        @Test func noWaitReturnsWhileTheOperationRuns() throws {
            let agent = try AgentProcess(shellWorker("stubborn", ignoresTerminate, #"stop = { grace = "1h" }"#))
            try agent.eventually("TERM is ignored") { agent.directory.exists("stubborn.armed") }
            #expect(try agent.reeve("stop", "stubborn", "--no-wait").code == 0)
            #expect(try agent.worker("stubborn").state == "stopping")
            try agent.operate("stop", "stubborn", "?grace=0s")
        }

        @Test func jsonIsTheInterfacesOwn() throws {
            let agent = try AgentProcess(shellWorker("web", firstRun("exit 3")))
            _ = try agent.waitForFirstExit(of: "web")
            let status = try agent.reeve("status", "--json")
            #expect(try Self.decode(WorkersMessage.self, status).workers.map(\.name) == ["web"])
            let exits = try agent.reeve("exits", "web", "--json")
            let records = try Self.decode(ExitsMessage.self, exits).exits
            expectExited(try #require(records.first), code: 3, cause: "error_exit", decision: "restart")
            let stop = try agent.reeve("stop", "web", "--json")
            #expect(stop.code == 0)
            #expect(try Self.decode(OperationMessage.self, stop).action == "stop")
        }

        @Test func exitsIsATableThatNamesWhatHappened() throws {
            let agent = try AgentProcess(shellWorker("web", firstRun("kill -SEGV $$")))
            _ = try agent.waitForFirstExit(of: "web")
            let table = try agent.reeve("exits")
            #expect(table.code == 0)
            #expect(table.output.contains("web"))
            #expect(table.output.contains("SIGSEGV"))
            #expect(table.output.contains("crashed"))
            #expect(table.output.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(table.output)")
        }

        @Test func signalResetAndShutdownDoWhatTheySay() throws {
            let agent = try AgentProcess(
                shellWorker("web", "trap ': >hup' HUP; : >armed; while :; do sleep 0.05; done")
                    + shellWorker("broken", "exit 4", #"restart = "never""#)
            )
            try agent.eventually("the trap is set") { agent.directory.exists("armed") }
            #expect(try agent.reeve("signal", "web", "HUP").code == 0)
            try agent.eventually("the signal came") { agent.directory.exists("hup") }
            try agent.waitFor("broken", toBe: "failed")
            #expect(try agent.reeve("reset", "broken").code == 0)
            #expect(try agent.worker("broken").state == "stopped")
            #expect(try agent.reeve("shutdown").code == 0)
            #expect(try agent.program.wait().exitCode == 0)
        }

        @Test func helpAndVersionAreZero() throws {
            let help = try run([executable, "--help"])
            #expect(help.code == 0)
            for name in [
                "run", "check-config", "status", "start", "stop", "restart", "signal", "reset", "exits", "shutdown",
                "upgrade",
            ] {
                #expect(help.output.contains(name), "\(name) is not in the help")
            }
            #expect(try run([executable, "--version"]).code == 0)
        }

        private static func decode<Message: Decodable>(_ type: Message.Type, _ result: ProgramResult) throws -> Message
        {
            do {
                return try JSONDecoder().decode(type, from: Data(result.output.utf8))
            } catch {
                throw UnexpectedAnswer("no \(type): \(error)\n\(result.output)\(result.errors)")
            }
        }
    }
}
