/// Which output of a worker is asked for.
public struct LogsFilter: Equatable, Sendable {
    public var worker: String
    public var instance: Int?
    /// `both`, `stdout` or `stderr`.
    public var stream: String?
    /// The last so many lines, or `all`.
    public var tail: String?
    /// A duration such as `1h`, or a time.
    public var since: String?
    public var runID: String?
    /// Where to go on: what the lines that came say of it.
    public var after: String?
    public var follows = false

    public init(worker: String) {
        self.worker = worker
    }
}

extension ControlRequest {
    /// GET /v1/workers/{worker}/logs, as lines of JSON.
    public static func logs(_ filter: LogsFilter) -> ControlRequest {
        let query: [(name: String, value: String?)] = [
            ("format", "ndjson"),
            ("instance", filter.instance.map(String.init)),
            ("stream", filter.stream),
            ("tail", filter.tail),
            ("since", filter.since),
            ("run_id", filter.runID),
            ("after", filter.after),
            ("follow", filter.follows ? "true" : nil),
        ]
        return ControlRequest(
            "GET",
            Self.path("v1", "workers", filter.worker, "logs"),
            query: query.compactMap { parameter in parameter.value.map { (parameter.name, $0) } },
            timeout: nil
        )
    }
}
