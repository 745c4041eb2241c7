import ControlMessages
import Glibc
import TestSupport
import Testing

extension AgentTests {
    @Suite struct LogsCommandTests {
        private static let counts = """
            n=$(tail -n 1 "$REEVE_WORKER.n" 2>/dev/null || echo 0)
            while :; do
                n=$((n + 1))
                echo "$n" >>"$REEVE_WORKER.n"
                echo "line $n of $REEVE_WORKER"
                sleep 0.01
            done
            """

        private func lines(_ path: String) -> [String] {
            String(decoding: contents(ofFile: path) ?? [], as: UTF8.self).split(separator: "\n").map(String.init)
        }

        private func follow(_ agent: AgentProcess, _ arguments: String...) throws -> (ChildProgram, output: String) {
            let output = agent.directory.file("followed")
            let program = try ChildProgram(
                [executable, "logs"] + arguments + ["--follow", "--socket", agent.socketPath],
                standardOutput: output,
                standardError: agent.directory.file("complaints")
            )
            return (program, output)
        }

        @Test func whatIsFollowedIsWhatTheFileHolds() throws {
            let agent = try AgentProcess(shellWorker("web", Self.counts))
            var pid = try agent.waitForPID(of: "web")
            let (program, output) = try self.follow(agent, "web", "-n", "all")
            for round in 1...3 {
                try agent.eventually("it goes on") { self.lines(output).count > round * 50 }
                if round == 2 {
                    try agent.crash()
                } else {
                    sendSignal(SIGKILL, to: pid)
                    pid = try agent.waitForPID(of: "web", otherThan: pid)
                }
                let count = self.lines(output).count
                try agent.eventually("it goes on") { self.lines(output).count > count + 20 }
            }
            program.signal(SIGTERM)
            _ = try program.wait()
            let followed = try #require(contents(ofFile: output))
            let file = try #require(contents(ofFile: agent.directory.file("logs/web/0.stdout.log")))
            #expect(followed == Array(file.prefix(followed.count)))
            #expect(agent.directory.read("complaints").contains("trying again"))
        }

        @Test func severalWorkersAreReadAtOnce() throws {
            let agent = try AgentProcess(shellWorker("web", Self.counts) + shellWorker("db", Self.counts))
            let (program, output) = try self.follow(agent, "web", "d*", "-n", "all")
            try agent.eventually("both are there") {
                let lines = self.lines(output)
                return lines.contains { $0.hasPrefix("web.0 | line 50 ") }
                    && lines.contains { $0.hasPrefix("db.0  | line 50 ") }
            }
            program.signal(SIGTERM)
            _ = try program.wait()
            for (prefix, name) in [("web.0 | ", "web"), ("db.0  | ", "db")] {
                let mine = self.lines(output).filter { $0.hasPrefix(prefix) }
                #expect(mine.prefix(50) == (1...50).map { "\(prefix)line \($0) of \(name)" }[...])
            }
        }

        @Test func whatIsThereIsPrintedAndNoMore() throws {
            let script = "echo \"out $REEVE_RUN_ID\"\nprintf 'err' >&2\nexit 3"
            let limit = "restart_limit = { restarts = 2, within = \"1h\" }"
            let agent = try AgentProcess(shellWorker("web", script, limit) + shellWorker("db", script, limit))
            let exits = try agent.waitForExits(of: "web", count: 3)
            _ = try agent.waitForExits(of: "db", count: 3)
            #expect(try agent.reeve("logs", "web", "-n", "1", "--stream", "stdout").output == "out \(exits[2].runID)\n")
            #expect(
                try agent.reeve("logs", "web", "--run", exits[0].runID, "--stream", "stdout").output
                    == "out \(exits[0].runID)\n"
            )
            #expect(try agent.reeve("logs", "web", "--stream", "stderr", "--since", "1h").output == "errerrerr")
            let both = try agent.reeve("logs", "*", "--stream", "stdout")
            #expect(both.output.split(separator: "\n").count == 6)
            #expect(both.output.contains("web.0 | out \(exits[1].runID)\n"))
            let json = try agent.reeve("logs", "web", "--json", "-n", "2").output.split(separator: "\n")
            #expect(json.count == 2 && json.allSatisfy { $0.hasPrefix("{\"time\":\"") })
            let unknown = try agent.reeve("logs", "wbe")
            #expect(unknown.code == 2)
            #expect(unknown.errors == "reeve: no worker is called \"wbe\"; did you mean \"web\"?\n")
            #expect(try agent.reeve("logs", "web", "-n", "x").code == 2)
            #expect(try agent.reeve("logs", "web", "--instance", "7").code == 2)
        }
    }
}
