import ControlMessages
import Glibc
import TestSupport
import Testing

extension AgentTests {
    @Suite struct OutputTests {
        @Test func outputIsInFilesAndTheLastErrorsAreInTheExitRecord() throws {
            let script = """
                echo "run $REEVE_RUN_ID"
                echo "first" >&2
                printf 'cannot go on' >&2
                exit 3
                """
            let agent = try AgentProcess(
                shellWorker("web", script, "restart_limit = { restarts = 2, within = \"1h\" }")
            )
            let exits = try agent.waitForExits(of: "web", count: 3)
            for exit in exits {
                #expect(exit.stderrTail == ["first", "cannot go on"])
            }
            let logs = "logs/web"
            try agent.eventually("all is written") {
                agent.directory.lines("\(logs)/0.stdout.log") == exits.map { "run \($0.runID)" }
                    && agent.directory.read("\(logs)/0.stderr.log")
                        == String(repeating: "first\ncannot go on", count: 3)
            }
            #expect(!agent.log.contains("cannot go on"))
        }

        @Test func streamsMayGoElsewhere() throws {
            let script = "echo out\necho err >&2\nexit 3"
            let once = "restart = \"never\"\n"
            let agent = try AgentProcess(
                shellWorker("both", script, once + "output = { stderr = \"stdout\" }")
                    + shellWorker("null", script, once + "output = { stdout = \"null\", stderr = \"stdout\" }")
                    + shellWorker("own", script, once + "output = { stdout = \"null\", stderr = \"capture\" }")
                    + shellWorker(
                        "agents",
                        "echo to the agent\necho twice >&2",
                        once + "output.stdout = \"inherit\"\noutput.stderr = \"stdout\""
                    )
            )
            #expect(try agent.waitForFirstExit(of: "both").stderrTail == ["out", "err"])
            #expect(try agent.waitForFirstExit(of: "null").stderrTail == [])
            #expect(try agent.waitForFirstExit(of: "own").stderrTail == ["err"])
            #expect(try agent.waitForFirstExit(of: "agents").stderrTail == [])
            #expect(agent.directory.lines("logs/both/0.stdout.log") == ["out", "err"])
            #expect(!agent.directory.exists("logs/both/0.stderr.log"))
            #expect(!agent.directory.exists("logs/null"))
            #expect(!agent.directory.exists("logs/own/0.stdout.log"))
            // A line of the agent's own may stand between them.
            #expect(agent.log.contains("to the agent\n") && agent.log.contains("twice\n"))
        }

        /// It holds both streams open and writes to them after the end of its parent.
        @Test func whatALeftoverWritesDoesNotHoldUpTheRecord() throws {
            let script = """
                sh -c 'trap "" TERM HUP; echo armed; while :; do echo late; sleep 0.05; done' &
                echo "it fails" >&2
                exit 3
                """
            let agent = try AgentProcess(shellWorker("web", script, "restart = \"never\""))
            #expect(try agent.waitForFirstExit(of: "web").stderrTail == ["it fails"])
        }

        @Test func rotatedFilesHoldAllThatWasWritten() throws {
            let agent = try AgentProcess(
                shellWorker(
                    "web",
                    "seq 1 200000",
                    "restart = \"never\"\noutput = { max_size = \"64K\", keep_files = 100 }"
                )
            )
            _ = try agent.waitForFirstExit(of: "web")
            let expected = (1...200_000).map { "\($0)\n" }.joined()
            // The record does not wait for what takes longer.
            try agent.eventually("all is written") {
                var all = ""
                for number in (0...100).reversed() {
                    all += agent.directory.read("logs/web/0.stdout.log\(number == 0 ? "" : ".\(number)")")
                }
                return all == expected
            }
        }

        @Test func workersRunOnWhereNothingCanBeWritten() throws {
            let script = """
                while [ ! -e stop ]; do echo "a line"; sleep 0.02; done
                echo "the end" >&2
                exit 3
                """
            let agent = try AgentProcess(shellWorker("web", script, "restart = \"never\""))
            let logs = agent.directory.file("logs")
            try agent.eventually("it writes") { agent.directory.exists("logs/web/0.stdout.log") }
            #expect(rename(logs, "\(logs).away") == 0)
            #expect(symlink("\(logs).away", logs) == 0)
            try agent.eventually("the agent says so") {
                try agent.get("/v1/agent").text.contains("is a symbolic link")
            }
            #expect(try agent.worker("web").state == "running")
            try agent.directory.write("", to: "stop")
            #expect(try agent.waitForFirstExit(of: "web").stderrTail == ["the end"])
            #expect(unlink(logs) == 0)
            try agent.eventually("all is written") {
                agent.directory.read("logs/web/0.stderr.log") == "the end\n"
            }
            try agent.eventually("all is well") { try agent.get("/v1/agent").text.contains("\"degraded\":[]") }
        }
    }
}
