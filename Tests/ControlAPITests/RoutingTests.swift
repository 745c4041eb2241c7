import ControlMessages
import HTTPServer
import Supervision
import Testing

@testable import ControlAPI

@Suite struct RoutingTests {
    private let desk = Desk.withWorkers()

    @Test func noTwoRoutesAreTheSame() {
        let all = RouteTable.all.map { "\($0.method) \($0.pattern)" }
        #expect(Set(all).count == all.count)
        for route in RouteTable.all {
            #expect(Set(route.parameters).count == route.parameters.count)
            #expect(Set(route.parameters).isDisjoint(with: route.parametersToCome))
        }
    }

    @Test func everyAnswerHasTheHeadersThatProtectIt() throws {
        for target in [
            "/healthz", "/v1/workers", "/v1/workers/web", "/v1/exits", "/v1/agent", "/openapi.json", "/nothing",
        ] {
            let response = try self.desk.get(target)
            #expect(response.header("X-Content-Type-Options") == "nosniff")
            #expect(response.header("Content-Security-Policy") == "default-src 'none'")
            let isTagged = response.header("ETag") != nil
            #expect(response.header("Cache-Control") == (isTagged ? "no-cache" : "no-store"))
            let isProblem = response.status == 404
            #expect(response.header("Content-Type") == (isProblem ? "application/problem+json" : "application/json"))
        }
    }

    @Test func headIsAnsweredAsGet() throws {
        for route in RouteTable.all where route.method == "GET" && !route.pattern.contains("{") {
            let get = try self.desk.get(route.pattern)
            let head = try self.desk.ask("HEAD", route.pattern)
            #expect(head.status == get.status)
            #expect(head.header("Content-Type") == get.header("Content-Type"))
            // The metrics count the requests themselves.
            let isSame = head.body == get.body
            #expect(isSame || route.pattern == "/metrics", "\(route.pattern)")
        }
    }

    @Test func anUnknownPathIsNotFound() throws {
        for target in ["/v1", "/v2/workers", "/v1/workers/web/restart/now", "/v1/worker", "/V1/workers", "/healthz/x"] {
            let detail = try self.desk.refused(404, .unknownRoute, "GET", target)
            #expect(detail.contains(target))
        }
        let long = "/" + String(repeating: "x", count: 5000)
        #expect(try self.desk.refused(404, .unknownRoute, "GET", long).utf8.count < 300)
    }

    @Test(arguments: [
        ("/", "GET"), ("/v1/check/web", "GET"), ("/v1/workers/web/hold", "PUT"),
        ("/v1/reload", "POST"),
    ])
    func aPathToComeIsRefusedByName(target: String, method: String) throws {
        let detail = try self.desk.refused(404, .notSupportedYet, method, target)
        #expect(detail == "\(target) is not supported yet")
    }

    @Test(arguments: [
        ("POST", "/v1/workers", "GET, HEAD"), ("DELETE", "/v1/operations", "POST, GET, HEAD"),
        ("DELETE", "/v1/operations/01a202c5-1674-707a-8dfe-2a2217fc695a", "GET, HEAD"),
        ("GET", "/v1/workers/web/restart", "POST"), ("OPTIONS", "/v1/workers", "GET, HEAD"),
        ("HEAD", "/v1/agent/shutdown", "POST"), ("PUT", "/healthz", "GET, HEAD"),
    ])
    func aWrongMethodIsToldTheRightOnes(method: String, target: String, allowed: String) throws {
        let response = try self.desk.ask(method, target)
        #expect(response.status == 405)
        #expect(try response.problem().code == "method_not_allowed")
        #expect(response.header("Allow") == allowed)
    }

    // MARK: Parameters

    @Test func anUnknownParameterIsNamedWithTheKnownOnes() throws {
        let near = try self.desk.refused(400, .unknownParameter, "GET", "/v1/exits?worke=web")
        #expect(near == "\"worke\" is no parameter of GET /v1/exits; did you mean \"worker\"?")
        let far = try self.desk.refused(400, .unknownParameter, "GET", "/v1/workers?colour=red")
        #expect(far.hasSuffix("it takes workers, after, timeout"))
        try self.desk.refused(400, .unknownParameter, "GET", "/healthz?verbose")
        try self.desk.refused(400, .unknownParameter, "POST", "/v1/workers/web/stop?observe=1s")
        try self.desk.refused(400, .unknownParameter, "POST", "/v1/workers/web/start?grace=1s")
        try self.desk.refused(400, .unknownParameter, "GET", "/v1/workers/web?after=1")
    }

