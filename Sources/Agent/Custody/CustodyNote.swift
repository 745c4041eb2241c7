import Keeper
import LinuxSystem
import Supervision

/// What the keeper holds of a run for the agent that comes next: the note, and what else can only be known by who was there.
struct CustodyNote: Equatable, Sendable {
    var note: RunNote
    /// Whether standard error comes by the pipe of standard output.
    var mergesError = false
    /// How many processes the kernel had killed for want of memory, in all, when the run was asked for; `nil` when that is not known.
    var outOfMemoryKills: Int64?

    /// The form of `details`. Another one is of another build: then the run goes on with what the keeper's own fields say.
    private static let version: UInt8 = 1
    /// The newest signals that somebody sent by name.
    private static let maximumSent = 3
    /// Of a requester's name, in bytes.
    private static let maximumName = 128

    init(_ note: RunNote, mergesError: Bool = false, outOfMemoryKills: Int64? = nil) {
        self.note = note
        self.mergesError = mergesError
        self.outOfMemoryKills = outOfMemoryKills
    }

    // MARK: To the keeper

    func announcement(pid: Int32 = 0, pipes: [RunAnnouncement.Pipe]) -> RunAnnouncement {
        RunAnnouncement(
            run: RunKey(self.note.runID),
            pid: pid,
            worker: self.note.instance.worker,
            instance: UInt32(self.note.instance.index),
            startedAt: self.note.startedAt.wall.nanosecondsSinceEpoch,
            replaces: self.note.replaced.map { replaced in
                RunAnnouncement.Replaced(
                    run: RunKey(replaced.runID),
                    action: replaced.decision.action.number,
                    delayNanoseconds: max(0, replaced.decision.delay.nanoseconds),
                    consecutiveFailures: UInt32(clamping: replaced.decision.consecutiveFailures)
                )
            },
            pipes: pipes,
            details: self.details
        )
    }

    private var details: [UInt8] {
        var writer = MessageWriter()
        writer.number(Self.version)
        writer.number(MonotonicClock.nanoseconds(of: self.note.startedAt.monotonic))
        writer.flag(self.note.isAutomatic)
        writer.flag(self.mergesError)
        writer.number(self.outOfMemoryKills ?? -1)
        writer.number(self.note.readyAt?.nanosecondsSinceEpoch ?? .min)
        let sent = self.note.sent.suffix(Self.maximumSent)
        writer.number(UInt8(sent.count))
        for signal in sent {
            writer.number(UInt8(truncatingIfNeeded: signal.signal.number))
            Self.write(signal.requestedBy, signal.operationID, to: &writer)
        }
        writer.flag(self.note.ending != nil)
        if let ending = self.note.ending {
            writer.flag(ending.startsAgain)
            Self.write(ending.requestedBy, ending.operationID, to: &writer)
            writer.number(MonotonicClock.nanoseconds(of: ending.toldAt))
            writer.number(MonotonicClock.nanoseconds(of: ending.deadline))
            writer.number(UInt8(ending.kill.rawValue))
            writer.number(ending.killedAfter?.nanoseconds ?? -1)
        }
        return writer.written
    }

    private static func write(_ requester: String, _ operation: OperationID?, to writer: inout MessageWriter) {
        writer.text(requester, atMost: Self.maximumName)
        writer.flag(operation != nil)
        if let operation {
            writer.run(RunKey(operation))
        }
    }

    // MARK: From the keeper

    /// What an announcement says. Details that cannot be read are left out; the run itself is known without them.
    init(_ announcement: RunAnnouncement, at now: Moment) {
        let startedAt = Timestamp(nanosecondsSinceEpoch: announcement.startedAt)
        // Without the details: by the wall clock, which may have been set since.
        let age = startedAt.duration(to: now.wall)
        var note = RunNote(
            instance: InstanceID(worker: announcement.worker, index: Int(announcement.instance)),
            runID: RunID(announcement.run),
            startedAt: Moment(monotonic: now.monotonic.advanced(by: .zero - max(.zero, age)), wall: startedAt)
        )
        note.replaced = announcement.replaces.map { replaces in
            RunNote.Replaced(
                runID: RunID(replaces.run),
                decision: ExitDecision(
                    action: ExitDecision.Action(number: replaces.action) ?? .restart,
                    delay: .nanoseconds(replaces.delayNanoseconds),
                    consecutiveFailures: Int(replaces.consecutiveFailures)
                )
            )
        }
        self.init(note)
        announcement.details.withUnsafeBytes { bytes in
            var reader = MessageReader(bytes)
            var read = self
            if (try? read.readDetails(&reader)) != nil {
                self = read
            }
        }
    }

    private mutating func readDetails(_ reader: inout MessageReader) throws(HandoverError) {
        guard try reader.number(UInt8.self) == Self.version else { throw .value("details") }
        self.note.startedAt.monotonic = MonotonicClock.instant(nanoseconds: try reader.number(Int64.self))
        self.note.isAutomatic = try reader.flag("automatic")
        self.mergesError = try reader.flag("merges error")
        let kills = try reader.number(Int64.self)
        self.outOfMemoryKills = kills < 0 ? nil : kills
        let readyAt = try reader.number(Int64.self)
        self.note.readyAt = readyAt == .min ? nil : Timestamp(nanosecondsSinceEpoch: readyAt)
        let count = try reader.number(UInt8.self)
        guard count <= Self.maximumSent else { throw .value("sent") }
        for _ in 0..<count {
            let signal = Signal(Int32(try reader.number(UInt8.self)))
            guard signal.isValid else { throw .value("signal") }
            let (requester, operation) = try Self.requester(&reader)
            self.note.sent.append(RunNote.Sent(signal: signal, requestedBy: requester, operationID: operation))
        }
        if try reader.flag("ending") {
            self.note.ending = try Self.ending(&reader)
        }
        try reader.end()
    }

    private static func ending(_ reader: inout MessageReader) throws(HandoverError) -> RunNote.Ending {
        let startsAgain = try reader.flag("starts again")
        let (requester, operation) = try Self.requester(&reader)
        let toldAt = MonotonicClock.instant(nanoseconds: try reader.number(Int64.self))
        let deadline = MonotonicClock.instant(nanoseconds: try reader.number(Int64.self))
        guard let kill = RunNote.Ending.Kill(rawValue: Int(try reader.number(UInt8.self))) else {
            throw .value("kill")
        }
        let killedAfter = try reader.number(Int64.self)
        return RunNote.Ending(
            startsAgain: startsAgain,
            requestedBy: requester,
            operationID: operation,
            toldAt: toldAt,
            deadline: deadline,
            kill: kill,
            killedAfter: killedAfter < 0 ? nil : .nanoseconds(killedAfter)
        )
    }

    private static func requester(_ reader: inout MessageReader) throws(HandoverError) -> (String, OperationID?) {
        let name = try reader.text("requester", atMost: Self.maximumName)
        return (name, try reader.flag("operation") ? OperationID(try reader.run()) : nil)
    }
}

extension RunKey {
    init(_ id: UUIDv7) {
        self.init(high: id.high, low: id.low)
    }
}

extension UUIDv7 {
    init(_ key: RunKey) {
        self.init(high: key.high, low: key.low)
    }
}

extension ExitDecision.Action {
    /// Its number in an announcement.
    fileprivate var number: UInt8 {
        switch self {
        case .restart: 1
        case .stayDown: 2
        case .giveUp: 3
        case .hold: 4
        }
    }

    fileprivate init?(number: UInt8) {
        guard let action = Self.allCases.first(where: { $0.number == number }) else { return nil }
        self = action
    }
}
