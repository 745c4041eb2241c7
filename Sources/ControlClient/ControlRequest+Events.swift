/// Which events are asked for.
public struct EventsFilter: Equatable, Sendable {
    /// Names and globs; none for all.
    public var workers: [String] = []
    /// Types, separated by commas.
    public var types: String?
    /// A duration such as `1h`, or a time.
    public var since: String?
    public var after: Int64?
    /// Whether the stream goes on with what is to come.
    public var follows = true

    public init() {}
}

extension ControlRequest {
    /// GET /v1/events, an `EventMessage` a line; to be sent by `ControlClient.stream`.
    public static func events(_ filter: EventsFilter) -> ControlRequest {
        let all: [(name: String, value: String?)] = [
            ("after", filter.after.map(String.init)),
            ("since", filter.since),
            ("worker", filter.workers.isEmpty ? nil : filter.workers.joined(separator: ",")),
            ("type", filter.types),
            ("follow", filter.follows ? nil : "false"),
            ("format", "ndjson"),
        ]
        return ControlRequest(
            "GET",
            "/v1/events",
            query: all.compactMap { parameter in parameter.value.map { (parameter.name, $0) } },
            headers: [("Accept", "application/x-ndjson, application/problem+json")],
            timeout: nil
        )
    }
}
