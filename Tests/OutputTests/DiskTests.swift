import Glibc
import LinuxSystem
import Supervision
import TestSupport
import Testing

@testable import Output

/// Real file systems that are full or may not be written. They need mount(2), and so root with CAP_SYS_ADMIN.
@Suite(.serialized) struct DiskTests {
    /// A small tmpfs in the place of `log_dir`.
    private final class SmallDisk {
        let path: String

        /// `nil` where it may not be mounted.
        init?(_ directory: TemporaryDirectory, size: String) throws {
            self.path = directory.file("logs")
            try #require(mkdir(self.path, 0o755) == 0)
            guard mount("tmpfs", self.path, "tmpfs", 0, "size=\(size),mode=755") == 0 else {
                print("skipped: a tmpfs cannot be mounted here: \(Errno.current)")
                return nil
            }
        }

        func remount(_ options: String) -> Bool {
            mount("tmpfs", self.path, "tmpfs", 32 | (options == "ro" ? 1 : 0), options == "ro" ? nil : options) == 0
        }

        deinit {
            umount2(self.path, Int32(MNT_DETACH))
        }
    }

    @Test func aFullDiskGivesAGapAndEverythingElseArrives() throws {
        let directory = try TemporaryDirectory()
        guard let disk = try SmallDisk(directory, size: "1m") else { return }
        let harness = try PumpHarness(in: directory)
        let writer = try harness.begin(1)
        var expected: [UInt8] = []
        var number = 0
        for _ in 0..<30 {
            var block: [UInt8] = []
            while block.count < 64_000 {
                block += Array("line \(number)\n".utf8)
                number += 1
            }
            expected += block
            writer.write(block)
            harness.settle()
        }
        #expect(harness.pump.status.degraded?.contains("No space left on device") == true)
        #expect(harness.pump.status.droppedBytes == 0, "the pipe and the memory hold it")
        #expect(disk.remount("size=100m"))
        harness.advance(by: .seconds(1))
        harness.pump.relieveAll(at: harness.now)
        _ = harness.end(writer)
        #expect(!harness.pump.isTroubled)
        #expect(harness.all() == expected)
        #expect(harness.read(of: writer.run) == expected)
    }

    /// Files that are rotated out are ended beside the writing; their place counts as free all the same.
    @Test func aDiskThatHoldsTheKeptFilesIsNeverFull() throws {
        let directory = try TemporaryDirectory()
        guard let disk = try SmallDisk(directory, size: "11m") else { return }
        defer { withExtendedLifetime(disk) {} }
        let harness = try PumpHarness(CapturePolicy(maximumSize: 2 << 20, keepFiles: 2), in: directory)
        let writer = try harness.begin(1)
        let block = [UInt8](repeating: UInt8(ascii: "x"), count: 255) + [UInt8(ascii: "\n")]
        let piece = (0..<2048).flatMap { _ in block }
        for _ in 0..<200 {
            writer.write(piece)
            harness.settle()
            #expect(harness.pump.status.degraded == nil)
        }
        _ = harness.end(writer)
        #expect(harness.log("0.stdout.log.2").utf8.count == 2 << 20)
    }

    @Test func aReadOnlyDiskIsSaidAndOutputArrivesAfterwards() throws {
        let directory = try TemporaryDirectory()
        guard let disk = try SmallDisk(directory, size: "10m") else { return }
        let harness = try PumpHarness(in: directory)
        try harness.runOnce(1, "one\n")
        harness.advance(by: OutputLimits.idleTime)
        #expect(!harness.pump.sweep(at: harness.now), "a file that nobody uses is open still")
        // A child of another test has the file open too until its exec.
        try eventually("the disk is read-only") { disk.remount("ro") }
        let writer = try harness.begin(2)
        writer.write("two\n")
        harness.settle()
        #expect(harness.pump.status.degraded?.contains("Read-only file system") == true)
        #expect(disk.remount("size=10m"))
        harness.pump.retryAll(at: harness.now)
        harness.settle()
        #expect(harness.log("0.stdout.log") == "one\ntwo\n")
        _ = harness.end(writer)
    }
}
