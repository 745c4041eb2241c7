import ControlMessages
import TestSupport
import Testing

extension AgentTests {
    @Suite struct StartFailureTests {
        /// What a worker's table says, and what must be told of it.
        struct Case: CustomTestStringConvertible, Sendable {
            var testDescription: String
            var table: String
            var stage: String
            var errno: String
            /// Words of the message.
            var words: [String]
        }

        static let cases: [Case] = [
            Case(
                testDescription: "an executable that does not exist",
                table: #"command = ["/nonexistent/program"]"#,
                stage: "exec",
                errno: "ENOENT",
                words: ["cannot", "/nonexistent/program", "No such file or directory"]
            ),
            Case(
                testDescription: "an executable without the x bit",
                table: #"command = ["DIRECTORY/plain"]"#,
                stage: "exec",
                errno: "EACCES",
                words: ["cannot", "DIRECTORY/plain", "Permission denied"]
            ),
            Case(
                testDescription: "a missing directory",
                table: #"""
                    command = ["/bin/true"]
                    directory = "/nonexistent/directory"
                    """#,
                stage: "directory",
                errno: "ENOENT",
                words: ["cannot", "/nonexistent/directory", "No such file or directory"]
            ),
            Case(
                testDescription: "an unknown interpreter",
                table: #"command = ["DIRECTORY/script"]"#,
                stage: "exec",
                errno: "ENOENT",
                words: ["cannot", "DIRECTORY/script"]
            ),
            Case(
                testDescription: "a file of no known format",
                table: #"command = ["DIRECTORY/noise"]"#,
                stage: "exec",
                errno: "ENOEXEC",
                words: ["cannot", "DIRECTORY/noise", "Exec format error"]
            ),
            Case(
                testDescription: "a directory where a program should be",
                table: #"command = ["DIRECTORY"]"#,
                stage: "exec",
                errno: "EACCES",
                words: ["cannot", "DIRECTORY"]
            ),
        ]

        @Test(arguments: cases)
        func whatCanNeverBeExecutedHasFailedWithStageAndErrno(_ wrong: Case) throws {
            let directory = try TemporaryDirectory()
            try directory.write("echo no\n", to: "plain", mode: 0o644)
            try directory.write("#!/nonexistent/interpreter\n", to: "script", mode: 0o755)
            try directory.write("\u{1}\u{2}\u{3}\u{4}", to: "noise", mode: 0o755)
            let table = wrong.table.split(separator: "DIRECTORY", omittingEmptySubsequences: false)
                .joined(separator: directory.path)
            let agent = try AgentProcess("[workers.web]\n\(table)\n" + shellWorker("other", lives), in: directory)

            let worker = try agent.waitFor("web", toBe: "failed")
            #expect(worker.instances[0].pid == nil)
            let exits = try agent.exits(of: "web")
            #expect(exits.count == 1)
            let exit = try #require(exits.first)
            #expect(exit.cause == "exec_failed")
            #expect(exit.outcome == "not_started")
            #expect(exit.waitStatus == nil)
            #expect(exit.exitCode == nil)
            #expect(exit.signal == nil)
            #expect(exit.decision.action == "give_up")
            let error = try #require(exit.error)
            #expect(error.stage == wrong.stage)
            #expect(error.errno == wrong.errno)
            for word in wrong.words {
                let expected = word.replacing("DIRECTORY", with: directory.path)
                #expect(error.message.contains(expected), "\(error.message) does not say \(expected)")
            }
            try agent.eventually("the log tells") { agent.log.contains(error.message.split(separator: ":")[0]) }

            try agent.waitFor("other", toBe: "running")
        }

        @Test func aStartThatCannotSucceedIs424WithTheRecord() throws {
            let agent = try AgentProcess("[workers.web]\ncommand = [\"/nonexistent/program\"]\nautostart = false\n")
            let answer = try agent.post("/v1/workers/web/start")
            #expect(answer.status == 424)
            let problem: ProblemMessage = try answer.decode()
            let operation = try #require(problem.operation)
            #expect(operation.state == "failed")
            #expect(operation.instances.first?.exit?.error?.errno == "ENOENT")
        }

        @Test func aFailedWorkerStartsAgainWhenItsProgramIsThere() throws {
            let directory = try TemporaryDirectory()
            let agent = try AgentProcess("[workers.web]\ncommand = [\"\(directory.path)/late\"]\n", in: directory)
            try agent.waitFor("web", toBe: "failed")
            // By another program: children of other tests would have this one's descriptor too until their exec, and nobody
            // can execute what somebody may write (ETXTBSY).
            let text = try directory.write("#!/bin/sh\nexec sleep 1000\n", to: "text", mode: 0o755)
            #expect(try run(["/bin/cp", text, directory.file("late")]).code == 0)
            let operation = try agent.operate("start", "web")
            #expect(operation.state == "succeeded")
            #expect(operation.changed)
            try agent.waitFor("web", toBe: "running")
        }
    }
}
