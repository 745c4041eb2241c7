import LinuxSystem
import Supervision
import TestSupport
import Testing

@testable import History

@Suite struct HistoryRoomTests {
    private let directory: TemporaryDirectory
    private let told = Locked<[Transition]>([])
    private let reaped = Locked<[RunID]>([])
    private let notices = Locked<[HistoryNotice]>([])

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    /// A room on a loop that runs.
    private func room() async throws -> (HistoryRoom, HistoryRecovery) {
        let loop = try EventLoop(name: "history")
        let room = HistoryRoom(
            loop: loop,
            options: Samples.options(self.directory),
            handlers: HistoryHandlers(
                publish: { [told] batch in told.withLock { $0 += batch } },
                reap: { [reaped] runs in reaped.withLock { $0 += runs } },
                notice: { [notices] notice in notices.withLock { $0.append(notice) } }
            ),
            now: { Moment(monotonic: .now, wall: Samples.time(1_000_000)) }
        )
        loop.start()
        return (room, await room.begin())
    }

    @Test func batchesArePublishedInTheOrderInWhichTheyWereHandedIn() async throws {
        let (room, recovery) = try await self.room()
        #expect(recovery.lastExitSeq == 0 && recovery.memories.isEmpty)
        let completed = Locked(0)
        for number in 1...2000 {
            room.submit(
                HistorySubmission(
                    transitions: [Samples.exitTransition(number), Samples.backoff(after: number)],
                    completion: { outcome in
                        guard outcome == .committed else { return }
                        completed.withLock { $0 += 1 }
                    }
                )
            )
        }
        try eventually("all are published") { self.told.withLock { $0.count } == 4000 }
        #expect(self.told.withLock { $0.map(\.id) } == Array(1...4000))
        // Those who wait for a commit are told of it after everybody else.
        try eventually("all are told of their commit") { completed.withLock { $0 } == 2000 }
        try eventually("all may be reaped") { self.reaped.withLock { $0.count } == 2000 }
        #expect(self.reaped.withLock { $0 } == (1...2000).map(Samples.run))
        let page = try await room.exits(ExitQuery(workers: ["web"], causes: [.errorExit], limit: 2))
        #expect(page.records.map(\.seq) == [2000, 1999])
        var well = HistoryStatus()
        well.oldestExit = 1
        #expect(room.status == well)
        await room.close()
        room.loop.stop()
    }

    @Test func whatWasSubmittedBeforeTheEndIsThereAfterTheNextStart() async throws {
        let (first, _) = try await self.room()
        first.submit(HistorySubmission(transitions: (1...50).map { Samples.exitTransition($0) }))
        await first.close()
        first.submit(HistorySubmission(transitions: [Samples.exitTransition(51)]))
        first.loop.stop()
        let (second, recovery) = try await self.room()
        #expect(recovery.lastExitSeq == 50)
        #expect(recovery.newestTransitions.map(\.id) == Array(1...50))
        #expect(try await second.exit(seq: 50)?.runID == Samples.run(50))
        #expect(try await second.exit(ofRun: Samples.run(51)) == nil)
        let page = try await second.transitions(.after(49), limit: 10)
        #expect(page.records.map(\.id) == [50])
        #expect(page.oldest == 1)
        #expect(page.newest == 50)
        #expect(page.isComplete)
        let since = try await second.transitions(.since(page.records[0].at), limit: 10)
        #expect(since.records.last?.id == 50)
        #expect(since.records.allSatisfy { $0.at >= page.records[0].at })
        let future = page.records[0].at.advanced(by: .seconds(1_000_000_000))
        #expect(try await second.transitions(.since(future), limit: 10).records.isEmpty)
        #expect(await second.workersWithExits() == ["web"])
        #expect(try await second.operations(newest: 5).isEmpty)
        await second.close()
        second.loop.stop()
    }

    @Test func theRoomComesBackByItselfWhenItCanWriteAgain() async throws {
        let (room, _) = try await self.room()
        let blocker = try Connection(path: self.directory.file("history.db"), access: .readWrite, busyTimeout: .zero)
        try blocker.execute("BEGIN IMMEDIATE")
        room.submit(HistorySubmission(transitions: [Samples.exitTransition(1)]))
        try eventually("it is degraded") { room.status.degraded != nil }
        try eventually("the exit is shown") { self.told.withLock { $0.count } == 1 }
        #expect(room.status.pending == 1)
        try blocker.execute("ROLLBACK")
        try eventually("it is well again") { room.status.degraded == nil }
        #expect(room.status.pending == 0)
        try eventually("it was told") { self.notices.withLock { $0.count } == 2 }
        await room.close()
        room.loop.stop()
    }
}
