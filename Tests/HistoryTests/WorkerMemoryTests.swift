import Supervision
import TestSupport
import Testing

@testable import History

/// What is remembered of workers beside their instances.
@Suite struct WorkerMemoryTests {
    private let directory: TemporaryDirectory

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    private func memory(_ count: Int, of worker: String = "web") -> WorkerMemory {
        WorkerMemory(
            worker: worker,
            count: count,
            configuredCount: 2,
            isPersistent: count % 2 == 1,
            bootID: Samples.bootID,
            updatedAt: Samples.time(1)
        )
    }

    private func instance(_ index: Int) -> InstanceMemory {
        InstanceMemory(
            id: InstanceID(worker: "web", index: index),
            desired: .up,
            bootID: Samples.bootID,
            updatedAt: Samples.time(1)
        )
    }

    @Test func theLastOneOfEachWorkerIsRecovered() {
        let first = WriterHarness(self.directory)
        first.submit([], workers: [self.memory(4), self.memory(3, of: "db")])
        first.submit([Samples.exitTransition(1)], workers: [self.memory(0)])
        first.close()
        #expect(WriterHarness(self.directory).recovery.workers == [self.memory(3, of: "db"), self.memory(0)])
    }

    @Test func anInstanceThatIsForgottenAndComesAgainIsRemembered() {
        let first = WriterHarness(self.directory)
        first.submit([], memories: [self.instance(0), self.instance(1), self.instance(2)])
        let forgotten = [1, 2].map { InstanceID(worker: "web", index: $0) }
        first.submit([], memories: [self.instance(2)], forgotten: forgotten)
        first.close()
        #expect(WriterHarness(self.directory).recovery.memories == [self.instance(0), self.instance(2)])
    }

    @Test func anOlderDatabaseGetsItsTable() throws {
        let first = WriterHarness(self.directory)
        first.submit([], memories: [self.instance(0)])
        try first.store().connection.execute("DROP TABLE worker_scale")
        try first.store().connection.execute("DELETE FROM migrations WHERE name = '0002-worker-scale'")
        first.close()
        let second = WriterHarness(self.directory)
        #expect(second.notices.isEmpty && second.recovery.memories == [self.instance(0)])
        second.submit([], workers: [self.memory(4)])
        second.close()
        #expect(WriterHarness(self.directory).recovery.workers == [self.memory(4)])
    }

    @Test func ofAFileThatIsSetAsideItIsTakenOver() throws {
        let first = WriterHarness(self.directory)
        // Without any instance: a worker that was scaled to none.
        first.submit([Samples.exitTransition(1)], workers: [self.memory(0)])
        try first.store().connection.run("INSERT INTO migrations VALUES ('9999-future', '2030-01-01T00:00:00.000Z')")
        first.close()
        let second = WriterHarness(self.directory)
        #expect(second.notices.first?.message.contains("newer version") == true)
        #expect(second.recovery.workers == [self.memory(0)])
        second.close()
        #expect(WriterHarness(self.directory).recovery.workers == [self.memory(0)])
    }

    @Test func anUnreadableTableDoesNotCostTheOther() throws {
        let first = WriterHarness(self.directory)
        first.submit([Samples.exitTransition(1)], memories: [self.instance(0)], workers: [self.memory(4)])
        try first.store().connection.execute("DROP TABLE worker_scale")
        try first.store().connection.run("INSERT INTO migrations VALUES ('9999-future', '2030-01-01T00:00:00.000Z')")
        first.close()
        let second = WriterHarness(self.directory)
        #expect(second.recovery.memories == [self.instance(0)] && second.recovery.workers.isEmpty)
    }

    @Test func aNumberThatCannotBeIsNone() throws {
        let first = WriterHarness(self.directory)
        first.submit([], workers: [self.memory(3, of: "db"), self.memory(4)])
        try first.store().connection.execute("UPDATE worker_scale SET instances = -1 WHERE worker = 'web'")
        first.close()
        #expect(WriterHarness(self.directory).recovery.workers == [self.memory(3, of: "db")])
    }

    @Test func itWaitsForAFullDisk() throws {
        guard let disk = try SmallDisk(size: "1m") else { return }
        let options = HistoryOptions(
            directory: disk.path,
            retention: HistoryRetention(),
            bootID: Samples.bootID,
            generation: 1
        )
        let first = WriterHarness(self.directory, options: options)
        try disk.fill()
        first.submit((1...200).map { Samples.exitTransition($0) }, workers: [self.memory(4)])
        try #require(first.writer.status.degraded != nil)
        disk.free()
        first.clock.advance(by: .seconds(60))
        first.turn()
        #expect(first.writer.status.degraded == nil)
        first.close()
        #expect(WriterHarness(self.directory, options: options).recovery.workers == [self.memory(4)])
    }
}
