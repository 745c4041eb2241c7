import ControlMessages
import Glibc
import TestSupport
import Testing

extension AgentTests {
    @Suite struct ExampleTests {
        @Test func theQuickstartTellsItsStory() throws {
            let directory = try TemporaryDirectory()
            let configuration = try AgentTests.example("quickstart.toml")
                .replacing("/tmp/reeve-quickstart", with: directory.path)
                .replacing("sleep 1.2", with: "sleep 0.1")
                // Its processes are found by their directory.
                .replacing(
                    "[workers.ticker]",
                    with: "[defaults]\ndirectory = \"\(directory.path)\"\n\n[workers.ticker]"
                )
            try directory.write(configuration, to: AgentProcess.configurationName)
            let agent = try AgentProcess(configured: directory)

            try agent.waitFor("crasher", toBe: "finished")
            let story = try agent.exits(of: "crasher")
            #expect(story.map(\.cause) == ["error_exit", "crashed", "crashed", "killed", "finished"])
            #expect(story.map(\.exitCode) == [3, nil, nil, nil, 0])
            #expect(story.map { $0.signal?.name } == [nil, "SIGSEGV", "SIGABRT", "SIGKILL", nil])
            #expect(story.map(\.decision.action) == ["restart", "restart", "restart", "restart", "stay_down"])
            #expect(story.map(\.decision.consecutiveFailures) == [1, 2, 3, 4, 0])
            #expect(try agent.get("/readyz").status == 200, "running and finished is as desired")
            #expect(directory.read("logs/ticker/0.stdout.log").contains("ticker: it is"))

            try agent.operate("stop", "stubborn")
            #expect(try agent.exits(of: "stubborn").map(\.cause) == ["stop_timeout"])
            try agent.operate("stop", "ticker")
            #expect(try agent.exits(of: "ticker").map(\.escalated) == [false])
        }

        @Test(arguments: ["quickstart.toml", "redis-nginx-python.toml"])
        func eachExampleIsAValidConfiguration(name: String) throws {
            let directory = try TemporaryDirectory()
            let path = try directory.write(try AgentTests.example(name), to: name)
            let result = try run([executable, "check-config", "--config", path])
            #expect(result.code == 0, "\(result.output)\(result.errors)")
        }
    }
}
