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
            try self.check(caller, may: route.role)
            if route.isLocalOnly, !caller.isLocal {
                throw Problem(.forbidden, "\(route.method) \(route.pattern) is for the Unix socket only")
            }
            return (route, captures)
        }
        // What exists is no business of those who may not see any of it.
        if !others.isEmpty {
            if !others.contains(where: { $0.role == nil }) {
                try self.check(caller, may: others.compactMap(\.role).min())
            }
            throw Self.wrongMethod(request.method, others)
        }
        try self.check(caller, may: .monitor)
        if self.toCome.contains(where: { Route.captures(request.path, in: $0) != nil }) {
            throw Problem(.notSupportedYet, status: 404, "\(Self.shown(request)) is not supported yet")
        }
        throw Problem(.unknownRoute, "there is no \(Self.shown(request)); GET /openapi.json lists what there is")
    }

    private func check(_ caller: AccessPolicy.Caller, may role: Role?) throws(Problem) {
        guard let role else { return }
        if let own = caller.role {
            guard own >= role else {
                throw Problem(.forbidden, "this needs the role \(role.rawValue); you have \(own.rawValue)")
            }
        } else if caller.isLocal {
            throw Problem(
                .forbidden,
                "this needs the role \(role.rawValue), and \(caller.name) has none in control.peers"
            )
        } else {
            throw Problem(
                .unauthorized,
                "this needs the role \(role.rawValue), and this listener gives none; use the Unix socket",
                headers: [HTTPField("WWW-Authenticate", "Bearer")]
            )
        }
    }

    private static func wrongMethod(_ method: String, _ routes: [Route]) -> Problem {
        let allowed = routes.flatMap { $0.method == "GET" ? ["GET", "HEAD"] : [$0.method] }.joined(separator: ", ")
        return Problem(
            .methodNotAllowed,
            "\(method) is not allowed here; use \(allowed)",
            headers: [HTTPField("Allow", allowed)]
        )
    }

    /// The decoded path, shortened: it comes from outside and goes into a sentence.
    private static func shown(_ request: HTTPRequest) -> String {
        let path = "/" + request.path.joined(separator: "/")
        return path.utf8.count <= 100 ? path : String(path.prefix(100)) + "…"
    }
}
