import ControlMessages
import Glibc
import TestSupport
import Testing

extension AgentTests {
    @Suite struct HTTPInterfaceTests {
        let agent: AgentProcess

        init() throws {
            self.agent = try AgentProcess(
                shellWorker("web", lives)
                    + shellWorker(
                        "stubborn",
                        ignoresTerminate,
                        "autostart = false\nstop = { grace = \"1h\" }"
                    )
                    + shellWorker("broken", "exit 4", "autostart = false\nrestart = \"never\"")
            )
            _ = try self.agent.waitForPID(of: "web")
        }

        /// Starts the one that does not end before somebody wants it killed.
        private func startStubborn() throws {
            try self.agent.operate("start", "stubborn")
            try self.agent.eventually("TERM is ignored") { self.agent.directory.exists("stubborn.armed") }
        }

        /// Expects a problem document, whose status is the response's.
        @discardableResult
        private func expectProblem(
            _ answer: HTTPAnswer,
            _ status: Int,
            _ location: SourceLocation = #_sourceLocation
        ) throws -> ProblemMessage {
            #expect(answer.status == status, "\(answer.text)", sourceLocation: location)
            #expect(
                answer.header("Content-Type")?.hasPrefix("application/problem+json") == true,
                sourceLocation: location
            )
            let problem: ProblemMessage = try answer.decode()
            #expect(problem.status == answer.status, sourceLocation: location)
            #expect(
                !problem.title.isEmpty && !problem.detail.isEmpty && !problem.code.isEmpty,
                sourceLocation: location
            )
            return problem
        }

        @Test func anUnknownWorkerIs404AndSuggestsTheNearName() throws {
            let problem = try self.expectProblem(try self.agent.get("/v1/workers/wbe"), 404)
            #expect(problem.code == "unknown_worker")
            #expect(problem.detail.contains("\"web\""), "\(problem.detail)")
            try self.expectProblem(try self.agent.post("/v1/workers/wbe/restart"), 404)
            try self.expectProblem(try self.agent.get("/v1/nothing"), 404)
            try self.expectProblem(try self.agent.get("/v1/operations/00000000-0000-7000-8000-000000000000"), 404)
            try self.expectProblem(try self.agent.get("/v1/exits/999999"), 404)
            try self.expectProblem(try self.agent.post("/v1/workers/web/restart?instance=7"), 404)
        }

        @Test func aWrongMethodIs405WithAllow() throws {
            let read = try self.agent.post("/v1/workers")
            try self.expectProblem(read, 405)
            #expect(read.header("Allow")?.contains("GET") == true)
            let write = try self.agent.get("/v1/workers/web/restart")
            try self.expectProblem(write, 405)
            #expect(write.header("Allow")?.contains("POST") == true)
        }

        @Test func aWrongParameterIs400() throws {
            let requests = [
                "GET /v1/workers?bogus=1", "GET /v1/workers/web?bogus=1", "POST /v1/workers/web/start?bogus=1",
                "POST /v1/workers/web/stop?timeout=soon", "POST /v1/workers/web/stop?wait=perhaps",
                "POST /v1/workers/web/stop?observe=10s", "POST /v1/workers/web/stop?wait=done&wait=none",
                "POST /v1/workers/web/start?instance=x", "POST /v1/workers/web/signal",
                "POST /v1/workers/web/signal?signal=NOSUCH", "GET /v1/exits?limit=-1", "GET /v1/exits?cause=%zz",
            ]
            for line in requests {
                let words = line.split(separator: " ")
                let answer = try request(self.agent.address, String(words[0]), String(words[1]))
                #expect(answer.status == 400, "\(line): \(answer.text)")
            }
            #expect(try self.agent.worker("web").state == "running", "nothing was done")
        }

        @Test func aBodyThatIsNotWhatItShouldBeIsRefused() throws {
            let json = ["Content-Type": "application/json"]
            try self.expectProblem(try self.agent.post("/v1/operations", headers: json, body: "{\"action\": "), 400)
            try self.expectProblem(try self.agent.post("/v1/operations", headers: json, body: "[]"), 400)
            try self.expectProblem(
                try self.agent.post("/v1/operations", headers: json, body: #"{"action": "dance", "workers": ["web"]}"#),
                400
            )
            try self.expectProblem(
                try self.agent.post("/v1/operations", headers: ["Content-Type": "text/plain"], body: "restart"),
                415
            )
            let large = #"{"action": "restart", "workers": ["\#(String(repeating: "x", count: 70_000))"]}"#
            #expect(try self.agent.post("/v1/operations", headers: json, body: large).status == 413)
        }

        @Test func anOperationByBodyDoesWhatItSays() throws {
            let old = try self.agent.waitForPID(of: "web")
            let body = #"{"action": "restart", "workers": ["w*"]}"#
            let answer = try self.agent.post(
                "/v1/operations",
                headers: ["Content-Type": "application/json"],
                body: body
            )
            #expect(answer.status == 200, "\(answer.text)")
            let operation: OperationMessage = try answer.decode()
            #expect(operation.workers == ["web"])
            #expect(try self.agent.waitForPID(of: "web") != old)
            let list: OperationsMessage = try self.agent.get("/v1/operations").decode()
            #expect(list.operations.first?.id == operation.id)
        }

        @Test func anotherOperationIs409WithItsLocation() throws {
            try self.startStubborn()
            let stop: OperationMessage = try self.agent.post("/v1/workers/stubborn/stop?wait=none").decode()
            let answer = try self.agent.post("/v1/workers/stubborn/restart")
            let problem = try self.expectProblem(answer, 409)
            #expect(answer.header("Location") == "/v1/operations/\(stop.id)")
            #expect(problem.operation?.id == stop.id)
            let joined: OperationMessage = try self.agent.post("/v1/workers/stubborn/stop?wait=none").decode()
            #expect(joined.id == stop.id, "the same action joins what runs")
            try self.agent.operate("stop", "stubborn", "?grace=0s")
        }

        @Test func notWaitingIs202WithTheLocation() throws {
            let answer = try self.agent.post("/v1/workers/web/restart?wait=none")
            #expect(answer.status == 202)
            let location = try #require(answer.header("Location"))
            let operation: OperationMessage = try answer.decode()
            #expect(location == "/v1/operations/\(operation.id)")
            let ended: OperationMessage = try self.agent.get("\(location)?timeout=20s").decode()
            #expect(ended.state == "succeeded")
        }

        @Test func aTimeoutIs504AndTheOperationGoesOn() throws {
            try self.startStubborn()
            let answer = try self.agent.post("/v1/workers/stubborn/stop?timeout=100ms")
            let problem = try self.expectProblem(answer, 504)
            let location = try #require(answer.header("Location"))
            #expect(problem.operation?.state == "running")
            try self.agent.operate("stop", "stubborn", "?grace=0s")
            let ended: OperationMessage = try self.agent.get("\(location)?timeout=20s").decode()
            #expect(ended.state == "succeeded")
            #expect(try self.agent.worker("stubborn").state == "stopped")
        }

        @Test func aWorkerThatDoesNotComeUpIs424WithItsExit() throws {
            let answer = try self.agent.post("/v1/workers/broken/start")
            let problem = try self.expectProblem(answer, 424)
            let exit = try #require(problem.operation?.instances.first?.exit)
            expectExited(exit, code: 4, cause: "error_exit", decision: "stay_down")
        }

        @Test func aClientThatGoesAwayEndsNothing() throws {
            try self.startStubborn()
            var exchange: HTTPExchange? = try HTTPExchange(to: self.agent.address, "POST", "/v1/workers/stubborn/stop")
            try self.agent.eventually("the stop runs") { try self.agent.worker("stubborn").state == "stopping" }
            #expect(exchange?.isAnswered(within: .zero) == false)
            exchange = nil
            #expect(try self.agent.worker("stubborn").state == "stopping")
            try self.agent.operate("stop", "stubborn", "?grace=0s")
            try self.agent.waitFor("stubborn", toBe: "stopped")
        }
    }
}
