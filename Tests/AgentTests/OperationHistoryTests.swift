import ControlMessages
import TestSupport
import Testing

extension AgentTests {
    /// What was asked of agents before.
    @Suite struct OperationHistoryTests {
        @Test func operationsOutliveTheAgentWithWhoAskedWhyAndWhatWasDone() throws {
            let agent = try AgentProcess(
                shellWorker("web", lives) + shellWorker("broken", "exit 4", "autostart = false\nrestart = \"never\"")
            )
            _ = try agent.waitForPID(of: "web")
            let restarted = try agent.operate("restart", "web", "?reason=release-42")
            #expect(try agent.post("/v1/workers/broken/start").status == 424)
            try agent.crash()
            try agent.operate("stop", "web")
            let list: OperationsMessage = try agent.get("/v1/operations").decode()
            #expect(list.operations.map(\.action) == ["stop", "start", "restart"])
            #expect(list.operations[1].instances[0].exit?.exitCode == 4)
            #expect(list.operations[2] == restarted)
            #expect(restarted.reason == "release-42" && restarted.requestedBy.hasPrefix("uid:"))
            #expect(restarted.instances[0].transcript.isEmpty == false)
            let one: OperationMessage = try agent.get("/v1/operations/\(restarted.id)").decode()
            #expect(one == restarted)
        }
    }
}
