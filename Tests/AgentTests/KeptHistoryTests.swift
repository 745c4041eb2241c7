import ControlMessages
import Glibc
import TestSupport
import Testing

extension AgentTests {
    /// What is still shown of the agents before.
    @Suite struct KeptHistoryTests {
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

        @Test func countsOfRestartsAndTheTimeUpGoOn() throws {
            let agent = try AgentProcess(
                shellWorker("web", lives, #"backoff = { reset_after = "1ms" }"#) + shellWorker("db", lives)
            )
            var pid = try agent.waitForPID(of: "web")
            for _ in 1...3 {
                sendSignal(SIGKILL, to: pid)
                pid = try agent.waitForPID(of: "web", otherThan: pid)
            }
            try agent.operate("restart", "web")
            #expect(try agent.worker("web").instances[0].restarts.oneHour == 3)
            try agent.crash()
            try agent.eventually("the restarts before are counted again") {
                try agent.worker("web").instances[0].restarts.oneHour == 3
            }
            let web = try agent.worker("web").instances[0]
            #expect(web.restarts.oneMinute <= 3 && web.restarts.tenMinutes == 3 && web.restarts.total == 3)
            sendSignal(SIGKILL, to: try agent.waitForPID(of: "web"))
            try agent.eventually("and the next one") { try agent.worker("web").instances[0].restarts.oneHour == 4 }
            // Ended in order it is down until the next one begins.
            agent.end()
            try agent.startAgain()
            try agent.eventually("the restarts before are counted once more") {
                try agent.worker("web").instances[0].restarts.oneHour == 4
            }
            #expect(try agent.worker("db").instances[0].restarts.oneHour == 0)
        }
    }
}
