import ControlMessages
import History
import Supervision
import Testing

@testable import ControlAPI

/// The exits in memory.
@Suite struct RecentExitsTests {
    private let desk = Desk()

    private func exits(_ seqs: some Sequence<Int64>, capacity: Int = 3) -> RecentExits {
        var exits = RecentExits(capacity: capacity)
        for seq in seqs {
            exits.append(self.desk.exit(seq))
        }
        return exits
    }

    private static func seqs(_ page: ExitPage?) -> [Int64]? {
        page?.records.map(\.seq)
    }

    @Test func theSameExitToldTwiceIsRecordedOnce() {
        var exits = RecentExits(capacity: 3)
        let record = self.desk.exit(1)
        exits.append(record)
        exits.append(record)
        exits.append(self.desk.exit(1))
        #expect(exits.count == 1)
    }

    @Test func anExitIsFoundByItsRunWhileItIsKept() {
        var exits = RecentExits(capacity: 3)
        let records = [2, 5, 6, 9, 10].map { self.desk.exit($0) }
        for record in records {
            exits.append(record)
        }
        #expect(records.map { exits.record(of: $0.runID)?.seq } == [nil, nil, 6, 9, 10])
        #expect(
            [2, 6, 7, 9, 10, 11, Int64.min, .max].map { exits.record(seq: $0)?.seq } == [
                nil, 6, nil, 9, 10, nil, nil, nil,
            ]
        )
    }

    @Test func itAnswersWhatLiesWhollyWithinIt() {
        let exits = self.exits(1...5)
        #expect(exits.floor == 2)
        #expect(Self.seqs(exits.wholePage(ExitsQuery(after: 2, isAscending: true))) == [3, 4, 5])
        #expect(Self.seqs(exits.wholePage(ExitsQuery(after: 3, isAscending: false))) == [5, 4])
        #expect(exits.wholePage(ExitsQuery(after: 1, isAscending: true)) == nil)
        #expect(exits.wholePage(ExitsQuery(isAscending: true)) == nil)
        // The newest two, with the certainty that there is a third; of the newest three nobody knows what follows.
        #expect(Self.seqs(exits.wholePage(ExitsQuery(limit: 2))) == [5, 4])
        #expect(exits.wholePage(ExitsQuery(limit: 3)) == nil)
        #expect(exits.wholePage(ExitsQuery(causes: [.crashed], limit: 1)) == nil)
    }

    @Test func itGoesOnWhereTheAgentBeforeEnded() {
        var recovery = HistoryRecovery.nothing
        recovery.lastExitSeq = 7
        #expect(RecentExits(recovery).floor == 7)
        #expect(RecentExits(recovery).lastSeq == 7)
        // Fewer than are handed over are all that there are.
        recovery.newestExits = [5, 6].map { self.desk.exit($0) }
        #expect(RecentExits(recovery).floor == 0)
        #expect(RecentExits(recovery).lastSeq == 7)
        let maximum = Int64(RecentExits.maximumCount)
        recovery.newestExits = (11...(10 + maximum)).map { self.desk.exit($0) }
        recovery.lastExitSeq = 10 + maximum
        #expect(RecentExits(recovery).floor == 10)
    }

    @Test func whatTheHistoryLetsGoOfIsLetGoOf() {
        var exits = self.exits(1...8, capacity: 10)
        exits.trim(before: 4)
        #expect(exits.oldest == 4)
        #expect(exits.record(seq: 3) == nil)
        #expect(!exits.covers(after: 2))
        exits.trim(before: 20)
        #expect(exits.count == 0 && exits.indexSize == 0)
        #expect(exits.lastSeq == 8)
    }

    @Test func anExitBecomesDurableOnce() {
        var exits = RecentExits(capacity: 3)
        var record = self.desk.exit(1)
        record.isDurable = false
        exits.append(self.desk.exit(0))
        exits.append(record)
        let hasChanged = exits.markDurable([record.runID])
        #expect(hasChanged && exits.record(seq: 1)?.isDurable == true)
        let isStranger = exits.markDurable([self.desk.id()])
        #expect(!isStranger)
    }

    @Test func itsMemoryIsBounded() {
        let exits = self.exits(1...10_000, capacity: 100)
        #expect(exits.count == 100)
        #expect(exits.indexSize == 100)
        #expect(exits.oldest == 9_901)
    }
}