    @Test func aParameterGivenTwiceIsRefused() throws {
        try self.desk.refused(400, .invalidParameter, "GET", "/v1/workers?after=1&after=1")
        try self.desk.refused(
            400,
            .invalidParameter,
            "POST",
            "/v1/workers/web/stop?grace=1s",
            headers: [("Content-Type", "application/json")],
            body: "{\"grace\":\"1s\"}"
        )
    }

    @Test(arguments: ["if_run", "if_running", "on_conflict", "override_hold"])
    func aParameterToComeIsRefusedByName(name: String) throws {
        for action in ["start", "stop", "restart"] {
            let detail = try self.desk.refused(
                400,
                .notSupportedYet,
                "POST",
                "/v1/workers/web/\(action)?\(name)=true"
            )
            #expect(detail == "the parameter \"\(name)\" is not supported yet")
        }
        try self.desk.refused(400, .notSupportedYet, "POST", "/v1/operations?\(name)=true")
        // A route that never takes it does not promise it.
        try self.desk.refused(400, .unknownParameter, "POST", "/v1/workers/web/signal?signal=HUP&\(name)=true")
    }

    @Test(arguments: [
        "timeout=soon", "timeout=", "timeout=-1s", "timeout=1.5s", "timeout=10", "timeout=6m&after=1", "after=-1",
        "after=x", "after=", "after=+1", "after=9223372036854775808", "timeout=30s",
    ])
    func aValueThatDoesNotFitIsRefused(query: String) throws {
        let detail = try self.desk.refused(400, .invalidParameter, "GET", "/v1/workers?\(query)")
        #expect(detail.contains(query.prefix { $0 != "=" }))
    }

    @Test func theHeadIsRefusedBeforeTheBodyComes() {
        let request = HTTPRequest(
            method: "POST",
            target: "/v1/workers/web/stop?colour=red",
            path: ["v1", "workers", "web", "stop"],
            query: [HTTPField("colour", "red")],
            connection: Desk.Client.root.connection
        )
        #expect(self.desk.handler.admit(request)?.status == 400)
    }

    // MARK: Bodies

    private func post(_ body: String, _ contentType: String?) -> FakeExchange {
        self.desk.send(
            "POST",
            "/v1/workers/web/stop",
            headers: contentType.map { [("Content-Type", $0)] } ?? [],
            body: body
        )
    }

    @Test func aPostNeedsNoBodyAndNoType() {
        for type in [nil, "application/json", "application/x-www-form-urlencoded", "text/plain"] {
            #expect(self.post("", type).responses.isEmpty)
        }
        #expect(self.desk.requests.count == 4)
    }

    @Test(arguments: [
        "application/json", "Application/JSON", "application/json; charset=utf-8", "application/json;charset=\"UTF-8\"",
    ])
    func aBodyIsAJSONObjectWithTheSameNames(type: String) throws {
        #expect(
            self.post("{\"grace\": \"3s\", \"instance\": 1, \"wait\": \"none\", \"reason\": \"x\"}", type).responses
                .isEmpty
        )
        let request = try #require(self.desk.requests.first?.request)
        #expect(request.grace == .seconds(3))
        #expect(request.instance == 1)
        #expect(request.reason == "x")
    }

    @Test(arguments: [
        nil, "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1",
        "application/jsonp", "application/json; a=b; c=d", "",
    ])
    func anyOtherTypeIsUnsupported(type: String?) throws {
        #expect(try self.post("{}", type).response().status == 415)
        #expect(try self.post("{}", type).response().problem().code == "unsupported_media_type")
    }

    @Test(arguments: [
        "[]", "1", "null", "\"x\"", "{\"a\"", "nonsense", "{\"reason\":null}", "{\"reason\":{}}",
        "{\"grace\":[\"1s\"]}",
    ])
    func aBodyThatIsNoObjectOfOptionsIsInvalid(body: String) throws {
        let response = try self.post(body, "application/json").response()
        #expect(response.status == 400)
        #expect(try response.problem().code == "invalid_body")
    }

    @Test func anUnknownMemberIsNamed() throws {
        let problem = try self.post("{\"graec\":\"1s\"}", "application/json").response().problem()
        #expect(problem.code == "unknown_parameter")
        #expect(problem.detail.hasSuffix("did you mean \"grace\"?"))
        #expect(self.desk.requests.isEmpty)
    }

    @Test func aSyntaxErrorTellsItsPlace() throws {
        let problem = try self.post("{\n  \"grace\": 1s}", "application/json").response().problem()
        #expect(problem.detail.contains("line 2, column 13"))
    }
}
