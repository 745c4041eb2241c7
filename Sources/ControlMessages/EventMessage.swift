/// Something that happened, as GET /v1/events tells it.
public struct EventMessage: Codable, Equatable, Sendable {
    /// Rises by one from event to event; `null` for `lagged`, which is about the stream itself.
    public var id: Int64?
    public var at: String
    /// Such as `instance.state`. Clients must bear new ones.
    public var type: String
    public var worker: String?
    public var instance: Int?
    public var runID: String?
    public var from: String?
    public var to: String?
    public var exitSeq: Int64?
    public var operationID: String?
    /// A sentence for people.
    public var text: String

    public enum CodingKeys: String, CodingKey {
        case id, at, type, worker, instance
        case runID = "run_id"
        case from, to
        case exitSeq = "exit_seq"
        case operationID = "operation_id"
        case text
    }

    /// The type of the last event of a client that did not read.
    public static let lagged = "lagged"

    public init(
        id: Int64?,
        at: String,
        type: String,
        worker: String? = nil,
        instance: Int? = nil,
        runID: String? = nil,
        from: String? = nil,
        to: String? = nil,
        exitSeq: Int64? = nil,
        operationID: String? = nil,
        text: String
    ) {
        self.id = id
        self.at = at
        self.type = type
        self.worker = worker
        self.instance = instance
        self.runID = runID
        self.from = from
        self.to = to
        self.exitSeq = exitSeq
        self.operationID = operationID
        self.text = text
    }
}
