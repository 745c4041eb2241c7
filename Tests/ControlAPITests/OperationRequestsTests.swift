import ControlMessages
import HTTPServer
import Supervision
import Testing

@testable import ControlAPI

/// The POST routes that ask for an operation.
@Suite struct OperationRequestsTests {
    private let desk = Desk.withWorkers()

    private func request(
        _ target: String,
        _ method: String = "POST",
        body: String = ""
    ) throws -> OperationRequest {
        let exchange = self.desk.send(
            method,
            target,
            headers: body.isEmpty ? [] : [("Content-Type", "application/json")],
            body: body
        )
        if let response = exchange.responses.first {
            Issue.record("\(target) was answered: \(response.text)")
        }
        return try #require(self.desk.requests.last?.request)
    }

    // MARK: What is asked

    @Test func theOptionsReachTheSupervisor() throws {
        var expected = OperationRequest(action: .restart, workers: ["web"], instance: 1, requestedBy: "uid:0")
        expected.grace = .zero
        expected.observe = .seconds(10)
        expected.reason = "release 42"
        let query = "instance=1&grace=0s&observe=10s&reason=release 42&timeout=60s&wait=done"
        #expect(try self.request("/v1/workers/web/restart?\(query)") == expected)
        #expect(
            try self.request("/v1/workers/db/start")
                == OperationRequest(action: .start, workers: ["db"], requestedBy: "uid:0")
        )
        #expect(
            try self.request("/v1/workers/db/stop")
                == OperationRequest(action: .stop, workers: ["db"], requestedBy: "uid:0")
        )
        #expect(
            try self.request("/v1/workers/db/reset?instance=0")
                == OperationRequest(action: .reset, workers: ["db"], instance: 0, requestedBy: "uid:0")
        )
    }

    @Test(arguments: ["start", "stop", "restart"])
    func aDecisionMayBeMadeToOutliveAReboot(action: String) throws {
        let target = "/v1/workers/web/\(action)"
        #expect(try !self.request(target).isPersistent)
        #expect(try !self.request("\(target)?persist=false").isPersistent)
        #expect(try self.request("\(target)?persist=true").isPersistent)
        #expect(try self.request(target, body: "{\"persist\":true}").isPersistent)
        #expect(
            try self.request("/v1/operations?action=\(action)&workers=web", body: "{\"persist\":true}").isPersistent
        )
        let wrong: [(String, ProblemCode)] = [
            ("{\"persist\":\"true\"}", .invalidBody), ("{\"persist\":1}", .invalidBody),
        ]
        for (body, code) in wrong {
            let headers = [("Content-Type", "application/json")]
            try self.desk.refused(400, code, "POST", target, headers: headers, body: body)
        }
        for value in ["", "1", "yes", "True"] {
            try self.desk.refused(400, .invalidParameter, "POST", "\(target)?persist=\(value)")
        }
        let other = "/v1/operations?action=reset&workers=web&persist=true"
        try self.desk.refused(400, .unknownParameter, "POST", other)
    }

    @Test func aScaleSaysHowManyAndMayBeMadeToLast() throws {
        var expected = OperationRequest(action: .scale, workers: ["web"], requestedBy: "uid:0")
        expected.count = 4
        #expect(try self.request("/v1/workers/web/instances?count=4", "PUT") == expected)
        expected.count = 0
        expected.isPersistent = true
        expected.grace = .seconds(5)
        expected.observe = .seconds(2)
        expected.reason = "night"
        let query = "count=0&persist=true&grace=5s&observe=2s&reason=night&wait=none&timeout=9s"
        #expect(try self.request("/v1/workers/web/instances?\(query)", "PUT") == expected)
        let body = #"{"count": 0, "persist": true, "grace": "5s", "observe": "2s", "reason": "night"}"#
        #expect(try self.request("/v1/workers/web/instances", "PUT", body: body) == expected)
    }

    @Test(arguments: [
        "", "count=", "count=-1", "count=10001", "count=2.5", "count=+2", "count=two", "count=1&persist=yes",
        "count=1&instance=0", "count=1&count=2", "count=1&on_conflict=wait",
    ])
    func aScaleThatMakesNoSenseIsRefused(query: String) throws {
        #expect(try self.desk.ask("PUT", "/v1/workers/web/instances?\(query)").status == 400)
        #expect(self.desk.requests.isEmpty)
    }

    @Test(arguments: [#"{"count": "4"}"#, #"{"count": 4, "persist": "true"}"#, #"{"count": true}"#, "4"])
    func theBodyOfAScaleHasItsTypes(body: String) throws {
        let exchange = self.desk.send(
            "PUT",
            "/v1/workers/web/instances",
            headers: [("Content-Type", "application/json")],
            body: body
        )
        #expect(exchange.responses.first?.status == 400)
        #expect(self.desk.requests.isEmpty)
    }

    @Test func severalWorkersAreNotScaledAtOnce() throws {
        let detail = try self.desk.refused(
            400,
            .invalidParameter,
            "POST",
            "/v1/operations?action=scale&workers=web"
        )
        #expect(detail.hasSuffix("PUT /v1/workers/{worker}/instances scales one"))
    }

    @Test func aNumberThatTheConfigurationForbidsIsUnprocessable() throws {
        let exchange = self.desk.send("PUT", "/v1/workers/web/instances?count=9")
        self.desk.answer(.refused("the last of 9 instances would have the port 65540"))
        #expect(exchange.responses.first?.status == 422)
        #expect(exchange.responses.first?.text.contains("would have the port") == true)
    }

    @Test func aSignalGoesToTheMainProcessOrToAll() throws {
        let main = try self.request("/v1/workers/web/signal?signal=HUP")
        #expect(main.signal == .hangup)
        #expect(main.signalScope == .main)
        let group = try self.request("/v1/workers/web/signal?signal=15&scope=group&instance=0")
        #expect(group.signal == .terminate)
        #expect(group.signalScope == .group)
        #expect(group.instance == 0)
    }

    @Test(arguments: [
        "web/signal", "web/signal?signal=", "web/signal?signal=NOPE", "web/signal?signal=0", "web/signal?signal=32",
        "web/signal?signal=HUP&scope=all", "web/stop?grace=1", "web/start?observe=x", "web/restart?timeout=25h",
        "web/restart?instance=x", "web/restart?instance=-1", "web/restart?instance=10000", "web/restart?wait=forever",
        "web/restart?reason=a\nb",
    ])
    func aValueThatDoesNotFitIsRefused(target: String) throws {
        try self.desk.refused(400, .invalidParameter, "POST", "/v1/workers/\(target)")
        #expect(self.desk.requests.isEmpty)
        #expect(self.desk.handler.waits.count == 0)
    }

    @Test func aReasonIsAFewWords() throws {
        let limit = String(repeating: "ä", count: 256)
        #expect(try self.request("/v1/workers/web/stop?reason=\(limit)").reason == limit)
        try self.desk.refused(400, .invalidParameter, "POST", "/v1/workers/web/stop?reason=\(limit)x")
    }

    @Test func waitingForOtherThingsIsToCome() throws {
        for mode in ["ready", "exit"] {
            let detail = try self.desk.refused(400, .notSupportedYet, "POST", "/v1/workers/web/restart?wait=\(mode)")
            #expect(detail.contains("wait=\(mode)"))
        }
    }

    @Test func unknownWorkersAndInstancesAreNotFound() throws {
        #expect(
            try self.desk.refused(404, .unknownWorker, "POST", "/v1/workers/wbe/restart")
                == "no worker is called \"wbe\"; did you mean \"web\"?"
        )
        #expect(
            try self.desk.refused(404, .unknownInstance, "POST", "/v1/workers/web/restart?instance=7")
                == "web has 2 instances, web.0 to web.1; there is no web.7"
        )
        #expect(
            try self.desk.refused(404, .unknownInstance, "POST", "/v1/workers/db/signal?signal=HUP&instance=1")
                == "db has 1 instance, db.0; there is no db.1"
        )
        #expect(self.desk.requests.isEmpty)
    }

    // MARK: Several workers

    @Test func namesGlobsAndAllMeanWorkers() throws {
        let cases: [(String, [String])] = [
            ("[\"mailer\",\"web\"]", ["web", "mailer"]), ("[\"w*\",\"web\",\"*b\"]", ["web", "db"]),
            ("\"all\"", ["web", "db", "mailer"]), ("\"db,m*\"", ["db", "mailer"]),
            ("[\"*\"]", ["web", "db", "mailer"]),
        ]
        for (workers, names) in cases {
            let request = try self.request("/v1/operations", body: "{\"action\":\"restart\",\"workers\":\(workers)}")
            #expect(request.action == .restart)
            #expect(request.workers == names)
        }
        #expect(try self.request("/v1/operations?action=stop&workers=all").workers == ["web", "db", "mailer"])
        #expect(try self.request("/v1/operations?action=stop&workers=web,db").workers == ["web", "db"])
    }

    @Test func optionsMayStandInEither() throws {
        let body = "{\"action\":\"stop\",\"workers\":[\"web\"],\"grace\":\"2s\",\"instance\":1}"
        let request = try self.request("/v1/operations?reason=x&timeout=3s", body: body)
        #expect(request.grace == .seconds(2))
        #expect(request.instance == 1)
        #expect(request.reason == "x")
        let signal = try self.request(
            "/v1/operations",
            body: "{\"action\":\"signal\",\"workers\":\"all\",\"signal\":\"USR1\",\"scope\":\"group\"}"
        )
        #expect(signal.signal == Signal(10))
    }

    @Test func aListIsNeverTheWordAll() throws {
        let detail = try self.desk.refused(
            404,
            .unknownWorker,
            "POST",
            "/v1/operations",
            headers: [("Content-Type", "application/json")],
            body: "{\"action\":\"stop\",\"workers\":[\"all\"]}"
        )
        #expect(detail == "no worker is called \"all\"")
    }

    @Test(arguments: [
        ("{}", 400, ProblemCode.invalidParameter), ("{\"action\":\"stop\"}", 400, .invalidParameter),
        ("{\"workers\":\"all\"}", 400, .invalidParameter),
        ("{\"action\":\"scale\",\"workers\":\"all\"}", 400, .invalidParameter),
        ("{\"action\":\"shutdown\",\"workers\":\"all\"}", 400, .invalidParameter),
        ("{\"action\":\"upgrade\",\"workers\":\"all\"}", 400, .invalidParameter),
        ("{\"action\":\"stop\",\"workers\":[]}", 400, .invalidParameter),
        ("{\"action\":\"stop\",\"workers\":[1]}", 400, .invalidBody),
        ("{\"action\":\"stop\",\"workers\":[\"a,b\"]}", 400, .invalidBody),
        ("{\"action\":\"stop\",\"workers\":{}}", 400, .invalidBody),
        ("{\"action\":[\"stop\"],\"workers\":\"all\"}", 400, .invalidBody),
        ("{\"action\":\"stop\",\"workers\":\"all\",\"reason\":false}", 400, .invalidBody),
        ("{\"action\":\"stop\",\"workers\":\"all\",\"timeout\":30}", 400, .invalidBody),
        ("{\"action\":\"stop\",\"workers\":\"all\",\"instance\":\"0\"}", 400, .invalidBody),
        ("{\"action\":\"stop\",\"workers\":\"all\",\"colour\":1}", 400, .unknownParameter),
        ("{\"action\":\"stop\",\"workers\":\"all\",\"observe\":\"1s\"}", 400, .unknownParameter),
        ("{\"action\":\"reset\",\"workers\":\"all\",\"wait\":\"none\"}", 400, .unknownParameter),
        ("{\"action\":\"stop\",\"workers\":\"all\",\"if_run\":\"x\"}", 400, .notSupportedYet),
        ("{\"action\":\"stop\",\"workers\":[\"wbe\"]}", 404, .unknownWorker),
        ("{\"action\":\"stop\",\"workers\":[\"x*\"]}", 404, .unknownWorker),
        ("{\"action\":\"stop\",\"workers\":\"all\",\"instance\":0}", 422, .unprocessable),
    ])
    func whatMakesNoSenseIsRefused(body: String, status: Int, code: ProblemCode) throws {
        try self.desk.refused(
            status,
            code,
            "POST",
            "/v1/operations",
            headers: [("Content-Type", "application/json")],
            body: body
        )
        #expect(self.desk.requests.isEmpty)
    }

    @Test func withoutWorkersThereIsNothingToDo() throws {
        let desk = Desk()
        desk.apply(.configured([]), .recovered)
        try desk.refused(422, .unprocessable, "POST", "/v1/operations?action=stop&workers=all")
    }

    // MARK: Shutdown

    @Test func aShutdownIsAnsweredBeforeItIsOver() throws {
        let exchange = self.desk.send("POST", "/v1/agent/shutdown?reason=new kernel")
        let request = try #require(self.desk.requests.first?.request)
        #expect(request.action == .shutdown)
        #expect(request.workers == ["web", "db", "mailer"])
        #expect(request.reason == "new kernel")
        let operation = self.desk.operation(.shutdown)
        self.desk.apply(.operation(operation))
        self.desk.answer(.accepted(operation, budget: .seconds(10)))
        let response = try exchange.response()
        #expect(response.status == 202)
        #expect(response.header("Location") == "/v1/operations/\(operation.id)")
        #expect(try response.decode(OperationMessage.self).action == "shutdown")
        #expect(self.desk.handler.waits.count == 0)
        try self.desk.refused(400, .unknownParameter, "POST", "/v1/agent/shutdown?wait=done")
    }
    // MARK: Upgrade

    @Test func anUpgradeIsAnsweredByTheAgentThatIsReplaced() throws {
        let exchange = self.desk.send("POST", "/v1/agent/upgrade?reason=release 0.2")
        let request = try #require(self.desk.requests.first?.request)
        #expect(request.action == .upgrade && request.workers.isEmpty && request.reason == "release 0.2")
        var operation = self.desk.operation(.upgrade)
        operation.workers = []
        operation.instances = []
        self.desk.apply(.operation(operation))
        self.desk.answer(.accepted(operation, budget: .zero))
        let response = try exchange.response()
        #expect(response.status == 202)
        #expect(response.header("Location") == "/v1/operations/\(operation.id)")
        #expect(self.desk.handler.waits.count == 0)
        try self.desk.refused(400, .unknownParameter, "POST", "/v1/agent/upgrade?wait=done")
        try self.desk.refused(403, .forbidden, "POST", "/v1/agent/upgrade", as: .user(1002))
    }
}
