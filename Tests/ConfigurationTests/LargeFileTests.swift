import Configuration
import Testing

@Suite struct LargeFileTests {
    private static let limit = ConfigurationLoader.maximumFileSize

    /// `line` as often as it fits into the largest file.
    private func filled(_ line: (Int) -> String) -> String {
        var text = ""
        var number = 0
        while true {
            let next = line(number)
            guard text.utf8.count + next.utf8.count <= Self.limit else { return text }
            text += next
            number += 1
        }
    }

    @Test func aFileBeyondTheLimitIsRefused() {
        let text = String(repeating: "#", count: Self.limit)
        #expect(TestSystem().problems(text).isEmpty)
        #expect(
            TestSystem().problems(text + "#").map(\.description) == [
                "reeve.toml: cannot read this file: it is larger than 1048576 bytes, the limit of a file"
            ]
        )
    }

    @Test func tensOfThousandsOfMistakesAreBounded() throws {
        let text = (0..<20_000).map { "key\($0) = 1\n" }.joined()
        let error = #expect(throws: ConfigurationError.self) { try TestSystem().loadText(text) }
        #expect(error?.problems.count == ConfigurationError.maximumProblems)
        #expect(error?.omitted == 20_000 - ConfigurationError.maximumProblems)
    }

    @Test func thousandsOfWorkersAreRead() throws {
        let limit = ConfigurationLoader.maximumWorkers
        func workers(_ count: Int) -> String {
            (0..<count).map { "[workers.w\($0)]\ncommand=\"x\"\n" }.joined()
        }
        #expect(try TestSystem().loadText(workers(limit)).workers.count == limit)
        let problems = TestSystem().problems(workers(limit + 100))
        #expect(problems.map(\.message) == ["there are more than 10000 workers"])
        #expect(problems.map(\.line) == [2 * limit + 1])
    }

    @Test func manyTablesInOneAnotherAreRead() {
        #expect(!TestSystem().problems(self.filled { "[a.b\($0).c]\n" }).isEmpty)
        #expect(!TestSystem().problems(self.filled { "a.b\($0).c=1\n" }).isEmpty)
    }
}
