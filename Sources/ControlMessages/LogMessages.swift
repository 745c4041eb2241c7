/// A line that a worker wrote, in an answer of GET /v1/workers/{worker}/logs with `format=ndjson`.
public struct LogLineMessage: Codable, Equatable, Sendable {
    /// When it came, to about a second; `nil` when that is not known.
    public var time: String?
    public var worker: String
    public var instance: Int
    /// `stdout` or `stderr`.
    public var stream: String
    /// `nil` for what the agent itself wrote, or when it is not known.
    public var runID: String?
    /// Without its newline. What is no UTF-8 in it is replaced by U+FFFD.
    public var text: String
    /// The bytes, in base64; `nil` where `text` has them all.
    public var base64: String?
    /// Whether no newline follows: it goes on in the next line of its stream, or its run ended in the middle of it.
    public var partial: Bool
    /// Where its stream goes on after it.
    public var position: String

    private enum CodingKeys: String, CodingKey {
        case time, worker, instance, stream
        case runID = "run_id"
        case text, base64, partial, position
    }

    public init(
        time: String?,
        worker: String,
        instance: Int,
        stream: String,
        runID: String?,
        text: String,
        base64: String? = nil,
        partial: Bool,
        position: String
    ) {
        self.time = time
        self.worker = worker
        self.instance = instance
        self.stream = stream
        self.runID = runID
        self.text = text
        self.base64 = base64
        self.partial = partial
        self.position = position
    }
}

/// What stands between the lines of an answer with `format=ndjson`.
public struct LogNoteMessage: Codable, Equatable, Sendable {
    public enum Kind: String, CaseIterable, Sendable {
        /// The first of all: `position` is where the answer begins.
        case begin
        /// Some output is not there any more; the text says how much of which stream.
        case missed
        /// The last of all: the client did not read, and is to ask again.
        case cut
    }

    public var note: String
    public var text: String?
    /// Of all streams.
    public var position: String?

    public init(note: String, text: String?, position: String?) {
        self.note = note
        self.text = text
        self.position = position
    }
}

/// One line of such an answer.
public enum LogMessage: Decodable, Equatable, Sendable {
    case line(LogLineMessage)
    case note(LogNoteMessage)

    private enum CodingKeys: String, CodingKey {
        case note
    }

    public init(from decoder: any Decoder) throws {
        if try decoder.container(keyedBy: CodingKeys.self).contains(.note) {
            self = .note(try LogNoteMessage(from: decoder))
        } else {
            self = .line(try LogLineMessage(from: decoder))
        }
    }
}
