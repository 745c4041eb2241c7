import Glibc
import LinuxSystem
import Supervision
import TestSupport
import Testing

@testable import Output

@Suite struct TroubleTests {
    /// As long as a second passes between tries.
    private func recover(_ harness: PumpHarness) {
        for _ in 0..<40 where harness.pump.isTroubled {
            harness.advance(by: .seconds(1))
            harness.pump.relieveAll(at: harness.now)
        }
        harness.settle()
    }

    private func degraded(_ harness: PumpHarness) -> Bool {
        harness.notices.contains {
            guard case .degraded = $0 else { return false }
            return true
        }
    }

    @Test func aFolderThatBecameASymbolicLinkIsRefusedUntilItIsNone() throws {
        let harness = try PumpHarness()
        let folder = harness.directory.file("logs/web")
        let elsewhere = harness.directory.file("elsewhere")
        let writer = try harness.begin(1)
        writer.write("one\n")
        harness.settle()
        #expect(rename(folder, elsewhere) == 0)
        #expect(symlink(elsewhere, folder) == 0)
        harness.advance(by: OutputLimits.pathInterval)
        writer.write("two\n")
        harness.settle()
        #expect(self.degraded(harness))
        #expect(harness.pump.status.degraded?.contains("symbolic link") == true)
        #expect(harness.pump.status.troubledStreams == 1)
        // Nothing was written through it, and the worker goes on.
        #expect(harness.directory.read("elsewhere/0.stdout.log") == "one\n")
        writer.write("three\n")
        unlink(folder)
        self.recover(harness)
        #expect(harness.log("0.stdout.log") == "two\nthree\n")
        #expect(harness.pump.status == OutputStatus())
        #expect(harness.notices.last == .restored(harness.sink().id, dropped: 0))
    }

    @Test func allOutputsDirectoryMayGoAndComeBack() throws {
        let harness = try PumpHarness()
        let writer = try harness.begin(1)
        writer.write("one\n")
        harness.settle()
        #expect(rename(harness.directory.file("logs"), harness.directory.file("old")) == 0)
        harness.advance(by: OutputLimits.pathInterval)
        writer.write("two\n")
        harness.settle()
        #expect(harness.log("0.stdout.log") == "two\n")

        #expect(rename(harness.directory.file("logs"), harness.directory.file("older")) == 0)
        #expect(symlink(harness.directory.file("older"), harness.directory.file("logs")) == 0)
        harness.advance(by: OutputLimits.pathInterval)
        writer.write("three\n")
        harness.settle()
        #expect(harness.pump.status.degraded?.contains("symbolic link") == true)
        unlink(harness.directory.file("logs"))
        try harness.directory.write("", to: "logs")
        self.recover(harness)
        #expect(harness.pump.status.degraded?.contains("no directory") == true)
        unlink(harness.directory.file("logs"))
        self.recover(harness)
        #expect(harness.log("0.stdout.log") == "three\n")
    }

    @Test(arguments: ["link", "directory", "fifo", "second name"])
    func aFileThatIsNoPlainFileIsRefused(kind: String) throws {
        let harness = try PumpHarness()
        let path = harness.directory.file("logs/web/0.stdout.log")
        try harness.runOnce(1, "err\n", to: .standardError)
        switch kind {
        case "link":
            try harness.directory.write("", to: "target")
            #expect(symlink(harness.directory.file("target"), path) == 0)
        case "directory": #expect(mkdir(path, 0o755) == 0)
        case "fifo": #expect(mkfifo(path, 0o640) == 0)
        default:
            try harness.directory.write("", to: "target")
            #expect(link(harness.directory.file("target"), path) == 0)
        }
        let writer = try harness.begin(2)
        writer.write("out\n")
        writer.write("more\n", to: .standardError)
        harness.settle()
        #expect(harness.pump.status.degraded?.contains(path) == true)
        // Its other stream is not concerned.
        #expect(harness.log("0.stderr.log") == "err\nmore\n")
        #expect(harness.directory.read("target") == "")
        _ = harness.end(writer)
        if kind == "directory" {
            rmdir(path)
        } else {
            unlink(path)
        }
        self.recover(harness)
        #expect(harness.log("0.stdout.log") == "out\n")
        #expect(text(harness.read(of: writer.run)) == "out\n")
    }

