import Supervision
import TestSupport
import Testing

@testable import History

@Suite struct ExitQueryTests {
    private let harness: WriterHarness
    private let records: [ExitRecord]

    init() throws {
        self.harness = WriterHarness(try TemporaryDirectory())
        let causes: [ExitCause] = [.errorExit, .crashed, .finished, .oomKilled, .stopped]
        let workers = ["web", "db", "mail", "cron"]
        self.harness.submit(
            (1...300).map { number in
                Samples.exitTransition(number, worker: workers[number * 7 % 4], cause: causes[number * 11 % 5])
            }
        )
        self.records = self.harness.publishedExits
    }

    /// What the query asks for, told from all records.
    private func expected(_ query: ExitQuery) -> [Int64] {
        let matching = self.records.filter(query.matches).map(\.seq)
        return Array((query.isAscending ? matching : matching.reversed()).prefix(query.limit))
    }

    @Test(arguments: [11, 22, 33]) func randomQueriesAnswerWhatAFilterOverAllWould(_ seed: UInt64) throws {
        var generator = SeededGenerator(state: seed)
        for _ in 0..<400 {
            var query = ExitQuery(
                limit: .random(in: 1...320, using: &generator),
                isAscending: .random(using: &generator)
            )
            if Bool.random(using: &generator) {
                query.workers = ["web", "db", "mail", "nobody"].filter { _ in Bool.random(using: &generator) }
            }
            if Bool.random(using: &generator) {
                query.causes = ExitCause.allCases.filter { _ in Bool.random(using: &generator) }
            }
            if Bool.random(using: &generator) {
                query.since = Samples.time(.random(in: -10...3200, using: &generator))
            }
            if Bool.random(using: &generator) {
                query.after = .random(in: 0...310, using: &generator)
            }
            if Bool.random(using: &generator) {
                query.before = .random(in: 0...310, using: &generator)
            }
            let page = try self.harness.page(query)
            #expect(page.records.map(\.seq) == self.expected(query), "\(query)")
            #expect(page.oldest == 1 && page.newest == 300)
        }
    }

    @Test func pagesFollowEachOtherWithoutGapsInBothOrders() throws {
        var query = ExitQuery(workers: ["web"], limit: 7, isAscending: true)
        var seen: [Int64] = []
        repeat {
            let page = try self.harness.page(query)
            seen += page.records.map(\.seq)
            query.after = page.next
        } while query.after != 300
        #expect(seen == self.records.filter { $0.instance.worker == "web" }.map(\.seq))

        query = ExitQuery(workers: ["web"], limit: 7)
        var back: [Int64] = []
        repeat {
            let page = try self.harness.page(query)
            back += page.records.map(\.seq)
            query.before = page.next
        } while query.before != nil
        #expect(back == seen.reversed())
    }

    @Test func whoFollowsGoesOnBehindTheNewestAlsoWhenNothingMatched() throws {
        let nothing = ExitQuery(workers: ["nobody"], after: 10, isAscending: true)
        #expect(try self.harness.page(nothing) == ExitPage(records: [], next: 300, oldest: 1, newest: 300))
        let beyond = ExitQuery(after: 400, isAscending: true)
        #expect(try self.harness.page(beyond).next == 400)
        let bounded = ExitQuery(after: 10, before: 13, isAscending: true)
        #expect(try self.harness.page(bounded).records.map(\.seq) == [11, 12])
    }

    @Test func anEmptyHistoryHasNoPage() throws {
        let empty = WriterHarness(try TemporaryDirectory())
        #expect(try empty.page(ExitQuery()) == ExitPage(records: [], next: nil, oldest: nil, newest: nil))
        #expect(try empty.page(ExitQuery(after: 5, isAscending: true)).next == 5)
    }

    @Test func oneExitIsFoundByItsNumberAndByItsRun() throws {
        let store = try self.harness.store()
        #expect(try store.exit(seq: 17) == self.records[16])
        #expect(try store.exit(ofRun: Samples.run(17)) == self.records[16])
        #expect(try store.exit(seq: 301) == nil)
        #expect(store.workersWithExits() == ["cron", "db", "mail", "web"])
        let ofWeb = self.records.last { $0.instance == InstanceID(worker: "web", index: 0) }
        #expect(try store.newestExit(of: InstanceID(worker: "web", index: 0)) == ofWeb)
    }

    @Test func everyQueryWalksAlongAnIndex() throws {
        let store = try self.harness.store()
        for (hasWorker, hasCause) in [(true, true), (true, false), (false, true), (false, false)] {
            for hasSince in [true, false] {
                for isAscending in [true, false] {
                    let sql = HistoryStore.walk(
                        hasWorker: hasWorker,
                        hasCause: hasCause,
                        hasSince: hasSince,
                        isAscending: isAscending
                    )
                    let plan = try store.connection.rows("EXPLAIN QUERY PLAN \(sql)") { row in
                        _ = row.int64()
                        _ = row.int64()
                        _ = row.int64()
                        return row.text()
                    }
                    let ends = plan.joined(separator: "; ")
                    #expect(!ends.contains("SCAN"), "\(sql): \(ends)")
                    if hasWorker || hasCause {
                        #expect(
                            ends.contains("USING COVERING INDEX") && !ends.contains("TEMP B-TREE"),
                            "\(sql): \(ends)"
                        )
                    }
                }
            }
        }
    }
}
