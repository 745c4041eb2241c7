import Glibc
import LinuxSystem
import Supervision
import TestSupport
import Testing

@testable import Output

/// Much output goes through a pipe that outlives the agent.
@Suite struct TransitTests {
    private static let note = "\(PumpHarness.run(1)) stdout 0 web"

    /// What an agent leaves that is killed just when the bytes have left the run's pipe.
    private func leave(_ bytes: [UInt8], note: String = TransitTests.note, in harness: PumpHarness) throws {
        let transit = try #require(harness.transit)
        try transit.write(note: note)
        #expect(write(transit.writeEnd, bytes, bytes.count) == bytes.count)
    }

    private func lines(_ numbers: ClosedRange<Int>) -> [UInt8] {
        numbers.flatMap { Array("line \($0)\n".utf8) }
    }

    @Test func whatTheAgentBeforeLeftComesBeforeTheRest() throws {
        let harness = try PumpHarness()
        let writer = try harness.begin(1)
        writer.write(self.lines(1...10))
        harness.settle()
        try self.leave(self.lines(11...20_000), in: harness)
        writer.write(self.lines(20_001...20_010))
        let pipe = try #require(harness.sink().sources.first?.duplicate())
        try harness.dieAndComeBack()
        harness.pump.attach(
            CapturedStreams(standardOutput: pipe, standardError: nil, mergesError: false),
            of: writer.run,
            InstanceID(worker: "web", index: 0),
            harness.policy,
            at: harness.now
        )
        harness.settle()
        #expect(harness.all() == self.lines(1...20_010))
        #expect(harness.read(of: writer.run) == self.lines(1...20_010))
        #expect(harness.transit?.count == 0)
        #expect(harness.sink().bytes == UInt64(self.lines(11...20_010).count), "since this agent began")
    }

    /// Its process has ended and its pipes are closed; nobody attaches it any more.
    @Test func aRunThatIsGoneGetsItsPart() throws {
        let harness = try PumpHarness()
        try self.leave(self.lines(1...10), in: harness)
        try harness.dieAndComeBack()
        harness.pump.landTransit(at: harness.now)
        #expect(harness.all() == self.lines(1...10))
        try harness.runOnce(2, "two\n")
        #expect(harness.read(of: PumpHarness.run(1)) == self.lines(1...10))
        #expect(harness.read(of: PumpHarness.run(2)) == Array("two\n".utf8))
    }

    @Test func itIsHeldWhereItCannotBeWritten() throws {
        let harness = try PumpHarness()
        try self.leave(self.lines(1...10), in: harness)
        try harness.directory.write("", to: "logs")
        try harness.dieAndComeBack()
        let writer = try harness.begin(1)
        writer.write(self.lines(11...20))
        harness.settle()
        #expect(harness.pump.status.heldBytes == self.lines(1...10).count)
        unlink(harness.directory.file("logs"))
        harness.pump.retryAll(at: harness.now)
        _ = harness.end(writer)
        #expect(harness.all() == self.lines(1...20))
    }

    /// Not every file system can splice.
    @Test func itIsWrittenFromMemoryWhereItHasToBe() throws {
        let harness = try PumpHarness()
        try self.leave(self.lines(1...10), in: harness)
        try harness.dieAndComeBack()
        harness.sink().copies = true
        let writer = try harness.begin(1)
        writer.write(self.lines(11...30_000))
        harness.settle()
        _ = harness.end(writer)
        #expect(harness.all() == self.lines(1...30_000))
    }

    @Test(arguments: ["", "of another build", "\(PumpHarness.run(1)) stdin 0 web"])
    func whatNobodyKnowsIsCountedAsDropped(note: String) throws {
        let harness = try PumpHarness()
        try self.leave(self.lines(1...10), note: note, in: harness)
        try harness.dieAndComeBack()
        try harness.runOnce(1, "one\n")
        #expect(harness.all() == Array("one\n".utf8))
        #expect(harness.pump.status.droppedBytes == self.lines(1...10).count)
        #expect(harness.notices == [.strangersDropped(bytes: UInt64(self.lines(1...10).count))])
    }

    /// Nobody has said yet how many files are kept.
    @Test func noFileGoesForWhatTheAgentBeforeLeft() throws {
        let harness = try PumpHarness(CapturePolicy(maximumSize: 64 << 20, keepFiles: 50))
        let writer = try harness.begin(1)
        let block = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
        for _ in 0..<17 {
            writer.write(block)
            harness.settle()
        }
        for number in 1...9 {
            try harness.directory.write("\(number)", to: "logs/web/0.stdout.log.\(number)")
        }
        try self.leave(self.lines(1...10), in: harness)
        let (logs, elsewhere) = (harness.directory.file("logs"), harness.directory.file("elsewhere"))
        #expect(rename(logs, elsewhere) == 0)
        try harness.directory.write("", to: "logs")
        try harness.dieAndComeBack()
        harness.pump.landTransit(at: harness.now)
        #expect(harness.pump.isTroubled)
        unlink(logs)
        #expect(rename(elsewhere, logs) == 0)
        harness.pump.retryAll(at: harness.now)
        #expect(!harness.pump.isTroubled)
        #expect(harness.bytes("0.stdout.log").suffix(self.lines(1...10).count) == self.lines(1...10)[...])
        #expect((1...9).allSatisfy { harness.log("0.stdout.log.\($0)") == "\($0)" })
    }

    /// As the kernel gives it to a user who has too many pages in pipes.
    @Test func oneThatHoldsLittleIsNotUsed() throws {
        let transit = try TransitPipe(capacity: 4096)
        let harness = try PumpHarness(transit: transit)
        let writer = try harness.begin(1)
        writer.write(self.lines(1...50_000))
        harness.settle()
        #expect(transit.note.isEmpty)
        // What another agent left there is found all the same.
        try self.leave(self.lines(1...10), note: "\(PumpHarness.run(2)) stdout 0 web", in: harness)
        try harness.dieAndComeBack()
        harness.pump.landTransit(at: harness.now)
        #expect(harness.read(of: PumpHarness.run(2)) == self.lines(1...10))
    }

    /// The note names the stream whose bytes are in the pipe, whatever was in it before.
    @Test func streamsInTurnAreNotMixed() throws {
        let harness = try PumpHarness(CapturePolicy(maximumSize: 100_000, keepFiles: 99))
        let writers = try [harness.begin(1, index: 0), harness.begin(2, index: 1)]
        for number in 0..<20 {
            for writer in writers {
                writer.write(self.lines((number * 10_000)...(number * 10_000 + 9_999)))
            }
            harness.settle()
        }
        for (index, writer) in writers.enumerated() {
            #expect(harness.all(index: index) == self.lines(0...199_999))
            #expect(harness.end(writer).isEmpty)
            #expect(harness.transit?.note == "\(PumpHarness.run(2)) stdout 1 web")
        }
        #expect(harness.transit?.count == 0)
    }

    @Test(arguments: [false, true]) func allArrivesWithAndWithoutIt(hasTransit: Bool) throws {
        let harness = try PumpHarness(CapturePolicy(maximumSize: 300_000, keepFiles: 99), hasTransit: hasTransit)
        let writer = try harness.begin(1)
        for number in 0..<10 {
            writer.write(self.lines((number * 50_000)...(number * 50_000 + 49_999)))
            harness.settle()
        }
        _ = harness.end(writer)
        #expect(harness.all() == self.lines(0...499_999))
    }
}
