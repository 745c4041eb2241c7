import ControlMessages
import HTTPServer
import Supervision
import Testing

@testable import ControlAPI

@Suite struct AccessTests {
    private let desk = Desk.withWorkers()

    // MARK: Authority

    @Test(
        arguments: [
            ("localhost", "localhost", nil), ("LocalHost:80", "localhost", 80), ("127.0.0.1:9190", "127.0.0.1", 9190),
            ("[::1]", "[::1]", nil), ("[FE80::1]:65535", "[fe80::1]", 65535),
            ("a-b.example_1.org", "a-b.example_1.org", nil),
        ] as [(String, String, UInt16?)]
    )
    func readsAnAuthority(text: String, host: String, port: UInt16?) {
        #expect(Authority(text) == Authority(host: host, port: port))
    }

    @Test(arguments: [
        "", ":80", "host:", "host:65536", "host:-1", "host:8 0", "host:80:80", "user@host", "[::1", "[]", "[::1]80",
        "ho st", "host/", "host,other", "[evil.example]", "ho\u{0}st", "hôst", String(repeating: "a", count: 263),
    ])
    func refusesAnythingElseAsAnAuthority(text: String) {
        #expect(Authority(text) == nil)
    }

    // MARK: Host and Origin

    @Test(arguments: [
        (1, "127.0.0.1"), (1, "127.0.0.1:9190"), (1, "localhost"), (1, "LOCALHOST:9190"), (1, "web1.example.org"),
        (1, "web1.example.org:1234"), (1, "proxy.example.org:8443"), (3, "10.1.2.3:9192"), (3, "[2001:db8::1]:9192"),
        (3, "localhost:9192"), (4, "[::1]:9193"), (4, "[::1]"),
    ])
    func aHostOfTheListenerIsAccepted(listener: Int, host: String) throws {
        let response = try self.desk.ask("GET", "/healthz", as: .tcp(listener), headers: [("Host", host)])
        #expect(response.status == 200)
    }

    @Test(arguments: [
        (1, "evil.example"), (1, "localhost:9191"), (1, "127.0.0.1:80"), (1, "127.0.0.2:9190"), (1, ""),
        (1, "localhost.evil.example"), (1, "localhost:9190:9190"), (1, "proxy.example.org"),
        (1, "proxy.example.org:9190"), (3, "evil.example:9192"), (3, "10.1.2.3:80"), (4, "127.0.0.1:9193"),
    ])
    func anyOtherHostIsMisdirected(listener: Int, host: String) throws {
        // Before anything else is looked at: also where everybody may ask, and where nothing is.
        for path in ["/healthz", "/v1/workers", "/nothing"] {
            try self.desk.refused(421, .misdirectedRequest, "GET", path, as: .tcp(listener), headers: [("Host", host)])
        }
    }

    @Test func aRequestWithoutHostIsMisdirectedOverTCP() {
        let request = HTTPRequest(
            method: "GET",
            target: "/healthz",
            path: ["healthz"],
            connection: Desk.Client.tcp(1).connection
        )
        #expect(self.desk.handler.admit(request)?.status == 421)
    }

    @Test func anyHostGoesOverTheUnixSocket() throws {
        #expect(try self.desk.ask("GET", "/v1/workers", headers: [("Host", "whatever")]).status == 200)
    }

    @Test(arguments: [
        "http://127.0.0.1:9190", "http://localhost:9190", "https://web1.example.org", "http://web1.example.org:81",
        "https://proxy.example.org:8443",
    ])
    func anOriginOfOursIsAccepted(origin: String) throws {
        #expect(try self.desk.ask("GET", "/v1/workers", as: .tcp(1), headers: [("oRiGiN", origin)]).status == 200)
    }

    @Test(arguments: [
        "http://evil.example", "null", "http://localhost", "http://localhost:3000", "https://localhost:9191", "",
        "file://localhost:9190", "http://localhost:9190/", "http://user@localhost:9190", "https://proxy.example.org",
    ])
    func anyOtherOriginIsRefused(origin: String) throws {
        for client in [Desk.Client.tcp(1), .root] {
            try self.desk.refused(403, .crossOrigin, "GET", "/healthz", as: client, headers: [("Origin", origin)])
        }
        try self.desk.refused(403, .crossOrigin, "POST", "/v1/workers/web/stop", headers: [("Origin", origin)])
        #expect(self.desk.requests.isEmpty)
    }

