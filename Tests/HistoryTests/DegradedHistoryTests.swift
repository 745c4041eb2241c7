import Supervision
import TestSupport
import Testing

@testable import History

/// What the history does while it cannot write. Another connection that holds the lock on the database stands for
/// everything that the world can have against a commit.
@Suite struct DegradedHistoryTests {
    private let directory: TemporaryDirectory
    private let harness: WriterHarness
    private let blocker: Connection

    init() throws {
        self.directory = try TemporaryDirectory()
        var options = Samples.options(self.directory)
        options.busyTimeout = .zero
        self.harness = WriterHarness(self.directory, options: options)
        self.blocker = try Connection(path: options.databasePath, access: .readWrite, busyTimeout: .zero)
    }

    private func block() throws {
        try self.blocker.execute("BEGIN IMMEDIATE")
    }

    private func unblock() throws {
        try self.blocker.execute("ROLLBACK")
    }

    @Test func recordsWaitAndSayThatTheyAreNotDurable() throws {
        self.harness.submit([Samples.exitTransition(1)])
        try self.block()
        self.harness.submit([Samples.exitTransition(2), Samples.backoff(after: 2)])
        #expect(self.harness.publishedExits.map(\.seq) == [1, 2])
        #expect(self.harness.publishedExits.map(\.isDurable) == [true, false])
        #expect(self.harness.reaped == [Samples.run(1)])
        #expect(self.harness.writer.status.pending == 1)
        let reason = try #require(self.harness.writer.status.degraded)
        #expect(self.harness.outcomes == [.committed, .waiting(reason: reason)])
        #expect(self.harness.notices == [.degraded(reason: reason)])
        // They are shown all the same, behind those of the database.
        let page = try self.harness.page(ExitQuery(isAscending: true))
        #expect(page.records.map(\.seq) == [1, 2] && page.isComplete && page.newest == 2 && page.next == 2)
        #expect(try self.harness.page(ExitQuery()).records.map(\.seq) == [2, 1])
        #expect(try self.harness.transitions(after: 1).map(\.id) == [2, 3])
    }

    @Test func whatWaitedIsWrittenInOrderWithTheNumbersThatWereGiven() throws {
        try self.block()
        for number in 1...5 {
            self.harness.submit([Samples.exitTransition(number), Samples.backoff(after: number)])
        }
        let given = self.harness.published.map { TransitionRecord($0) }
        #expect(self.harness.publishedExits.map(\.seq) == [1, 2, 3, 4, 5])
        try self.unblock()
        self.harness.clock.advance(by: .seconds(1))
        self.harness.turn()
        var well = HistoryStatus()
        well.oldestExit = 1
        #expect(self.harness.writer.status == well)
        #expect(self.harness.notices.last == .recovered(written: 10, lostExits: 0, lostTransitions: 0))
        #expect(try self.harness.transitions(after: 0) == given)
        #expect(self.harness.durable == (1...5).map(Samples.run) && self.harness.reaped == (1...5).map(Samples.run))
        self.harness.submit([Samples.exitTransition(6)])
        #expect(self.harness.publishedExits.last?.seq == 6 && self.harness.publishedExits.last?.isDurable == true)
        let stored = try self.harness.page(ExitQuery(isAscending: true)).records
        #expect(stored.map(\.seq) == [1, 2, 3, 4, 5, 6] && stored.allSatisfy(\.isDurable))
    }

    @Test func itTriesAgainAfterAGrowingDelay() throws {
        try self.block()
        self.harness.submit([Samples.exitTransition(1)])
        var delays: [Duration] = []
        for _ in 0..<7 {
            let next = try #require(self.harness.writer.nextTime)
            let delay = self.harness.clock.now.monotonic.duration(to: next)
            delays.append(delay)
            self.harness.clock.advance(by: delay - .milliseconds(1))
            self.harness.turn()
            #expect(self.harness.writer.nextTime == next)
            self.harness.clock.advance(by: .milliseconds(1))
            self.harness.turn()
        }
        #expect(delays == [1, 2, 4, 8, 16, 30, 30].map { .seconds($0) })
        // The same reason is told once.
        #expect(self.harness.notices.count == 1)
    }

    @Test func anExitThatIsToldAgainWhileItWaitsWaitsOnce() throws {
        try self.block()
        self.harness.submit([Samples.exitTransition(1)])
        self.harness.submit([Samples.exitTransition(1), Samples.exitTransition(2)])
        #expect(self.harness.publishedExits.map(\.seq) == [1, 2])
        try self.unblock()
        self.harness.clock.advance(by: .seconds(1))
        self.harness.turn()
        #expect(try self.harness.store().newestExit() == 2)
    }

