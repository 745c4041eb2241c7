import Glibc
import LinuxSystem
import Supervision
import TestSupport
import Testing

@testable import History

/// Real file systems that are full or may not be written. They need mount(2), and so root with CAP_SYS_ADMIN.
@Suite(.serialized) struct DiskTroubleTests {
    private func options(_ path: String) -> HistoryOptions {
        HistoryOptions(directory: path, retention: HistoryRetention(), bootID: Samples.bootID, generation: 1)
    }

    private func harness(_ disk: SmallDisk) throws -> WriterHarness {
        WriterHarness(try TemporaryDirectory(), options: self.options(disk.path))
    }

    private func large(_ number: Int) -> Transition {
        var record = Samples.exit(number)
        record.stderrTail = [String](repeating: String(repeating: "x", count: 200), count: 20)
        return Samples.transition(.exit(record))
    }

    @Test func aFullDiskLosesNothingOfWhatWaitsAndKeepsTheOrder() throws {
        guard let disk = try SmallDisk(size: "1m") else { return }
        let harness = try self.harness(disk)
        harness.submit([self.large(1)])
        #expect(harness.writer.status.degraded == nil)
        try disk.fill()
        for number in 2...400 {
            harness.submit([self.large(number), Samples.backoff(after: number)])
            harness.retain()
        }
        let shown = harness.published.map { TransitionRecord($0) }
        #expect(harness.writer.status.degraded != nil)
        #expect(harness.writer.status.pending > 0)
        #expect(harness.publishedExits.map(\.seq) == Array(1...400))
        #expect(try harness.page(ExitQuery(limit: 1000)).records.count == 400)
        // Tried in vain.
        harness.clock.advance(by: .seconds(1))
        harness.turn()
        #expect(harness.writer.status.degraded != nil)
        disk.free()
        // 400 of them are more than 1 MiB: room has to be made by somebody.
        try #require(mount("tmpfs", disk.path, "tmpfs", 32, "size=16m") == 0)
        harness.clock.advance(by: .seconds(30))
        harness.turn()
        #expect(harness.writer.status.degraded == nil, "\(harness.writer.status)")
        #expect(try harness.transitions(after: 0) == shown)
        #expect(Set(harness.reaped).count == 400)
        harness.close()
        let next = try self.harness(disk)
        #expect(next.notices.isEmpty && next.recovery.lastExitSeq == 400)
    }

    @Test func aFullDiskAtTheStartIsDegradedAndNumbersGoOn() throws {
        guard let disk = try SmallDisk(size: "1m") else { return }
        let first = try self.harness(disk)
        first.submit((1...5).map { Samples.exitTransition($0) })
        first.close()
        try disk.fill()
        let second = try self.harness(disk)
        second.submit([Samples.exitTransition(6)])
        #expect(second.publishedExits.map(\.seq) == [6])
        #expect(try second.page(ExitQuery(isAscending: true)).records.map(\.seq).last == 6)
        disk.free()
        second.clock.advance(by: .seconds(30))
        second.turn()
        #expect(second.writer.status.degraded == nil)
        #expect(try second.page(ExitQuery(isAscending: true)).records.map(\.seq) == [1, 2, 3, 4, 5, 6])
    }

    @Test func aReadOnlyDiskIsReadAndNotWritten() throws {
        guard let disk = try SmallDisk(size: "1m") else { return }
        let memory = InstanceMemory(
            id: InstanceID(worker: "web", index: 0),
            desired: .down,
            bootID: Samples.bootID,
            updatedAt: Samples.time(1)
        )
        let first = try self.harness(disk)
        first.submit((1...5).map { Samples.exitTransition($0) }, memories: [memory])
        first.close()
        try #require(disk.remount(readOnly: true))
        let second = try self.harness(disk)
        #expect(second.writer.status.degraded != nil)
        // What is wanted of the workers is known all the same.
        #expect(second.recovery.memories == [memory] && second.recovery.lastExitSeq == 5)
        second.submit([Samples.exitTransition(6)])
        #expect(try second.page(ExitQuery(isAscending: true)).records.map(\.seq) == [1, 2, 3, 4, 5, 6])
        #expect(second.publishedExits.map(\.isDurable) == [false])
        try #require(disk.remount(readOnly: false))
        second.clock.advance(by: .seconds(30))
        second.turn()
        #expect(second.writer.status.degraded == nil, "\(second.notices.map(\.message))")
        second.close()
        #expect(try self.harness(disk).recovery.lastExitSeq == 6)
    }
}
