import Glibc
import LinuxSystem
import Supervision
import TestSupport
import Testing

@testable import Output

@Suite struct RotationTests {
    @Test func linesAreNotDividedAndNothingIsLost() throws {
        let harness = try PumpHarness(CapturePolicy(maximumSize: 1000, keepFiles: 90))
        let writer = try harness.begin(1)
        var expected: [UInt8] = []
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<400 {
            let length = Int.random(in: 0...300, using: &generator)
            let line = [UInt8](repeating: UInt8.random(in: 32...126, using: &generator), count: length) + [10]
            expected += line
            writer.write(line)
            if Int.random(in: 0...9, using: &generator) == 0 {
                harness.settle()
            }
        }
        _ = harness.end(writer)
        #expect(harness.all() == expected)
        #expect(harness.read() == expected)
        let names = LogFolder.names(in: open(harness.directory.file("logs/web"), O_RDONLY | O_DIRECTORY | O_CLOEXEC))
        for name in names where name.hasPrefix("0.stdout.log.") {
            let bytes = harness.bytes(name)
            #expect(bytes.last == 10)
            #expect(bytes.count >= 1000 && bytes.count < 1400, "\(name) has \(bytes.count) bytes")
        }
    }

    @Test func aLineWithoutEndIsDividedAtABound() throws {
        let harness = try PumpHarness(CapturePolicy(maximumSize: 1000, keepFiles: 9))
        let writer = try harness.begin(1)
        let line = [UInt8](repeating: UInt8(ascii: "x"), count: 200_000)
        var written = 0
        while written < line.count {
            written += writer.writeWhatFits(Array(line[written...]))
            harness.settle()
        }
        _ = harness.end(writer)
        #expect(harness.all() == line)
        for number in 1...2 {
            #expect(harness.bytes("0.stdout.log.\(number)").count <= 1000 + OutputLimits.lineOverrun)
        }
    }

    @Test func onlySoManyFilesAreKept() throws {
        let harness = try PumpHarness(CapturePolicy(maximumSize: 10, keepFiles: 3))
        let writer = try harness.begin(1)
        for number in 100..<120 {
            writer.write("number \(number)\n")
            harness.settle()
        }
        #expect(harness.log("0.stdout.log") == "number 119\n")
        #expect(harness.log("0.stdout.log.1") == "number 118\n")
        #expect(harness.log("0.stdout.log.3") == "number 116\n")
        #expect(!harness.directory.exists("logs/web/0.stdout.log.4"))
        _ = harness.end(writer)

        harness.policy.keepFiles = 1
        let next = try harness.begin(2)
        next.write("number 120\n")
        harness.settle()
        next.write("number 121\n")
        harness.settle()
        #expect(harness.log("0.stdout.log.1") == "number 120\n")
        #expect(!harness.directory.exists("logs/web/0.stdout.log.2"))
        #expect(!harness.directory.exists("logs/web/0.stdout.log.3"))
        _ = harness.end(next)

        harness.policy.keepFiles = 0
        try harness.runOnce(3, "number 122\nnumber 123\n")
        #expect(harness.log("0.stdout.log") == "number 123\n")
        #expect(!harness.directory.exists("logs/web/0.stdout.log.1"))
    }

    @Test func positionsGoOnOverRotationAndDeath() throws {
        let harness = try PumpHarness(CapturePolicy(maximumSize: 10, keepFiles: 2))
        for number in 100..<110 {
            try harness.runOnce(number, "number \(number)\n")
            if number % 3 == 0 {
                try harness.dieAndComeBack()
            }
        }
        let map = harness.sink().map(at: harness.now.monotonic)
        #expect(map.end == 110)
        #expect(map.start == 77)
        #expect(text(harness.read(of: PumpHarness.run(108))) == "number 108\n")
        #expect(harness.read(of: PumpHarness.run(103)) == [])
    }

    /// Each step of a rotation may be the last one of an agent.
    @Test(arguments: 0...4)
    func aDeathInTheMiddleOfARotationLosesNothing(steps: Int) throws {
        let harness = try PumpHarness(CapturePolicy(maximumSize: 10, keepFiles: 3))
        try harness.runOnce(1, "number 101\n")
        try harness.runOnce(2, "number 102\n")
        try harness.runOnce(3, "number 103\n")
        let folder = harness.directory.file("logs/web")
        let sink = harness.sink()
        let renames = [
            { () -> Void in
                _ = try? sink.folder.use(makes: false, at: harness.now.monotonic) { directory throws(OutputFailure) in
                    try sink.makeFile(in: directory, at: harness.now.wall)
                }
            },
            { _ = rename("\(folder)/0.stdout.log.2", "\(folder)/0.stdout.log.3") },
            { _ = rename("\(folder)/0.stdout.log.1", "\(folder)/0.stdout.log.2") },
            { _ = rename("\(folder)/0.stdout.log", "\(folder)/0.stdout.log.1") },
        ]
        for step in renames.prefix(steps) {
            step()
        }
        try harness.dieAndComeBack()
        harness.policy.keepFiles = 9
        try harness.runOnce(4, "number 104\n")
        #expect(text(harness.all()) == "number 101\nnumber 102\nnumber 103\nnumber 104\n")
        #expect(text(harness.read()) == "number 101\nnumber 102\nnumber 103\nnumber 104\n")
        #expect(text(harness.read(of: PumpHarness.run(4))) == "number 104\n")
        #expect(harness.sink().end == 44)
    }

