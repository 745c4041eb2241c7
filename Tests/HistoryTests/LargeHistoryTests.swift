import Supervision
import TestSupport
import Testing

@testable import History

/// A full table. Times are printed for people; what is asserted is that nothing grows with the table.
@Suite(.serialized) struct LargeHistoryTests {
    /// The second field of /proc/self/statm (proc(5)).
    private static var residentKilobytes: Int {
        let text = String(decoding: contents(ofFile: "/proc/self/statm") ?? [], as: UTF8.self)
        return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 4
    }

    @Test func aHundredThousandExitsAreWrittenAndFound() throws {
        let directory = try TemporaryDirectory()
        let harness = WriterHarness(directory)
        let count = 100_000
        let clock = SuspendingClock()
        var early = 0
        let writing = clock.measure {
            for first in stride(from: 1, through: count, by: 100) {
                harness.submit(
                    (first..<first + 100).flatMap { number in
                        let cause: ExitCause = number % 1000 == 0 ? .oomKilled : .errorExit
                        return [
                            Samples.exitTransition(number, worker: "w\(number % 20)", cause: cause),
                            Samples.backoff(after: number, worker: "w\(number % 20)"),
                        ]
                    }
                )
                harness.retain()
                harness.forgetWhatWasTold()
                if first == count / 5 + 1 {
                    early = Self.residentKilobytes
                }
            }
        }
        print("rate: \(Self.residentKilobytes - early) KiB more memory after 100,000 exits than after 20,000")
        let size = contents(ofFile: directory.file("history.db"))?.count ?? 0
        print("rate: the database has \(size / 1024) KiB")
        #expect((1...count * 2048).contains(size), "an exit with its transition takes no more than 2 KiB")
        print("rate: \(Int(Double(count) / writing.seconds)) exits a second, each with a transition, 100 in a commit")
        #expect(try harness.store().exitCount == count)
        let queries: [(String, ExitQuery)] = [
            ("one worker and cause", ExitQuery(workers: ["w0"], causes: [.oomKilled])),
            ("one worker and a rare cause", ExitQuery(workers: ["w3"], causes: [.oomKilled])),
            ("all workers, one cause", ExitQuery(causes: [.oomKilled])),
            (
                "20 workers, two causes",
                ExitQuery(workers: (0..<20).map { "w\($0)" }, causes: [.oomKilled, .errorExit])
            ),
            ("all", ExitQuery()),
        ]
        for (name, query) in queries {
            var page: ExitPage?
            let time = try clock.measure { page = try harness.page(query) }
            print("rate: \(name): \(page?.records.count ?? 0) rows in \(Double(time.nanoseconds / 1000) / 1000) ms")
        }
        let page = try harness.page(ExitQuery(workers: ["w0"], causes: [.oomKilled]))
        #expect(page.records.count == 100 && page.records.allSatisfy { $0.cause == .oomKilled })
    }
}
