/// How the output is in all, for /v1/agent and the metrics.
public struct OutputStatus: Equatable, Sendable {
    /// Why some stream cannot be written; `nil` when all is well.
    public var degraded: String?
    /// Streams that cannot be written.
    public var troubledStreams = 0
    /// Bytes that wait in memory.
    public var heldBytes = 0
    /// Bytes that were given up since the agent began.
    public var droppedBytes: UInt64 = 0

    public init() {}
}

/// How the output of one stream is.
public struct StreamStatus: Equatable, Sendable {
    public var id: StreamID
    /// Why it cannot be written; `nil` when all is well.
    public var degraded: String?
    /// Bytes that came from its runs since the agent began.
    public var bytes: UInt64
    public var heldBytes: Int
    public var droppedBytes: UInt64
}

/// What is worth a line in the agent's log.
public enum OutputNotice: Equatable, Sendable {
    /// A stream cannot be written; told once until it can.
    case degraded(StreamID, reason: String)
    /// It can be written again; how many bytes were dropped meanwhile.
    case restored(StreamID, dropped: UInt64)
    /// Where runs begin and end in the files is not known for all of them any more.
    case indexDamaged(StreamID)
    /// More ended runs than are waited for had processes that still held their output open.
    case lingeringClosed(StreamID)
    /// What an agent before had on its way is of nobody whom this one knows.
    case strangersDropped(bytes: UInt64)

    /// `nil` when it is about none.
    public var stream: StreamID? {
        switch self {
        case .degraded(let id, _), .restored(let id, _), .indexDamaged(let id), .lingeringClosed(let id): id
        case .strangersDropped: nil
        }
    }

    public var isWarning: Bool {
        guard case .restored(_, let dropped) = self else { return true }
        return dropped > 0
    }

    /// A sentence for the log.
    public var message: String {
        switch self {
        case .degraded(_, let reason):
            "\(reason); what comes waits in memory"
        case .restored(_, let dropped):
            dropped > 0 ? "it is written again; \(dropped) bytes were dropped meanwhile" : "it is written again"
        case .indexDamaged:
            "its index was damaged; of some earlier runs it is not known where their output stands"
        case .strangersDropped(let bytes):
            "\(bytes) bytes of output were dropped: the agent before had them on their way, and whose they are cannot be read"
        case .lingeringClosed:
            "an ended run's output was closed, because processes of too many ended runs still hold theirs open"
        }
    }
}
