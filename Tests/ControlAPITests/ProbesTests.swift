import ControlMessages
import HTTPServer
import LinuxSystem
import Supervision
import Testing

@testable import ControlAPI
@testable import History

/// /healthz, /readyz, /openapi.json and /v1/agent.
@Suite struct ProbesTests {
    private let desk = Desk.withWorkers()

    // MARK: /healthz

    @Test func healthIsThatOfTheSupervisionLoopAlone() throws {
        self.desk.become(.failed, "web")
        let well = try self.desk.ask("GET", "/healthz", as: .tcp(2))
        #expect(well.status == 200)
        #expect(well.text == "{\"status\":\"ok\"}")
        self.desk.isSupervisionResponsive = false
        let ill = try self.desk.ask("GET", "/healthz", as: .tcp(2))
        #expect(ill.status == 503)
        #expect(try ill.problem().code == "busy")
        #expect(ill.header("Retry-After") == "1")
    }

    // MARK: /readyz

    private func readiness(_ query: String = "", as client: Desk.Client = .root) throws -> (Int, String) {
        let response = try self.desk.ask("GET", "/readyz\(query)", as: client)
        if response.status == 503 {
            let problem = try response.problem()
            #expect(problem.code == "not_ready")
            #expect(response.header("Retry-After") == "1")
            return (503, problem.detail)
        }
        return (response.status, response.text)
    }

    @Test func beforeTheRecoveryIsOverNothingIsReady() throws {
        let desk = Desk()
        try desk.refused(503, .notReady, "GET", "/readyz")
        desk.apply(.configured([]))
        try desk.refused(503, .notReady, "GET", "/readyz")
        desk.apply(.recovered)
        #expect(try desk.get("/readyz").text == "{\"status\":\"ready\"}")
    }

    @Test func everyInstanceThatIsWantedMustBeUpOrHaveFinished() throws {
        #expect(try self.readiness().0 == 200)
        self.desk.become(.running, "web", 0)
        self.desk.become(.starting, "web", 1)
        self.desk.become(.finished, "db")
        self.desk.become(.stopped, "mailer", desired: .down)
        #expect(try self.readiness() == (503, "web.1 is starting"))
        for state: InstanceState in [.waiting, .stopping, .backoff, .failed, .stopped] {
            self.desk.become(state, "web", 1)
            #expect(try self.readiness().0 == 503)
        }
        self.desk.become(.running, "web", 1)
        #expect(try self.readiness() == (200, "{\"status\":\"ready\"}"))
    }

    @Test func namesAreForThoseWhoMaySeeThem() throws {
        self.desk.become(.running, "db")
        self.desk.become(.backoff, "web", 0)
        self.desk.become(.failed, "web", 1)
        #expect(try self.readiness(as: .tcp(1)) == (503, "web.0 is in backoff, web.1 has failed"))
        #expect(try self.readiness(as: .tcp(2)) == (503, "2 of 3 instances that are wanted up are not"))
        #expect(try self.readiness("?workers=web", as: .tcp(2)).1 == "2 of 2 instances that are wanted up are not")
        let unknown = try self.desk.refused(404, .unknownWorker, "GET", "/readyz?workers=wbe", as: .tcp(2))
        #expect(unknown == "no worker is called \"wbe\"")
    }

    @Test func itCanLookAtSomeWorkersOnly() throws {
        self.desk.become(.backoff, "web", 0)
        self.desk.become(.running, "db")
        #expect(try self.readiness("?workers=db,mailer").0 == 200)
        #expect(try self.readiness("?workers=w*").0 == 503)
        // A name with a typing error must not look ready.
        try self.desk.refused(404, .unknownWorker, "GET", "/readyz?workers=dbb")
        try self.desk.refused(404, .unknownWorker, "GET", "/readyz?workers=x*")
    }

    @Test func manyNamesAreCut() throws {
        let desk = Desk()
        var worker = WorkerSpecification(name: "api", command: ["/x"])
        worker.instances = 30
        desk.apply(.configured([worker]), .recovered)
        for index in 0..<30 {
            desk.become(.backoff, "api", index)
        }
        let detail = try desk.refused(503, .notReady, "GET", "/readyz")
        #expect(detail.hasSuffix("api.19 is in backoff, and 10 more"))
    }

    @Test func anAgentThatEndsIsNotReady() throws {
        self.desk.apply(.shuttingDown(requestedBy: "signal:SIGTERM", reason: nil))
        #expect(try self.readiness() == (503, "the agent is ending"))
    }

    // MARK: /openapi.json and /v1/agent

    @Test func theDocumentIsForEverybody() throws {
        let response = try self.desk.ask("GET", "/openapi.json", as: .tcp(2))
        #expect(response.text == "{\"openapi\":\"3.1.0\"}")
        #expect(response.header("ETag") != nil)
    }

    @Test func theAgentTellsWhoItIs() throws {
        let message: AgentMessage = try self.desk.get("/v1/agent").decode()
        #expect(message.version == "0.1.0")
        #expect(message.pid == 4238)
        #expect(message.generation == 1)
        #expect(message.startedAt == "2026-11-22T10:00:00.000Z")
        #expect(message.socket == "/run/reeve/control.sock")
        #expect(
            message.listeners.first == ListenerMessage(address: "127.0.0.1:9190", anonymous: "monitor", maxRole: nil)
        )
        #expect(message.listeners[1].anonymous == "none")
        #expect(message.listeners[3].maxRole == "monitor")
        #expect(message.workers == 3)
        #expect(message.instances == 4)
        #expect(message.limits["body_bytes"] == 65536)
        #expect(message.limits["history_questions"] == 64)
        #expect(message.limits["operations_kept"] == 1_000)
        #expect(message.capabilities["pidfd"] == "yes")
        #expect(message.degraded == [])
    }

    @Test func theAgentTellsWhatIsWrongWithTheHistory() throws {
        self.desk.history.contents.withLock { contents in
            contents.status.degraded = "database or disk is full"
            contents.status.pending = 1
        }
        func degraded() throws -> [String] { try self.desk.get("/v1/agent").decode(AgentMessage.self).degraded }
        #expect(
            try degraded() == ["the history cannot be written: database or disk is full; 1 exit waits in memory"]
        )
        #expect(try self.desk.get("/healthz").status == 200)
        let path = "/var/lib/reeve/history.set-aside-20261122T100000.000Z.db"
        self.desk.history.contents.withLock { contents in
            contents.status.pending = 10_000
            contents.status.lostExits = 7
            contents.status.lostTransitions = 20
            contents.status.setAside = [SetAside(path: path, reason: "it is damaged: malformed")]
        }
        #expect(
            try degraded() == [
                "the history cannot be written: database or disk is full; 10000 exits wait in memory",
                "7 exits and 20 other transitions were given up, because more waited for the history than memory is "
                    + "allowed to hold",
                "the history could not be used, because it is damaged: malformed; it was set aside as \(path), and a "
                    + "new one begun",
            ]
        )
    }
}
