public import Supervision

/// Which output somebody wants to read, and from where.
public struct OutputSelection: Equatable, Sendable {
    public var worker: String
    /// One slot; `nil` for all.
    public var instance: Int?
    public var streams: Set<StandardStream>
    /// One run; `nil` for all.
    public var run: RunID?
    /// What came then or later.
    public var since: Timestamp?
    /// The last so many lines, of all selected streams together; `nil` for all that is kept.
    public var tail: Int?
    /// Whether a line is only answered when it is complete, or can become no longer.
    public var wholeLines: Bool

    public init(
        worker: String,
        instance: Int? = nil,
        streams: Set<StandardStream> = Set(StandardStream.allCases),
        run: RunID? = nil,
        since: Timestamp? = nil,
        tail: Int? = nil,
        wholeLines: Bool = true
    ) {
        self.worker = worker
        self.instance = instance
        self.streams = streams
        self.run = run
        self.since = since
        self.tail = tail
        self.wholeLines = wholeLines
    }

    func includes(_ id: StreamID) -> Bool {
        id.instance.worker == self.worker && self.streams.contains(id.stream)
            && (self.instance.map { $0 == id.instance.index } ?? true)
    }
}

/// Where a reader is. A value: whoever has it can go on from there, after a restart of the agent too.
public struct OutputCursor: Equatable, Sendable {
    public var selection: OutputSelection
    /// The position of the next byte in each stream; a stream that is missing is read from where it was when the agent
    /// began.
    public var positions: [StreamID: UInt64]
    /// What the last answer knew of each stream.
    var seen: [StreamID: UInt64] = [:]

    public init(selection: OutputSelection, positions: [StreamID: UInt64] = [:]) {
        self.selection = selection
        self.positions = positions
    }
}

/// Successive bytes of one stream that belong to one run.
public struct OutputChunk: Equatable, Sendable {
    public var id: StreamID
    /// `nil` for what the agent itself wrote, or when it is not known.
    public var run: RunID?
    /// The position of the first byte.
    public var offset: UInt64
    /// When it came, to about a second; `nil` when it is not known.
    public var time: Timestamp?
    public var bytes: [UInt8]
}

/// One answer to a reader.
public struct OutputPage: Equatable, Sendable {
    /// In the order of their time, as far as it is known; those of one stream in the order of the stream.
    public var chunks: [OutputChunk] = []
    /// Bytes of each stream that are no longer kept, of those that the reader wanted.
    public var missed: [StreamID: UInt64] = [:]
    /// From where to go on.
    public var cursor: OutputCursor
    /// Whether there is nothing more at present.
    public var isAtEnd = true
}

/// Somebody waits for more output.
public struct OutputWatch: Hashable, Sendable {
    let number: UInt64
}
