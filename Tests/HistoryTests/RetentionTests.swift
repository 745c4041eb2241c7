import Supervision
import TestSupport
import Testing

@testable import History

@Suite struct RetentionTests {
    private let directory: TemporaryDirectory

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    private func harness(_ retention: HistoryRetention) -> WriterHarness {
        WriterHarness(self.directory, options: Samples.options(self.directory, retention: retention))
    }

    /// Steps until there is nothing more to do; answers how many there were.
    private func settle(_ harness: WriterHarness) throws -> Int {
        var steps = 0
        repeat {
            harness.retain()
            steps += 1
            try #require(steps < 10_000)
        } while harness.writer.nextTime == harness.clock.now.monotonic
        return steps
    }

    private func seqs(_ harness: WriterHarness) throws -> [Int64] {
        try harness.page(ExitQuery(limit: 1_000_000, isAscending: true)).records.map(\.seq)
    }

    @Test func theOldestGoWhenThereAreTooMany() throws {
        let harness = self.harness(HistoryRetention(exits: 50))
        harness.submit((1...120).map { Samples.exitTransition($0) })
        _ = try self.settle(harness)
        #expect(try self.seqs(harness) == Array(71...120))
        #expect(try harness.store().exitCount == 50)
        // The numbers go on, also when the file is opened again and nothing but the newest is left.
        harness.close()
        let next = self.harness(HistoryRetention(exits: 50))
        next.submit([Samples.exitTransition(121)])
        #expect(next.publishedExits.map(\.seq) == [121])
    }

    @Test func aWorkerThatFlapsDoesNotPushOutTheOthers() throws {
        let harness = self.harness(HistoryRetention(exits: 1000, exitsPerWorker: 20))
        harness.submit([Samples.exitTransition(1, worker: "db")])
        harness.submit((2...400).map { Samples.exitTransition($0, worker: "web") })
        _ = try self.settle(harness)
        #expect(try self.seqs(harness) == [1] + Array(381...400))
        #expect(try harness.store().exitCounts == ["db": 1, "web": 20])
    }

    @Test func whatIsTooOldGoes() throws {
        let harness = self.harness(HistoryRetention(age: .seconds(36000)))
        harness.clock.now.wall = Samples.time(1000)
        harness.submit((1...30).flatMap { [Samples.exitTransition($0), Samples.backoff(after: $0)] })
        var operation = Operation(
            id: Samples.operation(1),
            action: .stop,
            workers: ["web"],
            state: .running,
            requestedBy: "uid:0",
            createdAt: Samples.time(0)
        )
        harness.submit([Samples.transition(.operation(operation))])
        _ = try self.settle(harness)
        #expect(try self.seqs(harness).count == 30)
        // Exactly those of the first 20 ended more than ten hours before.
        harness.clock.now.wall = Samples.time(20 * 10 + 6 + 36_000_000)
        harness.clock.advance(by: HistoryWriter.retentionInterval)
        harness.clock.now.wall = Samples.time(20 * 10 + 6 + 36_000_000)
        _ = try self.settle(harness)
        #expect(try self.seqs(harness) == Array(21...30))
        #expect(try harness.store().transitionCount == 20)
        // An operation that runs stays, however long it takes.
        #expect(try harness.store().newestOperations(limit: 10).count == 1)
        operation.finishedAt = Samples.time(1)
        harness.submit([Samples.transition(.operation(operation))])
        harness.clock.advance(by: HistoryWriter.retentionInterval)
        _ = try self.settle(harness)
        #expect(try harness.store().newestOperations(limit: 10).isEmpty)
    }

    @Test func aStepIsSmallAndAllOfThemTogetherDoTheWork() throws {
        let large = self.harness(HistoryRetention())
        for first in stride(from: 1, to: 5000, by: 1000) {
            large.submit((first..<first + 1000).map { Samples.exitTransition($0) })
        }
        large.close()
        let harness = self.harness(HistoryRetention(exits: 100))
        let before = try harness.store().exitCount
        harness.retain()
        #expect(try before - harness.store().exitCount <= HistoryStore.rowsPerStep)
        let steps = try self.settle(harness)
        #expect(try harness.store().exitCount == 100)
        #expect(steps >= (5000 - 100) / HistoryStore.rowsPerStep)
    }

    @Test func theFileStaysWithinItsSize() throws {
        let limit: Int64 = 8 << 20
        let harness = self.harness(HistoryRetention(size: limit))
        var largest: Int64 = 0
        for round in 0..<40 {
            for first in stride(from: round * 400 + 1, through: round * 400 + 400, by: 100) {
                harness.submit(
                    (first..<first + 100).flatMap { number in
                        var record = Samples.exit(number)
                        record.stderrTail = [String](repeating: String(repeating: "x", count: 100), count: 30)
                        return [Samples.transition(.exit(record)), Samples.backoff(after: number)]
                    }
                )
                // As the room does: a step after each group.
                harness.retain()
            }
            let size = self.directory.size("history.db") + self.directory.size("history.db-wal")
            largest = max(largest, size)
        }
        #expect(largest <= limit + (1 << 20), "\(largest) bytes")
        _ = try self.settle(harness)
        #expect(self.directory.size("history.db") + self.directory.size("history.db-wal") <= limit)
        let left = try self.seqs(harness)
        #expect(left.count > 100 && left.last == 16_000)
        #expect(left == Array(try #require(left.first)...16_000))
    }

    @Test func spaceThatIsFreeIsGivenBack() throws {
        let large = self.harness(HistoryRetention())
        for first in stride(from: 1, to: 8000, by: 1000) {
            large.submit((first..<first + 1000).map { Samples.exitTransition($0) })
        }
        large.close()
        let before = self.directory.size("history.db")
        let harness = self.harness(HistoryRetention(exits: 10))
        _ = try self.settle(harness)
        harness.close()
        let spare = (HistoryStore.sparePages + 64) * 4096
        #expect(self.directory.size("history.db") < min(before / 2, spare + (1 << 19)))
    }

    @Test func theOldestOperationsGoBeyondTheirNumber() throws {
        let retention = HistoryRetention()
        let harness = self.harness(retention)
        for first in stride(from: 0, to: retention.operations + 40, by: 1000) {
            harness.submit(
                (first..<min(first + 1000, retention.operations + 40)).map { number in
                    var operation = Operation(
                        id: Samples.operation(number),
                        action: .stop,
                        workers: ["web"],
                        state: .succeeded,
                        requestedBy: "uid:0",
                        createdAt: Samples.time(Int64(number))
                    )
                    operation.finishedAt = Samples.time(Int64(number))
                    return Samples.transition(.operation(operation))
                }
            )
        }
        for _ in 0..<10 {
            harness.clock.advance(by: HistoryWriter.retentionInterval)
            _ = try self.settle(harness)
        }
        let count = try harness.store().connection.row("SELECT count(*) FROM operations") { $0.int() }
        #expect(count == retention.operations)
    }
}
