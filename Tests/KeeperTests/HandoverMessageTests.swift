import LinuxSystem
import TestSupport
import Testing

@testable import Keeper

/// The form of what keeper and agent say to each other. What is not of that form is refused, whatever it is.
@Suite struct HandoverMessageTests {
    @Test func whatTheAgentSaysIsReadAsItWasMeant() throws {
        guard case .hello(generation: 7) = try agentMessage(AgentMessage.hello(7), descriptors: 0) else {
            Issue.record("no hello")
            return
        }
        guard case .committed(Samples.run) = try agentMessage(AgentMessage.committed(Samples.run)),
            case .forget(Samples.run) = try agentMessage(AgentMessage.forget(Samples.run)),
            case .alive = try agentMessage(AgentMessage.plain(.alive)),
            case .ready = try agentMessage(AgentMessage.plain(.ready)),
            case .reloading = try agentMessage(AgentMessage.plain(.reloading)),
            case .shuttingDown = try agentMessage(AgentMessage.plain(.shuttingDown)),
            case .upgradeRequest = try agentMessage(AgentMessage.plain(.upgradeRequest)),
            case .bell = try agentMessage(AgentMessage.plain(.bell), descriptors: 1),
            case .upgradeConfirmed = try agentMessage(AgentMessage.plain(.upgradeConfirmed)),
            case .leaving(.ended(code: 143)) = try agentMessage(AgentMessage.leaving(.ended(code: 143))),
            case .leaving(.replaced) = try agentMessage(AgentMessage.leaving(.replaced))
        else {
            Issue.record("a message was read as another one")
            return
        }
    }

    @Test func anAnnouncementIsReadAsItWasMeant() throws {
        let announcement = Samples.announcement()
        let bytes = AgentMessage.announce(announcement)
        try bytes.withUnsafeBytes { bytes in
            guard case .announce(let outline) = try AgentMessage(bytes, descriptors: 3) else {
                Issue.record("no announcement")
                return
            }
            #expect(outline.run == announcement.run && outline.pid == 4242 && outline.pipes.count == 2)
            var reader = MessageReader(bytes)
            _ = try reader.header()
            #expect(try RunAnnouncement(from: &reader) == announcement)
        }
        #expect(bytes[HandoverProtocol.pidOffset..<(HandoverProtocol.pidOffset + 4)] == [0x92, 0x10, 0, 0])
    }

    @Test func theLargestAnnouncementFits() throws {
        var announcement = Samples.announcement()
        announcement.worker = String(repeating: "w", count: HandoverProtocol.maximumName)
        announcement.pipes = Array(repeating: .notification, count: HandoverProtocol.maximumPipes)
        announcement.details = Array(repeating: 0xff, count: HandoverProtocol.maximumDetails)
        let bytes = AgentMessage.announce(announcement)
        let body = Array(bytes.dropFirst(HandoverProtocol.headerLength))
        let custody = body.withUnsafeBytes {
            KeeperMessage.custody(
                exit: .ended(waitStatus: 0, usage: Samples.usage),
                isCommitted: false,
                hasProcess: true,
                pipeCount: 8,
                announcement: $0
            )
        }
        guard case .custody(let read) = try keeperMessage(custody, descriptors: 9) else {
            Issue.record("no custody")
            return
        }
        #expect(read.announcement == announcement)
    }

    @Test func whatTheKeeperSaysIsReadAsItWasMeant() throws {
        let read = try Samples.keeperMessages.map { bytes throws(HandoverError) in try keeperMessage(bytes) }
        #expect(read[0] == .welcome(Samples.welcome))
        #expect(read[1] == .welcome(KeeperWelcome(keeperPID: 1, previousEnd: .silent, upgrade: .onTrial)))
        var custody = KeeperMessage.Custody(
            announcement: Samples.announcement(),
            exit: nil,
            isCommitted: false,
            hasProcess: true,
            pipeCount: 2
        )
        #expect(read[2] == .custody(custody))
        custody.exit = .ended(waitStatus: 9, usage: Samples.usage)
        custody.isCommitted = true
        custody.hasProcess = false
        custody.pipeCount = 0
        #expect(read[3] == .custody(custody))
        #expect(read[4] == .custodyEnd(2))
        #expect(read[5] == .exited(Samples.run, .ended(waitStatus: 256, usage: nil)))
        #expect(read[6] == .exited(Samples.run, .neverExecuted) && read[7] == .exited(Samples.run, .unknown))
        #expect(read[8] == .upgradeAnswer(nil))
        #expect(read[9] == .upgradeAnswer("cannot open /x: No such file or directory"))
        #expect(read[10] == .upgradeDone)
    }

