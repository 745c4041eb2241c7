/// What the agent says, as the keeper reads it. An announcement lies in the buffer that was read.
enum AgentMessage {
    case hello(generation: Int64)
    case announce(AnnouncementOutline)
    /// What is known of an announced run has changed; its descriptors stay.
    case update(AnnouncementOutline)
    case committed(RunKey)
    case forget(RunKey)
    case alive
    case ready
    case reloading
    case shuttingDown
    case upgradeRequest
    case leaving(Leaving)
    /// An eventfd that is written a moment after something was said: the socket itself need not be watched any more.
    case bell
    /// What `upgradeDone` said is written down.
    case upgradeConfirmed

    /// Why the agent is about to end.
    enum Leaving: Equatable {
        /// On purpose: the keeper ends with this code too.
        case ended(code: UInt8)
        /// To be replaced by the binary that an upgrade request found.
        case replaced
    }

    enum Kind: UInt8, CaseIterable {
        case hello = 1
        case announce = 2
        case committed = 3
        case forget = 4
        case alive = 5
        case ready = 6
        case reloading = 7
        case shuttingDown = 8
        case upgradeRequest = 9
        case leaving = 10
        case update = 11
        case bell = 12
        case upgradeConfirmed = 13
    }

    /// - Parameter descriptors: how many came with it; `nil` when some were lost on the way.
    init(_ bytes: UnsafeRawBufferPointer, descriptors: Int? = 0) throws(HandoverError) {
        var reader = MessageReader(bytes)
        let type = try reader.header()
        guard let kind = Kind(rawValue: type) else { throw .unknownType(type) }
        switch kind {
        case .hello: self = .hello(generation: try reader.number(Int64.self))
        case .announce: self = .announce(try AnnouncementOutline(from: &reader))
        case .update: self = .update(try AnnouncementOutline(from: &reader))
        case .committed: self = .committed(try reader.run())
        case .forget: self = .forget(try reader.run())
        case .alive: self = .alive
        case .ready: self = .ready
        case .reloading: self = .reloading
        case .shuttingDown: self = .shuttingDown
        case .upgradeRequest: self = .upgradeRequest
        case .leaving: self = .leaving(try Self.leaving(&reader))
        case .bell: self = .bell
        case .upgradeConfirmed: self = .upgradeConfirmed
        }
        try reader.end()
        if let descriptors, !self.allows(descriptors: descriptors) {
            throw .descriptors
        }
    }

    private static func leaving(_ reader: inout MessageReader) throws(HandoverError) -> Leaving {
        let isReplaced = try reader.flag("replaced")
        let code = try reader.number(UInt8.self)
        return isReplaced ? .replaced : .ended(code: code)
    }

    /// An announcement has its pidfd and its pipes, a bell is one, whatever else has nothing.
    private func allows(descriptors: Int) -> Bool {
        switch self {
        case .announce(let outline): descriptors == outline.pipes.count + 1
        case .bell: descriptors == 1
        default: descriptors == 0
        }
    }

    // MARK: Writing

    static func hello(_ generation: Int64) -> [UInt8] {
        var writer = MessageWriter(type: Kind.hello.rawValue)
        writer.number(generation)
        return writer.finish()
    }

    static func announce(_ announcement: RunAnnouncement) -> [UInt8] {
        var writer = MessageWriter(type: Kind.announce.rawValue)
        announcement.write(to: &writer)
        return writer.finish()
    }

    static func update(_ announcement: RunAnnouncement) -> [UInt8] {
        var writer = MessageWriter(type: Kind.update.rawValue)
        announcement.write(to: &writer)
        return writer.finish()
    }

    static func committed(_ run: RunKey) -> [UInt8] {
        self.about(run, .committed)
    }

    static func forget(_ run: RunKey) -> [UInt8] {
        self.about(run, .forget)
    }

    private static func about(_ run: RunKey, _ kind: Kind) -> [UInt8] {
        var writer = MessageWriter(type: kind.rawValue)
        writer.run(run)
        return writer.finish()
    }

    /// `alive`, `ready`, `reloading`, `shuttingDown`, `upgradeRequest`, `bell` and `upgradeConfirmed`.
    static func plain(_ kind: Kind) -> [UInt8] {
        MessageWriter(type: kind.rawValue).finish()
    }

    static func leaving(_ leaving: Leaving) -> [UInt8] {
        var writer = MessageWriter(type: Kind.leaving.rawValue)
        switch leaving {
        case .ended(let code):
            writer.flag(false)
            writer.number(code)
        case .replaced:
            writer.flag(true)
            writer.number(UInt8(0))
        }
        return writer.finish()
    }
}
