internal import ControlMessages
internal import HTTPServer

/// Finds the route of a request, and says why there is none or the caller may not take it.
struct Router {
    private let routes = RouteTable.all
    private let toCome = RouteTable.patternsToCome.map { Route.segments(of: $0) }

    func route(
        _ request: HTTPRequest,
        _ caller: AccessPolicy.Caller
    ) throws(Problem) -> (route: Route, captures: [String]) {
        let method = request.method == "HEAD" ? "GET" : request.method
        var others: [Route] = []
        for route in self.routes {
            guard let captures = Route.captures(request.path, in: route.segments) else { continue }
            guard route.method == method else {
                others.append(route)
                continue
            }
            try self.check(caller, may: route.role, request)
            if route.isLocalOnly, !caller.isLocal {
                throw Problem(.forbidden, "\(route.method) \(route.pattern) is for the Unix socket only")
            }
            return (route, captures)
        }
        // What exists is no business of those who may not see any of it.
        if !others.isEmpty {
            if !others.contains(where: { $0.role == nil }) {
                try self.check(caller, may: others.compactMap(\.role).min(), request)
            }
            throw Self.wrongMethod(request, others)
        }
        try self.check(caller, may: .monitor, request)
        if self.toCome.contains(where: { Route.captures(request.path, in: $0) != nil }) {
            throw Problem(.notSupportedYet, status: 404, "\(Self.path(request)) is not supported yet")
        }
        throw Problem(.unknownRoute, "there is no \(Self.path(request)); GET /openapi.json lists what there is")
    }

    /// The pattern of the routes for a path, whatever the method and the caller.
    func pattern(_ path: [String]) -> String? {
        self.routes.first { Route.captures(path, in: $0.segments) != nil }?.pattern
    }

    private func check(_ caller: AccessPolicy.Caller, may role: Role?, _ request: HTTPRequest) throws(Problem) {
        guard let role else { return }
        let need = "\(request.method) \(Self.path(request)) needs the role \(role.rawValue)"
        if let own = caller.role {
            guard own >= role else {
                throw Problem(.forbidden, "\(need); \(caller.name) has \(own.rawValue)")
            }
        } else if caller.isLocal {
            throw Problem(.forbidden, "\(need); \(caller.name) has none in control.peers")
        } else {
            throw Problem(
                .unauthorized,
                "\(need); this listener wants to know who asks; use the Unix socket",
                headers: [HTTPField("WWW-Authenticate", "Bearer realm=\"reeve\"")]
            )
        }
    }

    private static func wrongMethod(_ request: HTTPRequest, _ routes: [Route]) -> Problem {
        let allowed = routes.flatMap { $0.method == "GET" ? ["GET", "HEAD"] : [$0.method] }
        return Problem(
            .methodNotAllowed,
            "\(request.method) is not allowed for \(Self.path(request)); use \(allowed.joined(separator: " or "))",
            headers: [HTTPField("Allow", allowed.joined(separator: ", "))]
        )
    }

    private static func path(_ request: HTTPRequest) -> String {
        Problem.shown("/" + request.path.joined(separator: "/"))
    }
}
