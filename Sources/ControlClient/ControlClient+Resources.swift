public import ControlMessages

/// What is asked of an operation besides its action.
public struct OperationOptions: Equatable, Sendable {
    /// Answer at once instead of when it is done.
    public var isDetached = false
    /// One slot of a single worker.
    public var instance: Int?
    /// Durations as the API takes them, such as `30s`.
    public var timeout: String?
    public var grace: String?
    public var observe: String?
    public var reason: String?
    /// What is decided outlives a reboot, too.
    public var isPersistent = false

    public init() {}

    var query: [(name: String, value: String)] {
        parameters([
            ("wait", self.isDetached ? "none" : nil),
            ("instance", self.instance.map(String.init)),
            ("timeout", self.timeout),
            ("grace", self.grace),
            ("observe", self.observe),
            ("reason", self.reason),
            ("persist", self.isPersistent ? "true" : nil),
        ])
    }
}

/// Which exits are asked for.
public struct ExitFilter: Equatable, Sendable {
    public var worker: String?
    public var cause: String?
    /// A duration such as `1h`, or a time.
    public var since: String?
    public var after: Int64?
    public var limit: Int?
    /// How long to wait for one, in whole seconds.
    public var waitSeconds: Int?

    public init() {}

    var query: [(name: String, value: String)] {
        parameters([
            ("worker", self.worker),
            ("cause", self.cause),
            ("since", self.since),
            ("after", self.after.map(String.init)),
            ("limit", self.limit.map(String.init)),
            ("timeout", self.waitSeconds.map { "\($0)s" }),
        ])
    }
}

/// The parameters that have a value, in their order.
private func parameters(_ all: [(name: String, value: String?)]) -> [(name: String, value: String)] {
    all.compactMap { parameter in parameter.value.map { (parameter.name, $0) } }
}

extension ControlRequest {
    /// How much longer than the agent a client waits for what the agent was told to wait for.
    public static let patience = Duration.seconds(10)

    /// GET /v1/workers. With `after` it waits until the revision is another one, `waitSeconds` at most.
    public static func workers(_ names: [String] = [], after: Int64? = nil, waitSeconds: Int? = nil) -> ControlRequest {
        var query: [(name: String, value: String)] = []
        if !names.isEmpty {
            query.append(("workers", names.joined(separator: ",")))
        }
        if let after {
            query.append(("after", String(after)))
        }
        if let waitSeconds {
            query.append(("timeout", "\(waitSeconds)s"))
        }
        return ControlRequest("GET", "/v1/workers", query: query, timeout: Self.timeout(waitSeconds))
    }

    public static func worker(_ name: String) -> ControlRequest {
        ControlRequest("GET", Self.path("v1", "workers", name))
    }

    public static func exits(_ filter: ExitFilter) -> ControlRequest {
        ControlRequest("GET", "/v1/exits", query: filter.query, timeout: Self.timeout(filter.waitSeconds))
    }

    public static func agent() -> ControlRequest {
        ControlRequest("GET", "/v1/agent")
    }

    /// GET /v1/operations/{id}; with `waitSeconds` it waits for the end.
    public static func operation(_ id: String, waitSeconds: Int? = nil) -> ControlRequest {
        ControlRequest(
            "GET",
            Self.path("v1", "operations", id),
            query: waitSeconds.map { [("timeout", "\($0)s")] } ?? [],
            timeout: Self.timeout(waitSeconds)
        )
    }

    /// POST /v1/workers/{worker}/start, stop or restart. The agent knows how long it may take: no limit of ours.
    public static func perform(_ action: String, worker: String, options: OperationOptions) -> ControlRequest {
        ControlRequest(
            "POST",
            Self.path("v1", "workers", worker, action),
            query: options.query,
            timeout: options.isDetached ? Self.defaultTimeout : nil
        )
    }

    /// POST /v1/operations, for several workers in the order of their dependencies.
    public static func perform(
        _ action: String,
        workers: OperationRequestMessage.Workers,
        options: OperationOptions
    ) throws(ControlClientError) -> ControlRequest {
        let message = OperationRequestMessage(action: action, workers: workers)
        let body: [UInt8]
        do {
            body = try ContractEncoder.encode(message)
        } catch {
            throw .invalidRequest("\(error)")
        }
        return ControlRequest(
            "POST",
            "/v1/operations",
            query: options.query,
            body: body,
            timeout: options.isDetached ? Self.defaultTimeout : nil
        )
    }

    /// PUT /v1/workers/{worker}/instances.
    public static func scale(worker: String, to count: Int, options: OperationOptions) -> ControlRequest {
        ControlRequest(
            "PUT",
            Self.path("v1", "workers", worker, "instances"),
            query: [(name: "count", value: String(count))] + options.query,
            timeout: options.isDetached ? Self.defaultTimeout : nil
        )
    }

    public static func signal(
        _ signal: String,
        worker: String,
        instance: Int? = nil,
        group: Bool = false
    ) -> ControlRequest {
        var query = [(name: "signal", value: signal)]
        if group {
            query.append(("scope", "group"))
        }
        if let instance {
            query.append(("instance", String(instance)))
        }
        return ControlRequest("POST", Self.path("v1", "workers", worker, "signal"), query: query)
    }

    public static func reset(worker: String) -> ControlRequest {
        ControlRequest("POST", Self.path("v1", "workers", worker, "reset"))
    }

    public static func shutdown() -> ControlRequest {
        ControlRequest("POST", "/v1/agent/shutdown")
    }

    public static func upgrade(reason: String? = nil) -> ControlRequest {
        ControlRequest("POST", "/v1/agent/upgrade", query: parameters([("reason", reason)]))
    }

    private static func timeout(_ waitSeconds: Int?) -> Duration {
        waitSeconds.map { .seconds($0) + Self.patience } ?? Self.defaultTimeout
    }
}

extension ControlClient {
    /// Sends a request and reads the message of its answer; the agent's problem is thrown.
    public func fetch<Message: Decodable>(
        _ type: Message.Type,
        _ request: ControlRequest
    ) throws(ControlClientError) -> Message {
        try self.send(request).message(type)
    }

    public func workers(_ names: [String] = []) throws(ControlClientError) -> WorkersMessage {
        try self.fetch(WorkersMessage.self, .workers(names))
    }

    public func worker(_ name: String) throws(ControlClientError) -> WorkerMessage {
        try self.fetch(WorkerMessage.self, .worker(name))
    }

    public func exits(_ filter: ExitFilter = ExitFilter()) throws(ControlClientError) -> ExitsMessage {
        try self.fetch(ExitsMessage.self, .exits(filter))
    }

    public func agent() throws(ControlClientError) -> AgentMessage {
        try self.fetch(AgentMessage.self, .agent())
    }

    public func operation(_ id: String, waitSeconds: Int? = nil) throws(ControlClientError) -> OperationMessage {
        try self.fetch(OperationMessage.self, .operation(id, waitSeconds: waitSeconds))
    }

    public func perform(
        _ action: String,
        worker: String,
        options: OperationOptions = OperationOptions()
    ) throws(ControlClientError) -> OperationMessage {
        try self.fetch(OperationMessage.self, .perform(action, worker: worker, options: options))
    }
}