    /// More than a pipe and the memory hold, while nothing can be written.
    @Test func theNewestIsKeptAndTheGapIsTold() throws {
        let harness = try PumpHarness()
        try harness.runOnce(1, "before")
        let path = harness.directory.file("logs/web/0.stdout.log")
        #expect(rename(path, "\(path).1") == 0)
        #expect(mkdir(path, 0o755) == 0)
        harness.advance(by: OutputLimits.pathInterval)
        let writer = try harness.begin(2)
        let block = [UInt8](repeating: UInt8(ascii: "x"), count: 65535) + [10]
        var written = 0
        for _ in 0..<100 {
            written += writer.writeWhatFits(block)
            harness.settle()
            harness.pump.relieveAll(at: harness.now)
        }
        #expect(written == 100 * 65536, "the worker is not blocked")
        let status = harness.pump.status
        #expect(status.heldBytes <= OutputLimits.heldPerStream)
        #expect(status.droppedBytes > 0)
        writer.write("the last line\n", to: .standardError)
        writer.write("the end\n")
        #expect(harness.end(writer) == ["the last line"])
        rmdir(path)
        self.recover(harness)
        #expect(!harness.pump.isTroubled)
        let dropped = harness.sink().dropped
        let log = harness.log("0.stdout.log")
        let marker = "[reeve: \(dropped) bytes of output were dropped here: cannot"
        #expect(log.hasPrefix(marker), "\(log.prefix(200))")
        #expect(log.hasSuffix("x\nthe end\n"))
        let rest =
            log.utf8.count - (log.utf8.firstIndex(of: 10).map { log.utf8.distance(from: log.startIndex, to: $0) } ?? 0)
            - 1
        #expect(UInt64(rest) + dropped == UInt64(written) + 8)
        #expect(harness.read(of: writer.run).count == rest)
        #expect(harness.notices.last == .restored(harness.sink().id, dropped: dropped))
    }

    @Test func theTailOfARunIsKnownWhileNothingCanBeWritten() throws {
        let harness = try PumpHarness()
        try harness.directory.write("", to: "logs")
        #expect(try harness.runOnce(1, "so it ended\n", to: .standardError) == ["so it ended"])
        #expect(harness.pump.isTroubled)
    }

    @Test func retriesBecomeRare() throws {
        let harness = try PumpHarness()
        try harness.directory.write("", to: "logs")
        let writer = try harness.begin(1)
        writer.write("x\n")
        harness.settle()
        var tries: [Int] = []
        var last = try #require(harness.sink().trouble).retryAt
        for second in 1...200 {
            harness.advance(by: .seconds(1))
            harness.pump.relieveAll(at: harness.now)
            let next = try #require(harness.sink().trouble).retryAt
            if next != last {
                tries.append(second)
                last = next
            }
        }
        #expect(tries == [1, 3, 7, 15, 31, 61, 91, 121, 151, 181])
        #expect(harness.notices.count == 1, "told once")
    }

    @Test func memoryIsSharedAmongManyTroubledStreams() throws {
        var held = HeldOutput()
        for number in 0..<10 {
            held.add([UInt8](repeating: UInt8(number), count: 100)[...], of: PumpHarness.run(number / 5))
        }
        #expect(held.trim(to: 450) == 550)
        #expect(held.count == 450 && held.dropped == 550)
        #expect(held.pieces.reduce(0) { $0 + $1.bytes.count } == 450)
        #expect(held.tail(of: PumpHarness.run(0), limit: 10) == [])
        #expect(
            held.tail(of: PumpHarness.run(1), limit: 150) == [UInt8](repeating: 8, count: 50)
                + [UInt8](repeating: 9, count: 100)
        )
    }
}