    @Test func aTextThatIsTooLongIsCutBetweenCharacters() throws {
        let text = String(repeating: "é", count: 400)
        guard case .upgradeAnswer(let read) = try keeperMessage(KeeperMessage.upgradeAnswer(text)) else {
            Issue.record("no answer")
            return
        }
        #expect(read == String(repeating: "é", count: 256))
    }

    @Test func descriptorsThatAMessageDoesNotSpeakOfAreRefused() {
        let announcement = AgentMessage.announce(Samples.announcement())
        #expect(throws: HandoverError.descriptors) { try agentMessage(announcement, descriptors: 2) }
        #expect(throws: HandoverError.descriptors) { try agentMessage(announcement, descriptors: 4) }
        #expect(throws: HandoverError.descriptors) { try agentMessage(AgentMessage.plain(.alive), descriptors: 1) }
        #expect(throws: HandoverError.descriptors) { try agentMessage(AgentMessage.plain(.bell), descriptors: 0) }
        #expect(throws: HandoverError.descriptors) { try keeperMessage(KeeperMessage.custodyEnd(0), descriptors: 1) }
        #expect(throws: HandoverError.descriptors) { try keeperMessage(KeeperMessage.transit(), descriptors: 2) }
    }

    @Test func anotherVersionAndAnUnknownTypeAreToldApart() {
        var bytes = AgentMessage.plain(.alive)
        bytes[2] = 2
        #expect(throws: HandoverError.version(2)) { try agentMessage(bytes) }
        bytes[2] = 1
        bytes[3] = 200
        #expect(throws: HandoverError.unknownType(200)) { try agentMessage(bytes) }
        bytes[0] ^= 1
        #expect(throws: HandoverError.noMessage) { try agentMessage(bytes) }
    }

    @Test(arguments: ["", "Web", "a/b", "a b", "é"])
    func aWorkerWithoutAProperNameIsRefused(name: String) {
        var announcement = Samples.announcement()
        announcement.worker = name
        #expect(throws: HandoverError.value("worker")) { try agentMessage(AgentMessage.announce(announcement)) }
    }

    // MARK: Damage

    @Test func everyPrefixIsRefused() {
        for bytes in Samples.agentMessages {
            for length in 0..<bytes.count {
                #expect(throws: HandoverError.self) { try agentMessage(Array(bytes[..<length])) }
            }
        }
        for bytes in Samples.keeperMessages {
            for length in 0..<bytes.count {
                #expect(throws: HandoverError.self) { try keeperMessage(Array(bytes[..<length])) }
            }
        }
    }

    @Test func whatFollowsAMessageIsRefused() {
        for bytes in Samples.agentMessages {
            #expect(throws: HandoverError.self) { try agentMessage(bytes + [0]) }
        }
        for bytes in Samples.keeperMessages {
            #expect(throws: HandoverError.self) { try keeperMessage(bytes + [0]) }
        }
    }

    /// Every byte in every value: the header's are all refused, of the others some are another message.
    @Test func everyByteInEveryValueIsRefusedOrRead() {
        var refused = 0
        for bytes in Samples.agentMessages + Samples.keeperMessages {
            for index in bytes.indices {
                var damaged = bytes
                for flip in 1...255 {
                    damaged[index] = bytes[index] ^ UInt8(flip)
                    let isOfAgent = (try? agentMessage(damaged)) != nil
                    let isOfKeeper = (try? keeperMessage(damaged)) != nil
                    refused += isOfAgent || isOfKeeper ? 0 : 1
                    if index < 3 || (4..<8).contains(index) {
                        #expect(!isOfAgent && !isOfKeeper)
                    }
                }
            }
        }
        #expect(refused > 10_000)
    }

    @Test func randomBytesAreRefusedOrRead() {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed of random messages: \(seed)")
        var generator = SeededGenerator(state: seed)
        for _ in 0..<50_000 {
            var bytes = (0..<Int.random(in: 0...300, using: &generator)).map { _ in
                UInt8.random(in: 0...255, using: &generator)
            }
            if bytes.count >= HandoverProtocol.headerLength {
                // A header that is right, so that the body is looked at.
                bytes[0] = 0x72
                bytes[1] = 0x76
                bytes[2] = HandoverProtocol.version
                bytes[3] = UInt8.random(in: 1...10, using: &generator) + (Bool.random(using: &generator) ? 64 : 0)
                let length = UInt32(bytes.count - HandoverProtocol.headerLength)
                for place in 0..<4 {
                    bytes[4 + place] = UInt8(truncatingIfNeeded: length >> (8 * place))
                }
            }
            _ = try? agentMessage(bytes)
            _ = try? keeperMessage(bytes)
        }
    }
}
