import Configuration
import Supervision
import Testing

@Suite struct FullExampleTests {
    @Test func onlyLacksWhatIsNotSupportedYet() {
        let problems = TestSystem().problems(fullExample)
        #expect(problems.count == 33)
        for problem in problems {
            #expect(problem.message.contains("not supported yet"), "\(problem)")
            #expect(problem.line != nil)
        }
    }

    @Test func isRightWithoutThat() throws {
        // What is refused stands on a line of its own, whose removal leaves a right file.
        var lines = fullExample.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        for problem in TestSystem().problems(fullExample) {
            lines[try #require(problem.line) - 1] = ""
        }
        let skipped = [
            "[[control.tokens]]", ".ready]", ".health]", ".resources]", ".check]", "http = \"tcp:",
        ]
        lines.removeAll { line in skipped.contains { line.prefix { $0 != "#" }.contains($0) } }
        // A listener on all addresses needs the TLS that was on a removed line.
        lines = lines.map { $0 == "max_role = \"operate\"" ? "max_role = \"monitor\"" : $0 }
        let text = lines.joined(separator: "\n")
        let settings = try TestSystem().loadText(text, isRoot: true)
        #expect(settings.workers.map(\.name) == ["web"])
        #expect(settings.control.listeners.map(\.port) == [9190, 9191])
        #expect(settings.history == HistorySettings())
        #expect(settings.workers.first?.noRestart == [.code(78)])
    }
}
