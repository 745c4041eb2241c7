import Glibc
import LinuxSystem
import Supervision
import TestSupport
import Testing

@testable import Output

/// A pump on a clock of the test's own; the test is the worker that writes.
final class PumpHarness {
    let directory: TemporaryDirectory
    /// As the keeper has it: it outlives a pump.
    let transit: TransitPipe?
    private(set) var pump: OutputPump
    var now: Moment
    private(set) var notices: [OutputNotice] = []
    private(set) var changes: [StreamID] = []
    /// What the last reading has passed over.
    private(set) var missed: UInt64 = 0
    var policy: CapturePolicy

    /// 2026-11-22T10:00:00Z
    static let start = Timestamp(nanosecondsSinceEpoch: 1_795_341_600_000_000_000)

    /// - Parameters:
    ///   - hasTransit: whether somebody keeps a pipe for output on its way.
    ///   - transit: the one of an agent before.
    init(
        _ policy: CapturePolicy = CapturePolicy(),
        in directory: TemporaryDirectory? = nil,
        hasTransit: Bool = true,
        transit: TransitPipe? = nil
    ) throws {
        self.directory = try directory ?? TemporaryDirectory()
        self.transit = hasTransit ? try transit ?? TransitPipe(capacity: 1 << 20) : nil
        self.policy = policy
        self.now = Moment(monotonic: .now, wall: Self.start)
        self.pump = try OutputPump(directory: self.directory.file("logs"), transit: self.transit)
        self.listen()
    }

    private func listen() {
        self.pump.notify = { [unowned self] in self.notices.append($0) }
        self.pump.changed = { [unowned self] in self.changes.append($0) }
    }

    /// Another agent after the death of this one: nothing was closed in order.
    func dieAndComeBack() throws {
        self.pump = try OutputPump(directory: self.directory.file("logs"), transit: self.transit)
        self.listen()
    }

    static func run(_ number: Int) -> RunID {
        UUIDv7(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0000 + UInt64(number))
    }

    /// The write ends of a run's pipes.
    final class Writer {
        let run: RunID
        private var output: Int32
        private var error: Int32

        init(run: RunID, output: Int32, error: Int32) {
            self.run = run
            self.output = output
            self.error = error
        }

        deinit {
            self.close()
        }

        func close() {
            for number in Set([self.output, self.error]) where number >= 0 {
                Glibc.close(number)
            }
            self.output = -1
            self.error = -1
        }

        func write(_ text: String, to stream: StandardStream = .standardOutput) {
            self.write(Array(text.utf8), to: stream)
        }

        /// What the pipe does not take is a mistake in the test.
        func write(_ bytes: [UInt8], to stream: StandardStream = .standardOutput) {
            let number = stream == .standardOutput ? self.output : self.error
            #expect(Glibc.write(number, bytes, bytes.count) == bytes.count)
        }

        /// How much of it the pipe takes without waiting.
        func writeWhatFits(_ bytes: [UInt8]) -> Int {
            let flags = fcntl(self.output, F_GETFL)
            _ = fcntl(self.output, F_SETFL, flags | O_NONBLOCK)
            defer { _ = fcntl(self.output, F_SETFL, flags) }
            return max(0, Glibc.write(self.output, bytes, bytes.count))
        }
    }

    func begin(_ number: Int, index: Int = 0, mergesError: Bool = false) throws -> Writer {
        let pipes = try RunPipes(capturesOutput: true, capturesError: true, mergesError: mergesError)
        let numbers = (pipes.standardOutput ?? -1, pipes.standardError ?? -1)
        let output = fcntl(numbers.0, F_DUPFD_CLOEXEC, 3)
        let error = mergesError ? output : fcntl(numbers.1, F_DUPFD_CLOEXEC, 3)
        let run = Self.run(number)
        self.pump.attach(pipes.started(), of: run, InstanceID(worker: "web", index: index), self.policy, at: self.now)
        // With less, a writer would wait for the reader, which is the same thread.
        #expect(output < 0 || PipeContents.capacity(of: output) >= 1 << 20, "this user's pipes are small")
        return Writer(run: run, output: output, error: error)
    }

    /// Turns until nothing is left to do.
    func settle() {
        while self.pump.turn(at: self.now) != .none {}
    }

    /// The run ended; answers the last lines of its standard error.
    func end(_ writer: Writer, closes: Bool = true) -> [String] {
        if closes {
            writer.close()
        }
        return self.pump.drain(writer.run, at: self.now) { .now }
    }

    /// A run that writes one text and ends.
    @discardableResult
    func runOnce(_ number: Int, _ text: String, to stream: StandardStream = .standardOutput) throws -> [String] {
        let writer = try self.begin(number)
        writer.write(text, to: stream)
        return self.end(writer)
    }

    func advance(by duration: Duration) {
        self.now.monotonic = self.now.monotonic.advanced(by: duration)
        self.now.wall = self.now.wall.advanced(by: duration)
    }

    // MARK: What there is

    func log(_ name: String) -> String {
        self.directory.read("logs/web/\(name)")
    }

    func bytes(_ name: String) -> [UInt8] {
        contents(ofFile: self.directory.file("logs/web/\(name)")) ?? []
    }

    /// All files of a stream together, oldest first.
    func all(_ stream: StandardStream = .standardOutput, index: Int = 0) -> [UInt8] {
        var all: [UInt8] = []
        for number in (1...99).reversed() {
            all += self.bytes("\(index).\(stream.rawValue).log.\(number)")
        }
        return all + self.bytes("\(index).\(stream.rawValue).log")
    }

    func sink(_ stream: StandardStream = .standardOutput, index: Int = 0) -> Sink {
        self.pump.sink(for: StreamID(InstanceID(worker: "web", index: index), stream))
    }

    /// All that is answered of a run, or of all.
    func read(_ stream: StandardStream = .standardOutput, index: Int = 0, of run: RunID? = nil) -> [UInt8] {
        let sink = self.sink(stream, index: index)
        let map = sink.map(at: self.now.monotonic)
        let selection = OutputSelection(worker: "web", run: run)
        var position = map.start
        var result: [UInt8] = []
        self.missed = 0
        while let chunk = sink.chunk(
            map,
            at: &position,
            selection,
            limit: 1000,
            missed: &self.missed,
            self.now.monotonic
        ) {
            if run != nil {
                #expect(chunk.run == run)
            }
            result += chunk.bytes
        }
        return result
    }
}

func text(_ bytes: [UInt8]) -> String {
    String(decoding: bytes, as: UTF8.self)
}
