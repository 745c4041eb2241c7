/// What the keeper is told of a run when its process is created, and gives to the agent that comes after the present one.
public struct RunAnnouncement: Equatable, Sendable {
    /// The run that came before in the same slot, and what was decided when it ended. Whoever finds this announcement knows
    /// that the decision was made and carried out.
    public struct Replaced: Equatable, Sendable {
        public var run: RunKey
        /// The agent's own number for the action.
        public var action: UInt8
        public var delayNanoseconds: Int64
        public var consecutiveFailures: UInt32

        public init(run: RunKey, action: UInt8, delayNanoseconds: Int64, consecutiveFailures: UInt32) {
            self.run = run
            self.action = action
            self.delayNanoseconds = delayNanoseconds
            self.consecutiveFailures = consecutiveFailures
        }
    }

    /// What a descriptor that goes with an announcement is.
    public enum Pipe: UInt8, Sendable, CaseIterable {
        /// The ends that are read from.
        case standardOutput = 1
        case standardError = 2
        /// The socket for the worker's own notifications.
        case notification = 3
    }

    public static let maximumDetails = HandoverProtocol.maximumDetails
    public static let maximumPipes = HandoverProtocol.maximumPipes

    public var run: RunKey
    /// 0 until the child has written it.
    public var pid: Int32
    public var worker: String
    public var instance: UInt32
    /// Nanoseconds since 1970.
    public var startedAt: Int64
    public var replaces: Replaced?
    /// The descriptors that go with it, in their order; the pidfd comes before them.
    public var pipes: [Pipe]
    /// What else the next agent needs to know, in the agent's own form.
    public var details: [UInt8]

    public init(
        run: RunKey,
        pid: Int32 = 0,
        worker: String,
        instance: UInt32,
        startedAt: Int64,
        replaces: Replaced? = nil,
        pipes: [Pipe] = [],
        details: [UInt8] = []
    ) {
        self.run = run
        self.pid = pid
        self.worker = worker
        self.instance = instance
        self.startedAt = startedAt
        self.replaces = replaces
        self.pipes = pipes
        self.details = details
    }
}

extension RunAnnouncement {
    /// The longest form of `bytes`.
    public static let maximumBytes = 64 + 2 + HandoverProtocol.maximumName + 2 + maximumPipes + 2 + maximumDetails

    /// As it is kept elsewhere.
    public var bytes: [UInt8] {
        var writer = MessageWriter()
        self.write(to: &writer)
        return writer.written
    }

    /// Reads what `bytes` has; refuses all else.
    public init(_ bytes: UnsafeRawBufferPointer) throws(HandoverError) {
        var reader = MessageReader(bytes)
        try self.init(from: &reader)
        try reader.end()
    }

    func write(to writer: inout MessageWriter) {
        writer.run(self.run)
        writer.number(self.pid)
        writer.block(Array(self.worker.utf8), atMost: HandoverProtocol.maximumName)
        writer.number(self.instance)
        writer.number(self.startedAt)
        writer.flag(self.replaces != nil)
        if let replaces = self.replaces {
            writer.run(replaces.run)
            writer.number(replaces.action)
            writer.number(replaces.delayNanoseconds)
            writer.number(replaces.consecutiveFailures)
        }
        writer.block(self.pipes.map(\.rawValue), atMost: HandoverProtocol.maximumPipes)
        writer.block(self.details, atMost: HandoverProtocol.maximumDetails)
    }

    /// Reads what `write` wrote; refuses all else.
    init(from reader: inout MessageReader) throws(HandoverError) {
        let outline = try AnnouncementOutline(from: &reader)
        self.run = outline.run
        self.pid = outline.pid
        self.worker = String(decoding: outline.worker, as: UTF8.self)
        self.instance = outline.instance
        self.startedAt = outline.startedAt
        self.replaces = outline.replaces
        self.pipes = outline.pipes.compactMap(Pipe.init(rawValue:))
        self.details = Array(outline.details)
    }
}

/// An announcement as it lies in the buffer that it was read into: nothing is allocated.
struct AnnouncementOutline {
    var run: RunKey
    var pid: Int32
    var worker: UnsafeRawBufferPointer
    var instance: UInt32
    var startedAt: Int64
    var replaces: RunAnnouncement.Replaced?
    var pipes: UnsafeRawBufferPointer
    var details: UnsafeRawBufferPointer

    init(from reader: inout MessageReader) throws(HandoverError) {
        self.run = try reader.run()
        self.pid = try reader.number(Int32.self)
        guard self.pid >= 0 else { throw .value("pid") }
        self.worker = try reader.block("worker", atMost: HandoverProtocol.maximumName)
        guard !self.worker.isEmpty, self.worker.allSatisfy(Self.isOfName) else { throw .value("worker") }
        self.instance = try reader.number(UInt32.self)
        self.startedAt = try reader.number(Int64.self)
        if try reader.flag("replaces") {
            let run = try reader.run()
            let action = try reader.number(UInt8.self)
            let delay = try reader.number(Int64.self)
            guard delay >= 0 else { throw .value("delay") }
            self.replaces = RunAnnouncement.Replaced(
                run: run,
                action: action,
                delayNanoseconds: delay,
                consecutiveFailures: try reader.number(UInt32.self)
            )
        }
        self.pipes = try reader.block("pipes", atMost: HandoverProtocol.maximumPipes)
        guard self.pipes.allSatisfy({ RunAnnouncement.Pipe(rawValue: $0) != nil }) else { throw .value("pipes") }
        self.details = try reader.block("details", atMost: HandoverProtocol.maximumDetails)
    }

    /// The characters of a worker's name.
    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }
}