    @Test func onlySomeZombiesWaitAndTheRestIsReaped() throws {
        try self.block()
        let count = WaitingList.maximumUnreaped + 10
        for number in 1...count {
            self.harness.submit([Samples.exitTransition(number)])
        }
        #expect(self.harness.reaped == (WaitingList.maximumUnreaped + 1...count).map(Samples.run))
        try self.unblock()
        self.harness.clock.advance(by: .seconds(1))
        self.harness.turn()
        #expect(Set(self.harness.reaped) == Set((1...count).map(Samples.run)) && self.harness.reaped.count == count)
        #expect(self.harness.durable.count == count)
    }

    @Test func beyondTheBoundTheOldestAreGivenUpAndCounted() throws {
        try self.block()
        let exits = WaitingList.maximumExits + 3
        let others = WaitingList.maximumOthers + 5
        for first in stride(from: 1, through: others, by: 500) {
            let numbers = first...min(first + 499, others)
            self.harness.submit(numbers.filter { $0 <= exits }.map { Samples.exitTransition($0) })
            self.harness.submit(numbers.map { Samples.backoff(after: $0) })
        }
        #expect(self.harness.writer.status.pending == WaitingList.maximumExits)
        #expect(self.harness.writer.status.lostExits == 3 && self.harness.writer.status.lostTransitions == 5)
        try self.unblock()
        self.harness.clock.advance(by: .seconds(1))
        self.harness.turn()
        #expect(self.harness.writer.status.degraded == nil)
        let page = try self.harness.page(ExitQuery(limit: 1, isAscending: true))
        #expect(page.oldest == 4 && page.newest == Int64(exits))
        let written = WaitingList.maximumExits + WaitingList.maximumOthers
        #expect(
            self.harness.notices.last == .recovered(written: written, lostExits: 3, lostTransitions: 5)
        )
        // Nobody waits for a zombie whose record was given up.
        #expect(Set(self.harness.reaped) == Set((1...exits).map(Samples.run)))
    }

    @Test func numbersThatWereShownAreNotGivenAgainAfterTheDeathOfADegradedAgent() throws {
        self.harness.submit([Samples.exitTransition(1)])
        try self.block()
        self.harness.submit([Samples.exitTransition(2), Samples.exitTransition(3)])
        let shown = try #require(self.harness.published.last)
        // As after SIGKILL: nothing is closed, another agent opens the same files.
        try self.unblock()
        let next = WriterHarness(self.directory)
        #expect(next.recovery.lastExitSeq >= 3)
        next.submit([Samples.exitTransition(2), Samples.exitTransition(4)])
        #expect(next.publishedExits.allSatisfy { $0.seq > 3 } && next.published.allSatisfy { $0.id > shown.id })
    }

    @Test func aFullDatabaseIsDegradedAndRecoversOnTheSameConnection() throws {
        let connection = try self.harness.store().connection
        let pages = try #require(try connection.row("PRAGMA page_count") { $0.int64() })
        try connection.execute("PRAGMA max_page_count = \(pages + 4)")
        for number in 1...20 {
            var record = Samples.exit(number)
            record.stderrTail = [String](repeating: String(repeating: "x", count: 200), count: 20)
            self.harness.submit([Samples.transition(.exit(record))])
        }
        #expect(self.harness.writer.status.degraded?.contains("full") == true)
        #expect(self.harness.publishedExits.map(\.seq) == Array(1...20))
        let waiting = self.harness.publishedExits.filter { !$0.isDurable }.count
        #expect(waiting > 0 && self.harness.writer.status.pending == waiting)
        try connection.execute("PRAGMA max_page_count = 1000000")
        self.harness.clock.advance(by: .seconds(1))
        self.harness.turn()
        #expect(self.harness.writer.status.degraded == nil)
        #expect(try self.harness.page(ExitQuery(isAscending: true)).records.map(\.seq) == Array(1...20))
    }

    @Test func theEndTriesOnceMore() throws {
        try self.block()
        self.harness.submit([Samples.exitTransition(1)])
        try self.unblock()
        self.harness.close()
        let next = WriterHarness(self.directory)
        #expect(next.recovery.lastExitSeq == 1)
        next.submit([Samples.exitTransition(2)])
        #expect(next.publishedExits.map(\.seq) == [2])
    }
}
