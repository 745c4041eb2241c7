internal import ControlMessages
internal import Output
internal import Supervision

/// Turns pages of output into the bytes of an answer.
struct LogBody {
    enum Format: String, CaseIterable {
        /// The bytes that the workers wrote, with lines of the agent's own where some are missing.
        case text
        /// A JSON object a line.
        case ndjson
    }

    /// Bytes that are made at once.
    static let piece = 64 << 10

    let format: Format
    private var missed: [(key: StreamID, value: UInt64)] = []
    private var chunks: ArraySlice<OutputChunk> = []
    /// How much of the first chunk was handed out.
    private var start = 0
    /// The stream that wrote last, and whether it is in the middle of a line.
    private var last: StreamID?
    private var isInLine = false

    init(_ format: Format) {
        self.format = format
    }

    /// What stands before everything else.
    func beginning(at positions: [StreamID: UInt64]) -> [UInt8] {
        switch self.format {
        case .text: []
        case .ndjson: Self.note(.begin, nil, LogPosition.format(positions))
        }
    }

    /// What says that there is no news; a text has no words for it.
    var heartbeat: [UInt8]? {
        switch self.format {
        case .text: nil
        case .ndjson: [UInt8(ascii: "\n")]
        }
    }

    /// Takes the next page, after all of the one before was handed out.
    mutating func add(_ page: OutputPage) {
        assert(self.chunks.isEmpty, "a page is not handed out yet")
        self.missed = page.missed.sorted { $0.key < $1.key }
        self.chunks = page.chunks[...]
        self.start = 0
    }

    /// The bytes that follow, about `piece` at most; `nil` when nothing is left of the page. One at a time, because short
    /// lines become many times larger here.
    mutating func next() -> [UInt8]? {
        var bytes: [UInt8] = []
        for (id, count) in self.missed {
            let what = "\(count) bytes of \(id) are no longer kept"
            switch self.format {
            case .text: self.appendRemark(what, to: &bytes)
            case .ndjson: bytes += Self.note(.missed, what, nil)
            }
        }
        self.missed = []
        while bytes.count < Self.piece, let chunk = self.chunks.first {
            switch self.format {
            case .text: self.append(chunk, to: &bytes)
            case .ndjson:
                guard self.appendLines(of: chunk, to: &bytes) else { return bytes }
            }
            self.chunks.removeFirst()
            self.start = 0
        }
        return bytes.isEmpty ? nil : bytes
    }

    /// The last words to a client that does not read.
    mutating func farewell(_ reason: String) -> [UInt8] {
        switch self.format {
        case .ndjson: return Self.note(.cut, reason, nil)
        case .text:
            var bytes: [UInt8] = []
            // What was dropped may have ended in the middle of a line.
            self.isInLine = true
            self.appendRemark(reason, to: &bytes)
            return bytes
        }
    }

    // MARK: Text

    /// As it was written; but where one stream follows another that is in the middle of a line, that line is ended.
    private mutating func append(_ chunk: OutputChunk, to bytes: inout [UInt8]) {
        if self.isInLine, let last = self.last, last != chunk.id {
            bytes.append(UInt8(ascii: "\n"))
        }
        bytes += chunk.bytes
        self.last = chunk.id
        self.isInLine = chunk.bytes.last != UInt8(ascii: "\n")
    }

    private mutating func appendRemark(_ text: String, to bytes: inout [UInt8]) {
        if self.isInLine {
            bytes.append(UInt8(ascii: "\n"))
        }
        bytes += Array("[reeve: \(text)]\n".utf8)
        self.isInLine = false
    }

    // MARK: NDJSON

    private static func note(_ kind: LogNoteMessage.Kind, _ text: String?, _ position: String?) -> [UInt8] {
        Answer.encode(LogNoteMessage(note: kind.rawValue, text: text, position: position)) + [UInt8(ascii: "\n")]
    }

    /// Answers whether that was all of it.
    private mutating func appendLines(of chunk: OutputChunk, to bytes: inout [UInt8]) -> Bool {
        let writer = LogLineWriter(
            time: chunk.time.map(TimestampText.format),
            worker: chunk.id.instance.worker,
            instance: chunk.id.instance.index,
            stream: chunk.id.stream.rawValue,
            runID: chunk.run.map { "\($0)" }
        )
        while self.start < chunk.bytes.count {
            guard bytes.count < Self.piece else { return false }
            let newline = chunk.bytes[self.start...].firstIndex(of: UInt8(ascii: "\n"))
            let end = newline ?? chunk.bytes.count
            let next = newline.map { $0 + 1 } ?? end
            writer.append(
                chunk.bytes[self.start..<end],
                isPartial: newline == nil,
                position: chunk.offset + UInt64(next),
                to: &bytes
            )
            self.start = next
        }
        return true
    }
}
