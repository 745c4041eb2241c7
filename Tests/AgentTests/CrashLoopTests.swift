import ControlMessages
import TestSupport
import Testing

extension AgentTests {
    @Suite struct CrashLoopTests {
        static let worker = shellWorker(
            "web",
            """
            if [ -e well ]; then exec sleep 1000; fi
            exit 9
            """,
            """
            restart_limit = { restarts = 3, within = "10m" }
            backoff = { initial = "20ms", factor = 2.0, max = "30ms", jitter = 0.0 }
            """
        )

        @Test func aCrashLoopBacksOffAndGivesUpAtTheLimit() throws {
            let agent = try AgentProcess(Self.worker)
            let worker = try agent.waitFor("web", toBe: "failed")
            #expect(worker.desired == "up")
            #expect(worker.instances[0].restarts.total == 3)
            let exits = try agent.exits(of: "web")
            #expect(exits.map(\.decision.action) == ["restart", "restart", "restart", "give_up"])
            #expect(exits.dropLast().map(\.decision.delaySeconds) == [0, 0.02, 0.03], "0, initial, then at most max")
            #expect(exits.map(\.decision.consecutiveFailures) == [1, 2, 3, 4])
            #expect(try agent.get("/readyz").status == 503)
        }

        @Test func resetMakesItStoppedAndStartBringsItBack() throws {
            let agent = try AgentProcess(Self.worker)
            try agent.waitFor("web", toBe: "failed")
            try agent.operate("reset", "web")
            #expect(try agent.worker("web").state == "stopped")
            #expect(try agent.worker("web").instances[0].consecutiveFailures == 0)
            try agent.directory.write("", to: "well")
            #expect(try agent.operate("start", "web").changed)
            #expect(try agent.worker("web").state == "running")
            #expect(try agent.get("/readyz").status == 200)
        }

        @Test func startAloneBringsItBackToo() throws {
            let agent = try AgentProcess(Self.worker)
            try agent.waitFor("web", toBe: "failed")
            let failing = try agent.post("/v1/workers/web/start")
            #expect(failing.status == 424)
            try agent.waitFor("web", toBe: "failed")
            #expect(try agent.exits(of: "web").count == 8, "the limit counts from anew")
            try agent.directory.write("", to: "well")
            #expect(try agent.operate("start", "web").state == "succeeded")
        }

        @Test func startDoesNotWaitForTheBackoff() throws {
            let agent = try AgentProcess(
                shellWorker(
                    "web",
                    "if [ -e well ]; then exec sleep 1000; fi; exit 9",
                    #"backoff = { initial = "1h", max = "1h" }"#
                )
            )
            let worker = try agent.waitFor("web", toBe: "backoff")
            #expect(worker.instances[0].nextStartAt != nil)
            #expect(worker.instances[0].pid == nil)
            try agent.directory.write("", to: "well")
            try agent.operate("start", "web")
            #expect(try agent.worker("web").state == "running")
        }

        @Test func stopEndsTheBackoff() throws {
            let agent = try AgentProcess(shellWorker("web", "exit 9", #"backoff = { initial = "1h", max = "1h" }"#))
            try agent.waitFor("web", toBe: "backoff")
            try agent.operate("stop", "web")
            let worker = try agent.worker("web")
            #expect(worker.state == "stopped")
            #expect(worker.instances[0].nextStartAt == nil)
        }
    }
}
