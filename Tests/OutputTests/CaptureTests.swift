import Glibc
import LinuxSystem
import Supervision
import TestSupport
import Testing

@testable import Output

/// Turns until only these runs write into the first stream. A child of another test has the write ends too until its exec.
private func eventuallyDetached(_ harness: PumpHarness, _ runs: [RunID]) -> Bool {
    let isDetached: Void? = try? eventually("the pipes are detached") {
        harness.settle()
        return harness.sink().sources.map(\.run) == runs
    }
    return isDetached != nil
}

@Suite struct CaptureTests {
    @Test func whatARunWritesIsInItsFiles() throws {
        let harness = try PumpHarness()
        let writer = try harness.begin(1)
        writer.write("hello\n")
        writer.write("oh\n", to: .standardError)
        harness.settle()
        #expect(harness.log("0.stdout.log") == "hello\n")
        #expect(harness.log("0.stderr.log") == "oh\n")
        writer.write("no newline")
        #expect(harness.end(writer) == ["oh"])
        #expect(harness.log("0.stdout.log") == "hello\nno newline")
        #expect(eventuallyDetached(harness, []))
        #expect(harness.sink().status.bytes == 16)
        #expect(harness.notices.isEmpty)
    }

    @Test func standardErrorMayGoWhereStandardOutputGoes() throws {
        let harness = try PumpHarness()
        let writer = try harness.begin(1, mergesError: true)
        writer.write("one\n")
        writer.write("two\n", to: .standardError)
        writer.write("three\n")
        #expect(harness.end(writer) == ["one", "two", "three"])
        #expect(harness.log("0.stdout.log") == "one\ntwo\nthree\n")
        #expect(!harness.directory.exists("logs/web/0.stderr.log"))
    }

    @Test func aRunThatWritesNothingLeavesNothing() throws {
        let harness = try PumpHarness()
        let writer = try harness.begin(1)
        #expect(harness.end(writer) == [])
        #expect(!harness.directory.exists("logs/web"))
    }

    /// In a process of its own, because the mask is the process's.
    @Test func filesAndTheirDirectoryAreForTheGroupOnly() async {
        await #expect(processExitsWith: .success) {
            umask(0o077)
            let isRoot = geteuid() == 0
            let harness = try PumpHarness(CapturePolicy(group: isRoot ? 4 : nil))
            try harness.runOnce(1, "x\n")
            var status = stat()
            for (name, mode) in [("", mode_t(0o750)), ("/0.stdout.log", 0o640)] {
                try #require(stat(harness.directory.file("logs/web\(name)"), &status) == 0)
                #expect(status.st_mode & 0o7777 == mode, "\(name)")
                if isRoot {
                    #expect(status.st_gid == 4, "\(name)")
                }
            }
        }
    }

    @Test func theNextRunAppends() throws {
        let harness = try PumpHarness()
        try harness.runOnce(1, "one\n")
        try harness.runOnce(2, "two\n")
        try harness.dieAndComeBack()
        try harness.runOnce(3, "three\n")
        #expect(harness.log("0.stdout.log") == "one\ntwo\nthree\n")
        for (number, expected) in [(1, "one\n"), (2, "two\n"), (3, "three\n")] {
            #expect(text(harness.read(of: PumpHarness.run(number))) == expected)
        }
        #expect(harness.read(of: PumpHarness.run(4)) == [])
    }

    /// A process that outlives its run holds the pipe open.
    @Test func aGrandchildDoesNotHoldUpTheExitAndItsOutputBelongsToItsRun() throws {
        let harness = try PumpHarness()
        let first = try harness.begin(1)
        first.write("main\n", to: .standardError)
        #expect(harness.end(first, closes: false) == ["main"])
        let second = try harness.begin(2)
        second.write("two\n")
        harness.settle()
        first.write("late\n")
        harness.settle()
        second.write("three\n")
        harness.settle()
        #expect(harness.log("0.stdout.log") == "two\nlate\nthree\n")
        #expect(text(harness.read(of: first.run)) == "late\n")
        #expect(text(harness.read(of: second.run)) == "two\nthree\n")
        first.close()
        #expect(eventuallyDetached(harness, [second.run]))
    }

    @Test func whatARunLeftInItsPipeStandsBeforeTheNextOnesOutput() throws {
        let harness = try PumpHarness()
        let first = try harness.begin(1)
        let second = try harness.begin(2)
        second.write("second\n")
        first.write("first\n")
        // Ended, and not yet drained when the next one's output is found.
        harness.sink().sources[0].leftAtExit = 6
        harness.settle()
        #expect(harness.log("0.stdout.log") == "first\nsecond\n")
    }

    @Test func onlySoManyEndedRunsMayHoldTheirPipes() throws {
        let harness = try PumpHarness()
        var writers: [PumpHarness.Writer] = []
        for number in 1...(OutputLimits.lingeringRuns + 3) {
            let writer = try harness.begin(number)
            writer.write("\(number)\n")
            _ = harness.end(writer, closes: false)
            writers.append(writer)
        }
        #expect(harness.sink().sources.count <= OutputLimits.lingeringRuns)
        #expect(harness.notices.contains(.lingeringClosed(harness.sink().id)))
    }

    /// The one has a megabyte in its pipe, the other a line.
    @Test func aFloodDoesNotKeepOthersFromTheirTurn() throws {
        let harness = try PumpHarness()
        let flood = try harness.begin(1, index: 0)
        let quiet = try harness.begin(2, index: 1)
        let block = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
        _ = flood.writeWhatFits(block)
        quiet.write("line\n")
        _ = harness.pump.turn(at: harness.now)
        #expect(harness.log("1.stdout.log") == "line\n")
        #expect(harness.bytes("0.stdout.log").count <= OutputLimits.turn)
        harness.settle()
    }

    @Test func timestampsStandBeforeEachLine() throws {
        let harness = try PumpHarness(CapturePolicy(timestamps: true))
        let first = try harness.begin(1)
        first.write("one\ntw")
        harness.settle()
        harness.advance(by: .milliseconds(1500))
        first.write("o\n\nthree")
        _ = harness.end(first)
        try harness.runOnce(2, "four\n")
        #expect(
            harness.log("0.stdout.log") == """
                2026-11-22T10:00:00.000Z one
                2026-11-22T10:00:00.000Z two
                2026-11-22T10:00:01.500Z \n\
                2026-11-22T10:00:01.500Z three
                2026-11-22T10:00:01.500Z four

                """
        )
    }

    /// Without splice, as on a file system that cannot.
    @Test func copyingGivesTheSame() throws {
        let harness = try PumpHarness(CapturePolicy(maximumSize: 100, keepFiles: 50))
        let writer = try harness.begin(1)
        harness.sink().copies = true
        var expected = ""
        for number in 0..<200 {
            let line = String(repeating: "\(number % 10)", count: number % 37) + "\n"
            expected += line
            writer.write(line)
            if number % 7 == 0 {
                harness.settle()
            }
        }
        _ = harness.end(writer)
        #expect(text(harness.all()) == expected)
        #expect(text(harness.read(of: writer.run)) == expected)
    }
}
