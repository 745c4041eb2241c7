import Glibc
import LinuxSystem
import Supervision
import TestSupport
import Testing

@testable import Output

/// An agent that is killed at a random instant while it moves output, in a process of its own; the test holds the pipe as
/// the keeper does.
@Suite(.serialized) struct KilledAgentTests {
    static let policy = CapturePolicy(maximumSize: 200_000, keepFiles: 99)

    /// The transit pipe that a test holds as the keeper does, by the paths of a FIFO and of a file.
    static func openTransit(_ path: String, _ note: String) throws -> TransitPipe {
        let descriptors = try [O_RDONLY | O_NONBLOCK, O_WRONLY].map { flags in
            try Descriptor.open(path, flags).take()
        }
        return TransitPipe(owning: descriptors + [try Descriptor.open(note, O_RDWR | O_CREAT, mode: 0o600).take()])
    }

    /// Moves output from the descriptor `pipe` until SIGKILL comes after `delay` microseconds.
    static func moveUntilKilled(in path: String, pipe: Int32, transit: TransitPipe, delay: UInt32) throws {
        let loop = try EventLoop(name: "killer")
        loop.schedule(at: .now.advanced(by: .microseconds(Int64(delay)))) { kill(getpid(), SIGKILL) }
        let pump = try OutputPump(directory: path, transit: transit)
        func now() -> Moment { Moment(monotonic: .now, wall: PumpHarness.start) }
        loop.start()
        pump.attach(
            CapturedStreams(standardOutput: pipe, standardError: nil, mergesError: false),
            of: PumpHarness.run(1),
            InstanceID(worker: "web", index: 0),
            self.policy,
            at: now()
        )
        while true {
            _ = pump.turn(at: now())
        }
    }

    @Test func noByteIsLostOrWrittenTwice() async throws {
        let directory = try TemporaryDirectory()
        let seed = UInt64.random(in: 0 ... .max)
        print("killing agents, seed \(seed)")
        // It does not end before it may: a child that has ended hides the tests' own ones from whoever waits for any of them.
        let program = try ChildProgram(
            ["/bin/sh", "-c", "mkfifo $0 $1 && seq 1 1000000 > $0 && read may_end < $1"]
                + [directory.file("pipe"), directory.file("end")],
            standardOutput: directory.file("out"),
            standardError: directory.file("err")
        )
        var number: Int32 = -1
        try eventually("the pipe is there") {
            number = open(directory.file("pipe"), O_RDONLY | O_NONBLOCK | O_CLOEXEC)
            return number >= 0
        }
        defer { close(number) }
        var end: Int32 = -1
        try eventually("the other pipe is there") {
            end = open(directory.file("end"), O_RDWR | O_NONBLOCK | O_CLOEXEC)
            return end >= 0
        }
        defer { close(end) }
        #expect(mkfifo(directory.file("transit"), 0o600) == 0)
        let transit = try Self.openTransit(directory.file("transit"), directory.file("note"))
        PipeContents.setCapacity(of: transit.readEnd, to: 1 << 20)
        var deaths = 0
        var left = 0
        while deaths < 12 {
            let path = directory.file("logs")
            let delay = UInt32.random(in: 0...10_000)
            let file = directory.file("pipe")
            let other = directory.file("transit")
            let note = directory.file("note")
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [
                    path = path as String, file = file as String, other = other as String, note = note as String,
                    delay = delay as UInt32
                ] in
                let pipe = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
                let transit = try KilledAgentTests.openTransit(other, note)
                try KilledAgentTests.moveUntilKilled(in: path, pipe: pipe, transit: transit, delay: delay)
            }
            deaths += 1
            left += transit.count > 0 ? 1 : 0
        }
        print("\(left) of \(deaths) were killed with bytes in transit")
        #expect(write(end, "\n", 1) == 1)
        // What is left is moved by one that lives.
        let harness = try PumpHarness(Self.policy, in: directory, transit: transit)
        harness.pump.attach(
            CapturedStreams(standardOutput: fcntl(number, F_DUPFD_CLOEXEC, 3), standardError: nil, mergesError: false),
            of: PumpHarness.run(1),
            InstanceID(worker: "web", index: 0),
            Self.policy,
            at: harness.now
        )
        try eventually("all is written") {
            harness.settle()
            return program.ended != nil
        }
        harness.settle()
        let sink = harness.sink()
        let all = harness.read(of: PumpHarness.run(1))
        #expect(sink.end > 0)
        // As far as the files are kept, the numbers follow each other without a gap.
        var numbers = String(decoding: all, as: UTF8.self).split(separator: "\n").compactMap { Int($0) }
        if harness.sink().map(at: harness.now.monotonic).start > 0 {
            numbers.removeFirst()
        }
        let first = try #require(numbers.first)
        #expect(numbers == Array(first...1_000_000))
        // Each number with its end: all that was ever written is counted by the position.
        #expect(sink.end == 6_888_896)
    }
}
