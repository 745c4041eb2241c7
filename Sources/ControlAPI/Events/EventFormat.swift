internal import ControlMessages

/// How events are written to a client.
enum EventFormat: String, CaseIterable {
    /// Server-sent events (WHATWG HTML, section 9.2): what a browser's EventSource takes.
    case sse
    /// One JSON object a line.
    case ndjson

    var contentType: String {
        switch self {
        case .sse: "text/event-stream"
        case .ndjson: "application/x-ndjson"
        }
    }

    /// What says that the stream is alive: everybody passes over it.
    var heartbeat: [UInt8] {
        switch self {
        case .sse: Array(": nothing new\n\n".utf8)
        case .ndjson: [UInt8(ascii: "\n")]
        }
    }

    /// The first words, so that something comes at once, whatever stands between the agent and its client.
    func greeting(after id: Int64) -> [UInt8] {
        switch self {
        case .sse: Array(": after \(id)\n\n".utf8)
        case .ndjson: []
        }
    }

    func frame(_ message: EventMessage) -> [UInt8] {
        let json = Answer.encode(message)
        switch self {
        case .sse:
            // JSON holds no line break, so that one line of data is all of it.
            let id = message.id.map { "id: \($0)\n" } ?? ""
            return Array("\(id)event: \(message.type)\ndata: ".utf8) + json + Array("\n\n".utf8)
        case .ndjson: return json + [UInt8(ascii: "\n")]
        }
    }
}
