import Glibc
import LinuxSystem
import Supervision
import TestSupport
import Testing

@testable import History

/// Values that tests need, all made from numbers, so that a test says the same every time.
enum Samples {
    /// 2026-11-22T10:00:00Z
    static let start = Timestamp(nanosecondsSinceEpoch: 1_795_341_600_000_000_000)
    static let bootID = "0b5c9b0e-6d0a-4c39-8f3e-54a1d1f7c2aa"

    static func time(_ milliseconds: Int64) -> Timestamp {
        Timestamp(nanosecondsSinceEpoch: self.start.nanosecondsSinceEpoch + milliseconds * 1_000_000)
    }

    static func run(_ number: Int) -> RunID {
        UUIDv7(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0000 + UInt64(number))
    }

    static func operation(_ number: Int) -> OperationID {
        UUIDv7(high: 0x0191_0000_0000_7000, low: 0x8000_0000_0000_0000 + UInt64(number))
    }

    /// A plain exit of `worker`, the `number`-th.
    static func exit(_ number: Int, worker: String = "web", cause: ExitCause = .errorExit) -> ExitRecord {
        let isSignal = cause == .crashed || cause == .oomKilled
        return ExitRecord(
            instance: InstanceID(worker: worker, index: number % 2),
            runID: self.run(number),
            pid: Int32(1000 + number % 30_000),
            startedAt: self.time(Int64(number) * 10),
            readyAt: self.time(Int64(number) * 10 + 1),
            endedAt: self.time(Int64(number) * 10 + 5),
            uptime: .milliseconds(5),
            waitStatus: isSignal ? WaitStatus(signal: Signal(11), coreDumped: true) : WaitStatus(exitCode: 3),
            outcome: isSignal ? .signaled : .exited,
            oom: cause == .oomKilled ? .yes : .no,
            cause: cause,
            usage: ResourceUsage(user: .milliseconds(2), system: .milliseconds(1), maximumResidentBytes: 52_428_800),
            stderrTail: ["cannot bind to port 80", "giving up"],
            decision: ExitDecision(action: .restart, delay: .milliseconds(200), consecutiveFailures: 2)
        )
    }

    static func transition(_ change: Transition.Change, at time: Timestamp = start) -> Transition {
        Transition(id: 0, at: time, change: change)
    }

    static func exitTransition(_ number: Int, worker: String = "web", cause: ExitCause = .errorExit) -> Transition {
        let record = self.exit(number, worker: worker, cause: cause)
        return self.transition(.exit(record), at: record.endedAt)
    }

    /// The transition that follows an exit.
    static func backoff(after number: Int, worker: String = "web") -> Transition {
        var status = InstanceStatus(id: InstanceID(worker: worker, index: number % 2))
        status.state = .backoff
        status.desired = .up
        return self.transition(
            .instance(
                InstanceChange(
                    from: .running,
                    to: .backoff,
                    status: status,
                    exitRunID: self.run(number),
                    text: "exited with code 3; restart in 0.2 s"
                )
            ),
            at: self.time(Int64(number) * 10 + 5)
        )
    }

    static func options(
        _ directory: TemporaryDirectory,
        retention: HistoryRetention = HistoryRetention()
    ) -> HistoryOptions {
        HistoryOptions(directory: directory.path, retention: retention, bootID: self.bootID, generation: 1)
    }
}

/// A clock that only tests move.
struct TestClock {
    var now = Moment(monotonic: .now, wall: Samples.time(1_000_000))

    mutating func advance(by duration: Duration) {
        self.now.monotonic = self.now.monotonic.advanced(by: duration)
        self.now.wall = self.now.wall.advanced(by: duration)
    }
}

/// A writer with all that it tells, on a clock of the test's own.
final class WriterHarness {
    let directory: TemporaryDirectory
    let writer: HistoryWriter
    var clock = TestClock()
    private(set) var recovery: HistoryRecovery
    private(set) var notices: [HistoryNotice] = []
    private(set) var published: [Transition] = []
    private(set) var reaped: [RunID] = []
    private(set) var durable: [RunID] = []
    private(set) var outcomes: [HistoryOutcome] = []

    init(_ directory: TemporaryDirectory, options: HistoryOptions? = nil) {
        self.directory = directory
        self.writer = HistoryWriter(options ?? Samples.options(directory))
        var outputs: [HistoryWriter.Output] = []
        self.recovery = self.writer.begin(at: self.clock.now) { outputs.append($0) }
        outputs.forEach(self.tell)
    }

    /// Lets go of all that was told, which would hide what the writer itself holds.
    func forgetWhatWasTold() {
        (self.published, self.reaped, self.durable, self.outcomes) = ([], [], [], [])
    }

    private func tell(_ output: HistoryWriter.Output) {
        self.notices += output.notices
        self.outcomes += output.completions.map(\.1)
        self.published += output.published
        self.reaped += output.reapable
        self.durable += output.durable
    }

    func submit(
        _ transitions: [Transition],
        memories: [InstanceMemory] = [],
        workers: [WorkerMemory] = [],
        forgotten: [InstanceID] = [],
        isSynced: Bool = false
    ) {
        let submission = HistorySubmission(
            transitions: transitions,
            memories: memories,
            workers: workers,
            forgotten: forgotten,
            isSynced: isSynced,
            completion: { _ in }
        )
        self.writer.turn([submission], at: self.clock.now, tell: self.tell)
    }

    func turn() {
        self.writer.turn([], at: self.clock.now, tell: self.tell)
    }

    func retain() {
        self.writer.retain(at: self.clock.now, tell: self.tell)
    }

    func close() {
        self.writer.close(at: self.clock.now, tell: self.tell)
    }

    func page(_ query: ExitQuery) throws -> ExitPage {
        try self.writer.exits(query, at: self.clock.now, tell: self.tell)
    }

    func transitions(after id: Int64, limit: Int = 1000) throws -> [TransitionRecord] {
        try self.writer.transitions(.after(id), limit: limit, at: self.clock.now, tell: self.tell).records
    }

    func store() throws -> HistoryStore {
        try #require(self.writer.store)
    }

    var publishedExits: [ExitRecord] {
        self.published.compactMap { if case .exit(let record) = $0.change { record } else { nil } }
    }
}

extension TemporaryDirectory {
    /// The names of the entries, in order.
    var names: [String] {
        guard let directory = opendir(self.path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." {
                names.append(name)
            }
        }
        return names.sorted()
    }

    /// The bytes of a file; 0 while there is none.
    func size(_ name: String) -> Int64 {
        var info = stat()
        return stat(self.file(name), &info) == 0 ? Int64(info.st_size) : 0
    }

    /// Replaces a file by these bytes.
    func put(_ bytes: [UInt8], in name: String) throws {
        let number = open(self.file(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        try #require(number >= 0)
        defer { close(number) }
        try #require(bytes.isEmpty || Glibc.write(number, bytes, bytes.count) == bytes.count)
    }
}

/// A generator whose whole run is known by its seed (splitmix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        self.state &+= 0x9e37_79b9_7f4a_7c15
        var z = self.state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