    // MARK: By others

    @Test func aFileThatLogrotateRenamedIsFollowedByAnother() throws {
        let harness = try PumpHarness()
        let writer = try harness.begin(1)
        writer.write("one\n")
        harness.settle()
        let folder = harness.directory.file("logs/web")
        #expect(rename("\(folder)/0.stdout.log", "\(folder)/0.stdout.log-20261122") == 0)
        harness.advance(by: OutputLimits.pathInterval)
        writer.write("two\n")
        harness.settle()
        #expect(harness.log("0.stdout.log") == "two\n")
        #expect(text(harness.read(of: writer.run)) == "one\ntwo\n")

        #expect(rename("\(folder)/0.stdout.log", "\(folder)/0.stdout.log-20261123") == 0)
        harness.advance(by: OutputLimits.pathInterval)
        writer.write("three\n")
        harness.settle()
        #expect(harness.log("0.stdout.log") == "three\n")
        #expect(text(harness.read()) == "one\ntwo\nthree\n")
    }

    @Test func aFileThatWasRemovedIsMadeAgainAtOnce() throws {
        let harness = try PumpHarness()
        let writer = try harness.begin(1)
        writer.write("one\n")
        harness.settle()
        unlink(harness.directory.file("logs/web/0.stdout.log"))
        writer.write("two\n")
        harness.settle()
        #expect(harness.log("0.stdout.log") == "two\n")
        #expect(harness.sink().end == 8)
        #expect(text(harness.read(of: writer.run)) == "two\n")
    }

    @Test func aFileThatWasTruncatedGetsNoHole() throws {
        let harness = try PumpHarness()
        let writer = try harness.begin(1)
        writer.write("one\n")
        harness.settle()
        #expect(truncate(harness.directory.file("logs/web/0.stdout.log"), 0) == 0)
        writer.write("two\n")
        harness.settle()
        #expect(harness.log("0.stdout.log") == "two\n")
        #expect(harness.sink().end == 8)
        #expect(text(harness.read()) == "two\n")
    }

    /// What a person truncated, removed or compressed leaves a gap, over which the way back from the end must find.
    @Test func aGapBetweenFilesIsPassedOver() throws {
        let harness = try PumpHarness(CapturePolicy(maximumSize: 8, keepFiles: 3))
        let current = harness.directory.file("logs/web/0.stderr.log")
        let first = try harness.begin(1)
        for line in ["the first line\n", "lost\n"] {
            first.write(line, to: .standardError)
            harness.settle()
        }
        #expect(truncate(current, 0) == 0)
        first.write("end\n", to: .standardError)
        #expect(harness.end(first) == ["the first line", "end"])
        // Runs of which nothing is kept: one ends in the gap, and the next one begins in it.
        try harness.runOnce(2, "a long line\n", to: .standardError)
        try harness.runOnce(3, "b\n", to: .standardError)
        let last = try harness.begin(4)
        last.write("c\n", to: .standardError)
        harness.settle()
        #expect(truncate(current, 0) == 0)
        last.write("d\n", to: .standardError)
        #expect(harness.end(last) == ["d"])
        let sink = harness.sink(.standardError)
        let map = sink.map(at: harness.now.monotonic)
        for (run, kept) in [(3, ""), (4, "d\n"), (1, "the first line\nend\n")] {
            let run = PumpHarness.run(run)
            #expect(text(sink.tail(of: run, limit: 1000, at: harness.now.monotonic)) == kept)
            let selection = OutputSelection(worker: "web", run: run)
            let starts = sink.lineStarts(map, selection, count: 100, budget: 1 << 20, harness.now.monotonic)
            #expect(starts.count >= kept.split(separator: "\n").count, "\(starts)")
        }
        let all = OutputSelection(worker: "web")
        #expect(sink.lineStarts(map, all, count: 100, budget: 1 << 20, harness.now.monotonic).count == 4)
        #expect(text(harness.read(.standardError)) == "the first line\nend\na long line\nd\n")
        // "lost" and, behind the long line, "b" and "c".
        #expect(harness.missed == 5 + 4)
        #expect(text(harness.read(.standardError, of: PumpHarness.run(3))) == "")
        #expect(harness.missed == 2)
    }

    @Test func anEmptyFileOfLogrotatesMakingIsUsed() throws {
        let harness = try PumpHarness()
        try harness.runOnce(1, "one\n")
        let folder = harness.directory.file("logs/web")
        #expect(rename("\(folder)/0.stdout.log", "\(folder)/0.stdout.log.1") == 0)
        try harness.directory.write("", to: "logs/web/0.stdout.log")
        try harness.dieAndComeBack()
        try harness.runOnce(2, "two\n")
        #expect(harness.log("0.stdout.log") == "two\n")
        #expect(text(harness.read()) == "one\ntwo\n")
        #expect(text(harness.read(of: PumpHarness.run(1))) == "one\n")
    }
}
