import Keeper
import LinuxSystem
import Supervision
import Testing

@testable import Agent

/// What the keeper holds of a run comes back as it was given.
@Suite struct CustodyNoteTests {
    private let now = Moment(
        monotonic: SuspendingClock.now,
        wall: Timestamp(nanosecondsSinceEpoch: 1_700_000_000_000_000_000)
    )

    private func id(_ number: UInt64) -> UUIDv7 {
        UUIDv7(high: 0x0190_0000_0000_7000 + number, low: 0x8000_0000_0000_0000 + number)
    }

    private var note: RunNote {
        RunNote(
            instance: InstanceID(worker: "web", index: 3),
            runID: self.id(1),
            startedAt: Moment(monotonic: self.now.monotonic.advanced(by: .seconds(-90)), wall: self.now.wall),
            readyAt: Timestamp(nanosecondsSinceEpoch: 1_700_000_000_500_000_000),
            sent: [RunNote.Sent(signal: .hangup, requestedBy: "uid:0", operationID: self.id(2))],
            ending: RunNote.Ending(
                startsAgain: true,
                requestedBy: "token:deploy",
                operationID: self.id(3),
                toldAt: self.now.monotonic.advanced(by: .seconds(-5)),
                deadline: self.now.monotonic.advanced(by: .seconds(5)),
                kill: .afterGrace,
                killedAfter: .milliseconds(1500)
            ),
            replaced: RunNote.Replaced(
                runID: self.id(4),
                decision: ExitDecision(action: .giveUp, delay: .milliseconds(250), consecutiveFailures: 7)
            ),
            isAutomatic: true
        )
    }

    @Test func everythingComesBack() {
        let custody = CustodyNote(self.note, mergesError: true, outOfMemoryKills: 12)
        let read = CustodyNote(custody.announcement(pid: 4242, pipes: [.standardOutput]), at: self.now)
        #expect(read == custody)
        #expect(custody.announcement(pid: 4242, pipes: []).bytes.count <= RunAnnouncement.maximumBytes)
    }

    @Test func aNoteOfNothingButAStartComesBack() {
        let custody = CustodyNote(
            RunNote(
                instance: InstanceID(worker: "web", index: 0),
                runID: self.id(1),
                startedAt: self.now
            )
        )
        #expect(CustodyNote(custody.announcement(pipes: []), at: self.now) == custody)
    }

    @Test func tooMuchIsCutAndFits() {
        var note = self.note
        note.ending?.requestedBy = String(repeating: "ä", count: 300)
        note.sent = (1...20).map { number in
            RunNote.Sent(
                signal: Signal(number % 31 + 1),
                requestedBy: String(repeating: "x", count: 300),
                operationID: self.id(9)
            )
        }
        let announcement = CustodyNote(note).announcement(pipes: [.standardOutput, .standardError, .notification])
        #expect(announcement.details.count <= RunAnnouncement.maximumDetails)
        let read = CustodyNote(announcement, at: self.now)
        #expect(read.note.sent.map(\.signal) == note.sent.suffix(3).map(\.signal))
        #expect(read.note.ending?.deadline == note.ending?.deadline)
    }

    /// Of another build, or damaged: the run goes on with what the keeper itself knows.
    @Test func detailsThatCannotBeReadAreLeftOut() {
        var announcement = CustodyNote(self.note, mergesError: true).announcement(pid: 7, pipes: [])
        for length in 0..<announcement.details.count {
            var shorter = announcement
            shorter.details = Array(announcement.details.prefix(length))
            let read = CustodyNote(shorter, at: self.now)
            #expect(read.note.runID == self.note.runID && read.note.instance == self.note.instance)
            #expect(read.note.ending == nil && read.note.sent.isEmpty && !read.mergesError)
            #expect(read.note.replaced == self.note.replaced)
        }
        announcement.details[0] = 99
        #expect(CustodyNote(announcement, at: self.now).note.ending == nil)
    }
}
