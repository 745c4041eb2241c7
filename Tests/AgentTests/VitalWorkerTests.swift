import ControlMessages
import Glibc
import Supervision
import TestSupport
import Testing

extension AgentTests {
    /// A worker whose end is the agent's, as the main process of a container.
    @Suite struct VitalWorkerTests {
        @Test func itsCodeIsTheCodeOfTheAgent() throws {
            let agent = try AgentProcess(
                shellWorker("web", lives)
                    + shellWorker(
                        "main",
                        "until [ -e go ]; do sleep 0.05; done; exit 7",
                        "vital = true\nrestart = \"never\""
                    )
            )
            try agent.waitFor("web", toBe: "running")
            try agent.directory.write("", to: "go")
            #expect(try agent.program.wait().exitCode == 7)
            #expect(agent.processes.isEmpty, "nothing of the other worker is left")
            #expect(agent.log.contains("vital:main.0"), "\(agent.log.suffix(2000))")
            #expect(agent.log.contains("exited with code 7"))
            // The service is started anew, and so is everything in it.
            unlink(agent.directory.file("go"))
            try agent.startAgain()
            try agent.waitFor("main", toBe: "running")
            #expect(try agent.exits(of: "web").first?.requestedBy == "vital:main.0")
            try agent.directory.write("", to: "go")
            #expect(try agent.program.wait().exitCode == 7)
        }

        @Test func aSignalIsTold() throws {
            let agent = try AgentProcess(shellWorker("main", lives, "vital = true\nrestart = \"never\""))
            sendSignal(SIGTERM, to: try agent.waitForPID(of: "main"))
            #expect(try agent.program.wait().exitCode == 128 + SIGTERM)
        }

        @Test func itIsRestartedByItsPolicyUntilThatGivesUp() throws {
            let agent = try AgentProcess(
                shellWorker(
                    "main",
                    "echo run >>runs; exit 9",
                    "vital = true\nbackoff = { initial = \"10ms\" }\nrestart_limit = { restarts = 2, within = \"1h\" }"
                ),
                waits: false
            )
            #expect(try agent.program.wait().exitCode == 9)
            #expect(agent.directory.lines("runs").count == 3)
        }

        @Test func aProgramThatIsNotThereIs127() throws {
            let agent = try AgentProcess(
                "[workers.main]\ncommand = [\"/nonexistent/program\"]\nvital = true\n" + shellWorker("web", lives),
                waits: false
            )
            #expect(try agent.program.wait().exitCode == 127)
            #expect(agent.processes.isEmpty)
        }

        @Test func anOperatorsStopIsNoEndForGood() throws {
            let agent = try AgentProcess(shellWorker("main", lives, "vital = true"))
            _ = try agent.waitForPID(of: "main")
            try agent.operate("stop", "main")
            #expect(try agent.worker("main").state == "stopped")
            #expect(agent.program.ended == nil)
            agent.program.signal(SIGTERM)
            #expect(try agent.program.wait().exitCode == 0)
        }
    }
}
