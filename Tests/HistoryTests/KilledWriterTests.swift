import Glibc
import LinuxSystem
import Supervision
import TestSupport
import Testing

@testable import History

/// A writer that is killed at a random instant, in a process of its own.
@Suite(.serialized) struct KilledWriterTests {
    /// Writes exits and, after each commit, the newest number into `told`, until SIGKILL comes after `delay` microseconds.
    /// That time begins with the process, so that the death may come while the file is opened, or with the first commit.
    static func writeUntilKilled(in path: String, generation: Int, delay: UInt32) throws {
        let loop = try EventLoop(name: "killer")
        let arm: @Sendable () -> Void = {
            loop.schedule(at: .now.advanced(by: .microseconds(Int64(delay)))) { kill(getpid(), SIGKILL) }
        }
        var isArmed = generation.isMultiple(of: 2)
        if isArmed {
            loop.execute(arm)
        }
        let told = open("\(path)/told", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        try #require(told >= 0)
        var options = HistoryOptions(
            directory: path,
            retention: HistoryRetention(),
            bootID: Samples.bootID,
            generation: Int64(generation)
        )
        options.validationLimit = .zero
        let writer = HistoryWriter(options)
        let now = Moment(monotonic: .now, wall: Samples.time(0))
        loop.start()
        _ = writer.begin(at: now) { _ in }
        var number = generation * 1_000_000
        while true {
            let transitions = (0..<Int.random(in: 1...20)).flatMap { _ in
                number += 1
                return [Samples.exitTransition(number), Samples.backoff(after: number)]
            }
            writer.turn([HistorySubmission(transitions: transitions)], at: now) { output in
                for transition in output.published {
                    guard case .exit(let record) = transition.change else { continue }
                    let line = Array("\(record.seq) \(record.runID) \(transition.id) \(record.isDurable)\n".utf8)
                    _ = write(told, line, line.count)
                }
            }
            if !isArmed {
                isArmed = true
                loop.execute(arm)
            }
            writer.retain(at: now) { _ in }
        }
    }

    @Test func nothingThatWasToldIsLostAndNoNumberIsLeftOut() async throws {
        let directory = try TemporaryDirectory()
        let seed = UInt64.random(in: 0 ... .max)
        print("killing writers, seed \(seed)")
        var generator = SeededGenerator(state: seed)
        for generation in 1...25 {
            let path = directory.path
            let delay = UInt32.random(in: 0...40_000, using: &generator)
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [path = path as String, generation = generation as Int, delay = delay as UInt32] in
                try KilledWriterTests.writeUntilKilled(in: path, generation: generation, delay: delay)
            }
        }
        let harness = WriterHarness(directory)
        #expect(harness.notices.isEmpty)
        let records = try harness.page(ExitQuery(limit: 10_000_000, isAscending: true)).records
        let transitions = try harness.transitions(after: 0, limit: 10_000_000)
        let told = directory.lines("told").map { $0.split(separator: " ") }
        print("\(told.count) told, \(records.count) recorded")
        // One at least of each generation that may commit something.
        #expect(told.count >= 13)
        #expect(told.allSatisfy { $0[3] == "true" })
        #expect(records.map(\.seq) == records.indices.map { Int64($0 + 1) })
        #expect(transitions.map(\.id) == transitions.indices.map { Int64($0 + 1) })
        let bySeq = Dictionary(uniqueKeysWithValues: records.map { ("\($0.seq)", "\($0.runID)") })
        #expect(told.allSatisfy { bySeq[String($0[0])] == String($0[1]) })
        #expect(Set(told.map { $0[0] }).count == told.count)
    }
}
