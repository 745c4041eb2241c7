import Glibc
import Supervision
import TestSupport
import Testing

@testable import History

/// The queries of docs/history.md, run by the program that people use.
@Suite(.serialized) struct HistoryDocumentTests {
    /// The SQL blocks of the page.
    private func queries() throws -> [String] {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let page = String(decoding: try #require(contents(ofFile: "/\(root)/docs/history.md")), as: UTF8.self)
        var queries: [String] = []
        var block: [Substring]?
        for line in page.split(separator: "\n", omittingEmptySubsequences: false) {
            if line == "```sql" {
                block = []
            } else if line == "```", let lines = block {
                queries.append(lines.joined(separator: "\n"))
                block = nil
            } else {
                block?.append(line)
            }
        }
        return queries
    }

    /// A history of an hour that ended now: the OOM killer, a flapping worker, a restart.
    private func fill(_ directory: TemporaryDirectory) throws {
        let harness = WriterHarness(directory)
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let now = Timestamp(nanosecondsSinceEpoch: Int64(time.tv_sec) * 1_000_000_000)
        for number in 1...6 {
            var record = Samples.exit(number, worker: "web", cause: number % 3 == 0 ? .oomKilled : .crashed)
            record.instance = InstanceID(worker: "web", index: 0)
            record.endedAt = now.advanced(by: .seconds(number * 60 - 3600))
            record.uptime = .seconds(number)
            var status = InstanceStatus(id: record.instance)
            status.state = .running
            status.runID = Samples.run(number + 1)
            let up = InstanceChange(from: .starting, to: .running, status: status)
            harness.submit([
                Transition(id: 0, at: record.endedAt, change: .exit(record)),
                Transition(id: 0, at: record.endedAt.advanced(by: .milliseconds(250)), change: .instance(up)),
            ])
        }
        var restart = Operation(
            id: Samples.operation(1),
            action: .restart,
            workers: ["web"],
            requestedBy: "token:deploy",
            reason: "release 42",
            createdAt: now
        )
        restart.instances = [OperationInstance(instance: InstanceID(worker: "web", index: 0))]
        harness.submit([Samples.transition(.operation(restart))])
    }

    @Test func theDocumentedQueriesAnswerWhatTheyPromise() throws {
        let program = "/usr/bin/sqlite3"
        guard access(program, X_OK) == 0 else {
            print("skipped: there is no \(program)")
            return
        }
        let directory = try TemporaryDirectory()
        try self.fill(directory)
        let answers = try self.queries().map { query in
            let result = try run([program, "-readonly", directory.file("history.db"), query])
            #expect(result.code == 0 && result.errors.isEmpty, "\(result.errors)")
            return result.output.split(separator: "\n").map(String.init)
        }
        try #require(answers.count == 5)
        #expect(answers[0].count == 1 && answers[0][0].hasPrefix("web|0|6|3.5|"))
        #expect(answers[1].count == 6 && answers[1][0].contains("oom_killed"))
        // The hour may have begun on another day.
        let ooms = answers[2].map { $0.split(separator: "|") }
        #expect(ooms.compactMap { Int($0[2]) }.reduce(0, +) == 2 && ooms.allSatisfy { $0[1] == "web" && $0[3] == "50" })
        #expect(answers[3].count == 1 && answers[3][0].hasSuffix("|token:deploy|release 42|web|0|pending"))
        #expect(answers[4] == ["web|6|0.25|0.25"])
    }
}
