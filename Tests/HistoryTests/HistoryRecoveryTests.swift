import Supervision
import TestSupport
import Testing

@testable import History

/// What is handed over at the start, and what the status says meanwhile.
@Suite struct HistoryRecoveryTests {
    private let directory: TemporaryDirectory

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    @Test func theNewestExitsAreHandedOverOldestFirst() throws {
        let first = WriterHarness(self.directory)
        first.submit((1...3).map { Samples.exitTransition($0) })
        first.close()
        let second = WriterHarness(self.directory)
        #expect(second.recovery.newestExits == first.publishedExits)
        let count = HistoryRecovery.maximumNewestExits
        second.submit((4...count + 3).map { Samples.exitTransition($0) })
        second.close()
        let third = WriterHarness(self.directory)
        #expect(third.recovery.newestExits.map(\.seq) == Array(4...Int64(count) + 3))
    }

    @Test func theStatusNamesTheOldestExitThatIsKept() throws {
        let retention = HistoryRetention(exits: 10)
        let first = WriterHarness(self.directory, options: Samples.options(self.directory, retention: retention))
        #expect(first.writer.status.oldestExit == nil)
        first.submit((1...30).map { Samples.exitTransition($0) })
        #expect(first.writer.status.oldestExit == 1)
        first.clock.advance(by: HistoryWriter.retentionInterval)
        first.retain()
        #expect(first.writer.status.oldestExit == 21)
        first.close()
        #expect(WriterHarness(self.directory).writer.status.oldestExit == 21)
    }

    @Test func aWorkerWhoseExitsWaitInMemoryIsKnownToo() throws {
        var options = Samples.options(self.directory)
        options.busyTimeout = .zero
        let harness = WriterHarness(self.directory, options: options)
        harness.submit([Samples.exitTransition(1, worker: "web")])
        let blocker = try Connection(path: options.databasePath, access: .readWrite, busyTimeout: .zero)
        try blocker.execute("BEGIN IMMEDIATE")
        harness.submit([Samples.exitTransition(2, worker: "db")])
        #expect(harness.writer.workersWithExits == ["db", "web"])
        #expect(harness.writer.status.oldestExit == 1)
        try blocker.execute("ROLLBACK")
    }
}
