import Glibc
import LinuxSystem
import Supervision
import TestSupport
import Testing

@testable import Output

@Suite struct IndexTests {
    @Test func aRecordIsReadAsItWasWritten() {
        let records = [
            IndexRecord(offset: 7, at: PumpHarness.start, .file(inode: .max)),
            IndexRecord(offset: .max / 4, at: Timestamp(nanosecondsSinceEpoch: -1), .run(PumpHarness.run(3))),
            IndexRecord(offset: 0, at: PumpHarness.start, .run(nil)),
            IndexRecord(offset: 9, at: PumpHarness.start, .time(last: PumpHarness.start)),
        ]
        var bytes: [UInt8] = []
        for record in records {
            record.append(to: &bytes)
        }
        #expect(bytes.count == 4 * IndexRecord.size)
        let read = bytes.withUnsafeBytes { buffer in
            (0..<4).map { IndexRecord(buffer, at: $0 * IndexRecord.size) }
        }
        #expect(read == records)
    }

    /// Whatever follows such a position would be counted beyond 64 bits.
    @Test func aPositionThatCannotBeIsNoRecord() {
        var bytes: [UInt8] = []
        IndexRecord(offset: .max - 10, at: PumpHarness.start, .file(inode: 7)).append(to: &bytes)
        #expect(bytes.withUnsafeBytes { IndexRecord($0, at: 0) } == nil)
    }

    @Test func everyDamagedBitIsNoticed() {
        var bytes: [UInt8] = []
        IndexRecord(offset: 5, at: PumpHarness.start, .run(PumpHarness.run(3))).append(to: &bytes)
        for bit in 0..<(8 * bytes.count) {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << (bit % 8)
            #expect(damaged.withUnsafeBytes { IndexRecord($0, at: 0) } == nil, "bit \(bit)")
        }
    }

    @Test(arguments: ["cut", "overwritten", "removed", "a link", "longer"])
    func aDamagedIndexCostsNoOutput(how: String) throws {
        let harness = try PumpHarness(CapturePolicy(maximumSize: 20, keepFiles: 9))
        for number in 1...5 {
            try harness.runOnce(number, "number \(number)\n")
        }
        let path = harness.directory.file("logs/web/0.stdout.index")
        let size = harness.bytes("0.stdout.index").count
        switch how {
        case "cut": #expect(truncate(path, off_t(size - 10)) == 0)
        case "longer": #expect(truncate(path, off_t(size + 17)) == 0)
        case "overwritten":
            let number = open(path, O_WRONLY)
            #expect(pwrite(number, "damage", 6, 50) == 6)
            close(number)
        case "a link":
            unlink(path)
            symlink("/dev/null", path)
        default: unlink(path)
        }
        try harness.dieAndComeBack()
        try harness.runOnce(6, "number 6\n")
        try harness.runOnce(7, "number 7\n")
        let all = (1...7).map { "number \($0)\n" }.joined()
        #expect(text(harness.all()) == all)
        if how != "overwritten" {
            #expect(text(harness.read()) == all)
        }
        #expect(harness.notices.contains(.indexDamaged(harness.sink().id)) == (how == "overwritten"))
        #expect(text(harness.read(of: PumpHarness.run(7))) == "number 7\n")
        #expect((harness.sink().index.failure != nil) == (how == "a link"))
        guard how != "a link" else { return }
        try harness.dieAndComeBack()
        #expect(text(harness.read(of: PumpHarness.run(6))) == "number 6\n")
        #expect(harness.bytes("0.stdout.index").count % IndexRecord.size == 0)
    }

    @Test func anIndexThatWasRemovedWhileItWasInUseIsWrittenAgain() throws {
        let harness = try PumpHarness()
        try harness.runOnce(1, "one\n")
        unlink(harness.directory.file("logs/web/0.stdout.index"))
        try harness.runOnce(2, "two\n")
        try harness.dieAndComeBack()
        #expect(text(harness.read(of: PumpHarness.run(1))) == "one\n")
        #expect(text(harness.read(of: PumpHarness.run(2))) == "two\n")
    }

    @Test func itsSizeIsBounded() throws {
        let harness = try PumpHarness()
        let bound = OutputLimits.indexRecords * IndexRecord.size
        for number in 1...(OutputLimits.indexRecords * 2) {
            try harness.runOnce(number, "\(number)\n")
            harness.advance(by: .seconds(1))
        }
        #expect(harness.bytes("0.stdout.index").count <= bound)
        let last = OutputLimits.indexRecords * 2
        for number in [last - 900, last] {
            #expect(text(harness.read(of: PumpHarness.run(number))) == "\(number)\n")
        }
        #expect(harness.read(of: PumpHarness.run(1)) == [])
        let map = harness.sink().map(at: harness.now.monotonic)
        #expect(map.start == 0)
        // Whatever was put together, no time is said to be later than it was.
        let hour = PumpHarness.start.advanced(by: .seconds(3600))
        let offset = try #require(map.contents.offset(since: hour))
        let exact = (1..<3601).reduce(0) { $0 + "\($1)\n".utf8.count }
        #expect(offset <= UInt64(exact))
    }

    @Test func whenOutputCameIsKnownToTheSecond() throws {
        let harness = try PumpHarness()
        let writer = try harness.begin(1)
        for second in 0..<100 {
            writer.write("line \(second)\n")
            harness.settle()
            harness.advance(by: .milliseconds(1000))
        }
        _ = harness.end(writer)
        try harness.dieAndComeBack()
        let map = harness.sink().map(at: harness.now.monotonic)
        let since = try #require(map.contents.offset(since: PumpHarness.start.advanced(by: .seconds(50))))
        #expect(since == UInt64((0..<50).reduce(0) { $0 + "line \($1)\n".utf8.count }))
    }

    @Test func whenEarlierOutputCameIsKnownToAnotherAgentThatWrites() throws {
        let harness = try PumpHarness()
        for second in 0..<10 {
            try harness.runOnce(second, "line \(second)\n")
            harness.advance(by: .seconds(2))
            _ = harness.pump.sweep(at: harness.now)
            try harness.dieAndComeBack()
        }
        let map = harness.sink().map(at: harness.now.monotonic)
        for second in 0..<10 {
            let time = PumpHarness.start.advanced(by: .seconds(2 * second))
            #expect(map.contents.offset(since: time) == UInt64(7 * second), "line \(second)")
        }
    }
}