    @Test func whatABrowserSaysOfItsPageCounts() throws {
        for site in ["cross-site", "same-site", "whatever"] {
            try self.desk.refused(403, .crossOrigin, "GET", "/v1/workers", headers: [("Sec-Fetch-Site", site)])
        }
        for site in ["none", "same-origin"] {
            #expect(try self.desk.ask("GET", "/v1/workers", headers: [("Sec-Fetch-Site", site)]).status == 200)
        }
    }

    @Test func headersToComeAreRefusedByName() throws {
        for name in ["Authorization", "Idempotency-Key"] {
            let detail = try self.desk.refused(
                400,
                .notSupportedYet,
                "POST",
                "/v1/workers/web/restart",
                headers: [(name.lowercased(), "x")]
            )
            #expect(detail.contains(name))
        }
        #expect(self.desk.requests.isEmpty)
    }

    // MARK: Roles

    /// What each client may do.
    private static let roles: [(Desk.Client, Role?)] = [
        (.root, .admin), (.user(Desk.agentUID), .admin), (.user(1001), .operate), (.user(1002), nil),
        (.user(1002, groups: [500]), .monitor), (.user(1002, groups: [7, 500, 501]), .read), (.user(500), .monitor),
        (.user(1001, groups: [500]), .operate), (.tcp(1), .monitor), (.tcp(2), nil),
        // Configured with more than there is over TCP.
        (.tcp(3), .read), (.tcp(4), .monitor), (.tcp(99), nil),
    ]

    @Test(arguments: RouteTable.all)
    func eachRouteIsForItsRole(route: Route) throws {
        let target = route.pattern
            .replacing("{worker}", with: "web").replacing("{seq}", with: "1").replacing("{id}", with: "x")
        for (client, role) in Self.roles {
            guard case .tcp(99) = client else {
                try self.check(route, target, client, role)
                continue
            }
            // A listener that nobody configured gives nothing, not even a Host.
            #expect(try self.desk.ask(route.method, target, as: client).status == 421)
        }
    }

    private func check(_ route: Route, _ target: String, _ client: Desk.Client, _ role: Role?) throws {
        let exchange = self.desk.send(route.method, target, as: client)
        var isLocal = true
        if case .tcp = client {
            isLocal = false
        }
        let isAllowed = route.role.map { needed in role.map { $0 >= needed } ?? false } ?? true
        guard isAllowed else {
            let response = try exchange.response()
            #expect(response.status == (role == nil && !isLocal ? 401 : 403), "\(client)")
            #expect(try response.problem().code == (response.status == 401 ? "unauthorized" : "forbidden"))
            #expect((response.header("WWW-Authenticate") != nil) == (response.status == 401))
            return
        }
        // Asked of the supervisor, or answered, but not for want of a role.
        #expect(exchange.responses.first.map { $0.status != 401 && $0.status != 403 } ?? true, "\(client)")
    }

    @Test func nothingChangesAnythingOverTCP() throws {
        for route in RouteTable.all where route.method != "GET" {
            let target = route.pattern.replacing("{worker}", with: "web")
            for listener in 1...4 {
                let status = try self.desk.ask("POST", target, as: .tcp(listener)).status
                #expect(status == 401 || status == 403)
            }
        }
        #expect(self.desk.requests.isEmpty)
    }

    @Test func whatExistsIsToldOnlyToThoseWhoMaySeeIt() throws {
        for target in [
            "/nothing", "/v1/workers/nobody", "/metrics", "/v1/reload", "/v1/agent/shutdown", "/v1/agent/upgrade",
        ] {
            try self.desk.refused(403, .forbidden, "GET", target, as: .user(1002))
            try self.desk.refused(401, .unauthorized, "GET", target, as: .tcp(2))
        }
        try self.desk.refused(403, .forbidden, "DELETE", "/v1/workers", as: .user(1002))
        // What is open to all has no secrets.
        try self.desk.refused(405, .methodNotAllowed, "POST", "/healthz", as: .tcp(2))
    }

    @Test func theRequesterIsNamedByItsUser() throws {
        _ = self.desk.send("POST", "/v1/workers/web/stop", as: .user(1001))
        #expect(self.desk.requests.map(\.request.requestedBy) == ["uid:1001"])
    }
}
