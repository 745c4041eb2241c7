/// What the keeper tells an agent first.
public struct KeeperWelcome: Equatable, Sendable {
    /// Why this agent was started by this binary.
    public enum Upgrade: Equatable, Sendable {
        case none
        /// It is the new binary, which must say that it is ready in time.
        case onTrial
        /// The new binary did not come up, and this is the old one again.
        case rolledBack(reason: String)
    }

    /// How the agent before this one ended.
    public enum PreviousEnd: Equatable, Sendable {
        /// There was none.
        case none
        case ended(waitStatus: Int32)
        /// The keeper killed it, because it gave no sign of life.
        case silent
    }

    public var keeperPID: Int32
    /// How many agents this keeper started, this one included.
    public var starts: UInt32
    public var isInit: Bool
    /// The signal that asked for the end before this agent was there, 0 for none: it begins with its shutdown.
    public var shutdownSignal: Int32
    /// How often a sign of life is wanted.
    public var signIntervalMilliseconds: UInt32
    /// Announcements that could not be kept.
    public var lostAnnouncements: UInt32
    public var previousEnd: PreviousEnd
    public var upgrade: Upgrade

    public init(
        keeperPID: Int32,
        starts: UInt32 = 1,
        isInit: Bool = false,
        shutdownSignal: Int32 = 0,
        signIntervalMilliseconds: UInt32 = 15_000,
        lostAnnouncements: UInt32 = 0,
        previousEnd: PreviousEnd = .none,
        upgrade: Upgrade = .none
    ) {
        self.keeperPID = keeperPID
        self.starts = starts
        self.isInit = isInit
        self.shutdownSignal = shutdownSignal
        self.signIntervalMilliseconds = signIntervalMilliseconds
        self.lostAnnouncements = lostAnnouncements
        self.previousEnd = previousEnd
        self.upgrade = upgrade
    }
}

extension KeeperWelcome {
    func write(to writer: inout MessageWriter) {
        writer.number(self.keeperPID)
        writer.number(self.starts)
        writer.flag(self.isInit)
        writer.number(self.shutdownSignal)
        writer.number(self.signIntervalMilliseconds)
        writer.number(self.lostAnnouncements)
        switch self.previousEnd {
        case .none: writer.number(UInt8(0))
        case .ended(let status):
            writer.number(UInt8(1))
            writer.number(status)
        case .silent: writer.number(UInt8(2))
        }
        switch self.upgrade {
        case .none: writer.number(UInt8(0))
        case .onTrial: writer.number(UInt8(1))
        case .rolledBack(let reason):
            writer.number(UInt8(2))
            writer.text(reason, atMost: HandoverProtocol.maximumText)
        }
    }

    init(from reader: inout MessageReader) throws(HandoverError) {
        self.keeperPID = try reader.number(Int32.self)
        self.starts = try reader.number(UInt32.self)
        self.isInit = try reader.flag("init")
        self.shutdownSignal = try reader.number(Int32.self)
        guard (0...64).contains(self.shutdownSignal) else { throw .value("shutdown signal") }
        self.signIntervalMilliseconds = try reader.number(UInt32.self)
        // Between a hundredth of a second and an hour: a wrong value would be a busy loop, or an agent that is killed.
        guard (10...3_600_000).contains(self.signIntervalMilliseconds) else { throw .value("sign interval") }
        self.lostAnnouncements = try reader.number(UInt32.self)
        switch try reader.number(UInt8.self) {
        case 0: self.previousEnd = .none
        case 1: self.previousEnd = .ended(waitStatus: try reader.number(Int32.self))
        case 2: self.previousEnd = .silent
        default: throw .value("previous end")
        }
        switch try reader.number(UInt8.self) {
        case 0: self.upgrade = .none
        case 1: self.upgrade = .onTrial
        case 2: self.upgrade = .rolledBack(reason: try reader.text("reason", atMost: HandoverProtocol.maximumText))
        default: throw .value("upgrade")
        }
    }
}
