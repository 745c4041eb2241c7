import LinuxSystem

/// What the keeper says, as the agent reads it.
enum KeeperMessage: Equatable {
    case welcome(KeeperWelcome)
    /// The pipe that holds output on its way into a file: its descriptors, in the order of `TransitPipe.descriptors`.
    case transit
    /// A run in custody: with its pidfd, unless its exit is committed, and then its pipes.
    case custody(Custody)
    /// As many runs came.
    case custodyEnd(UInt32)
    case exited(RunKey, CustodyExit)
    /// `nil`: the binary on disk was found, the agent may leave. Else why not.
    case upgradeAnswer(String?)
    /// The agent's binary is the trusted one from now on.
    case upgradeDone

    struct Custody: Equatable {
        var announcement: RunAnnouncement
        /// `nil` while it lives, as far as the keeper knows.
        var exit: CustodyExit?
        var isCommitted: Bool
        /// A pidfd came with it, before the pipes.
        var hasProcess: Bool
        /// How many of the announced pipes came with it, the first ones; fewer when some were lost on the way.
        var pipeCount: UInt8
    }

    enum Kind: UInt8, CaseIterable {
        case welcome = 65
        case custody = 66
        case custodyEnd = 67
        case exited = 68
        case upgradeAnswer = 69
        case upgradeDone = 70
        case transit = 71
    }

    /// - Parameter descriptors: how many came with it; `nil` when some were lost on the way.
    init(_ bytes: UnsafeRawBufferPointer, descriptors: Int? = 0) throws(HandoverError) {
        var reader = MessageReader(bytes)
        let type = try reader.header()
        guard let kind = Kind(rawValue: type) else { throw .unknownType(type) }
        var expected = 0
        switch kind {
        case .welcome: self = .welcome(try KeeperWelcome(from: &reader))
        case .custody:
            let custody = try Self.custody(&reader)
            expected = Int(custody.pipeCount) + (custody.hasProcess ? 1 : 0)
            self = .custody(custody)
        case .custodyEnd: self = .custodyEnd(try reader.number(UInt32.self))
        case .exited:
            let run = try reader.run()
            self = .exited(run, try CustodyExit(from: &reader))
        case .upgradeAnswer:
            let isRefused = try reader.flag("refused")
            self = .upgradeAnswer(isRefused ? try reader.text("reason", atMost: HandoverProtocol.maximumText) : nil)
        case .upgradeDone: self = .upgradeDone
        case .transit:
            expected = TransitPipe.descriptorCount
            self = .transit
        }
        try reader.end()
        guard descriptors ?? expected == expected else { throw .descriptors }
    }

    private static func custody(_ reader: inout MessageReader) throws(HandoverError) -> Custody {
        let hasExit = try reader.flag("exit")
        let exit = hasExit ? try CustodyExit(from: &reader) : nil
        let isCommitted = try reader.flag("committed")
        let hasProcess = try reader.flag("process")
        let pipeCount = try reader.number(UInt8.self)
        let announcement = try RunAnnouncement(from: &reader)
        guard pipeCount <= announcement.pipes.count else { throw .value("pipes") }
        return Custody(
            announcement: announcement,
            exit: exit,
            isCommitted: isCommitted,
            hasProcess: hasProcess,
            pipeCount: pipeCount
        )
    }

    // MARK: Writing

    static func welcome(_ welcome: KeeperWelcome) -> [UInt8] {
        var writer = MessageWriter(type: Kind.welcome.rawValue)
        welcome.write(to: &writer)
        return writer.finish()
    }

    /// - Parameter announcement: the body of the message that announced the run, as it came.
    static func custody(
        exit: CustodyExit?,
        isCommitted: Bool,
        hasProcess: Bool,
        pipeCount: UInt8,
        announcement: UnsafeRawBufferPointer
    ) -> [UInt8] {
        var writer = MessageWriter(type: Kind.custody.rawValue)
        writer.flag(exit != nil)
        exit?.write(to: &writer)
        writer.flag(isCommitted)
        writer.flag(hasProcess)
        writer.number(pipeCount)
        writer.raw(announcement)
        return writer.finish()
    }

    static func custodyEnd(_ count: UInt32) -> [UInt8] {
        var writer = MessageWriter(type: Kind.custodyEnd.rawValue)
        writer.number(count)
        return writer.finish()
    }

    static func exited(_ run: RunKey, _ exit: CustodyExit) -> [UInt8] {
        var writer = MessageWriter(type: Kind.exited.rawValue)
        writer.run(run)
        exit.write(to: &writer)
        return writer.finish()
    }

    static func upgradeAnswer(_ refusal: String?) -> [UInt8] {
        var writer = MessageWriter(type: Kind.upgradeAnswer.rawValue)
        writer.flag(refusal != nil)
        if let refusal {
            writer.text(refusal, atMost: HandoverProtocol.maximumText)
        }
        return writer.finish()
    }

    static func upgradeDone() -> [UInt8] {
        MessageWriter(type: Kind.upgradeDone.rawValue).finish()
    }

    static func transit() -> [UInt8] {
        MessageWriter(type: Kind.transit.rawValue).finish()
    }
}
