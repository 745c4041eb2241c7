internal import ControlMessages
internal import Supervision

/// All that the API answers. Nothing is reachable but what stands here.
public enum RouteTable {
    public static let all: [Route] = Self.open + Self.workers + Self.exits + Self.events + Self.operations + Self.agent

    private static let open = [
        Route("GET", "/healthz", role: nil) { handler, call throws(Problem) in handler.showHealth(call) },
        Route("GET", "/readyz", role: nil, parameters: ["workers"]) { handler, call throws(Problem) in
            try handler.showReadiness(call)
        },
        Route("GET", "/openapi.json", role: nil) { handler, call throws(Problem) in
            handler.showOpenAPIDocument(call)
        },
    ]

    private static let workers = [
        Route("GET", "/v1/workers", role: .monitor, parameters: ["workers", "after", "timeout"]) {
            handler,
            call throws(Problem) in
            try handler.showWorkers(call)
        },
        Route("GET", "/v1/workers/{worker}", role: .monitor) { handler, call throws(Problem) in
            try handler.showWorker(call)
        },
        Self.operation(.start, parameters: ["wait", "timeout", "instance", "reason", "observe", "persist"]),
        Self.operation(.stop, parameters: ["wait", "timeout", "instance", "reason", "grace", "persist"]),
        Self.operation(
            .restart,
            parameters: ["wait", "timeout", "instance", "reason", "grace", "observe", "persist"]
        ),
        Self.operation(.signal, parameters: ["signal", "scope", "instance", "reason"]),
        Self.operation(.reset, parameters: ["instance", "reason"]),
        Route(
            "PUT",
            "/v1/workers/{worker}/instances",
            role: .operate,
            parameters: ["count", "wait", "timeout", "reason", "grace", "observe", "persist"],
            parametersToCome: ["on_conflict", "override_hold"]
        ) { handler, call throws(Problem) in try handler.operateOnWorker(call, .scale) },
        Route(
            "GET",
            "/v1/workers/{worker}/logs",
            role: .read,
            parameters: ["stream", "tail", "since", "after", "follow", "instance", "run_id", "format"]
        ) { handler, call throws(Problem) in try handler.showLogs(call) },
    ]

    private static let exits = [
        Route("GET", "/v1/workers/{worker}/exits", role: .monitor, parameters: Self.exitParameters) {
            handler,
            call throws(Problem) in
            try handler.showExitsOfWorker(call)
        },
        Route("GET", "/v1/exits", role: .monitor, parameters: ["worker"] + Self.exitParameters) {
            handler,
            call throws(Problem) in
            try handler.showExits(call)
        },
        Route("GET", "/v1/exits/{seq}", role: .monitor) { handler, call throws(Problem) in try handler.showExit(call) },
    ]

    private static let exitParameters = ["cause", "since", "after", "before", "limit", "order", "timeout"]

    private static let events = [
        Route(
            "GET",
            "/v1/events",
            role: .read,
            parameters: ["after", "since", "worker", "type", "follow", "format"]
        ) { handler, call throws(Problem) in try handler.showEvents(call) }
    ]

    private static let operations = [
        Route(
            "POST",
            "/v1/operations",
            role: .operate,
            parameters: [
                "action", "workers", "wait", "timeout", "instance", "reason", "grace", "observe", "persist", "signal",
                "scope",
            ],
            parametersToCome: Self.operationParametersToCome
        ) { handler, call throws(Problem) in try handler.operateOnWorkers(call) },
        Route("GET", "/v1/operations", role: .read, parameters: ["limit"]) { handler, call throws(Problem) in
            try handler.showOperations(call)
        },
        Route("GET", "/v1/operations/{id}", role: .read, parameters: ["timeout"]) { handler, call throws(Problem) in
            try handler.showOperation(call)
        },
    ]

    private static let agent = [
        Route("GET", "/metrics", role: .monitor) { handler, call throws(Problem) in handler.showMetrics(call) },
        Route("GET", "/v1/agent", role: .monitor) { handler, call throws(Problem) in handler.showAgent(call) },
        Route("POST", "/v1/agent/shutdown", role: .admin, isLocalOnly: true, parameters: ["reason"]) {
            handler,
            call throws(Problem) in
            try handler.shutDown(call)
        },
        Route("POST", "/v1/agent/upgrade", role: .admin, isLocalOnly: true, parameters: ["reason"]) {
            handler,
            call throws(Problem) in
            try handler.upgrade(call)
        },
    ]

    private static func operation(_ action: OperationAction, parameters: [String]) -> Route {
        Route(
            "POST",
            "/v1/workers/{worker}/\(action.rawValue)",
            role: .operate,
            parameters: parameters,
            parametersToCome: parameters.contains("wait") ? Self.operationParametersToCome : []
        ) { handler, call throws(Problem) in try handler.operateOnWorker(call, action) }
    }

    /// The route of a single worker for an action; it knows which parameters the action takes. Scale has none of that form.
    static func operation(_ action: OperationAction) -> Route? {
        Self.workers.first { $0.pattern == "/v1/workers/{worker}/\(action.rawValue)" }
    }

    private static let operationParametersToCome = ["if_run", "if_running", "on_conflict", "override_hold"]

    /// Paths that belong to the API's description and not to this version: they are refused by name, so that nobody
    /// looks for a typing error.
    public static let patternsToCome = [
        "/", "/v1/check/{worker}", "/v1/workers/{worker}/hold", "/v1/reload",
    ]
}
