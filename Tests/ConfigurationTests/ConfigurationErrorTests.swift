import Configuration
import Testing

@Suite struct ConfigurationErrorTests {
    private func problem(_ file: String, _ line: Int?, _ column: Int?, _ message: String = "m") -> ConfigurationProblem
    {
        ConfigurationProblem(file: file, line: line, column: column, message: message, advice: "a")
    }

    @Test func writesOneLineAProblem() {
        #expect(self.problem("f.toml", 12, 9).description == "f.toml:12:9: m; a")
        #expect(self.problem("f.toml", nil, nil).description == "f.toml: m; a")
        #expect(self.problem("f\n\u{1b}.toml", nil, nil).description == "f\\n\\u001B.toml: m; a")
        #expect(ConfigurationProblem(file: "f", line: 1, column: 2, message: "m").description == "f:1:2: m")
    }

    @Test func sortsByPlaceAndTellsNothingTwice() {
        let error = ConfigurationError([
            self.problem("b", 1, 1), self.problem("a", 10, 1), self.problem("a", 9, 2), self.problem("a", 9, 2),
            self.problem("a", 9, 1, "n"), self.problem("a", 9, 1), self.problem("a", nil, nil),
        ])
        #expect(error.description == "a: m; a\na:9:1: m; a\na:9:1: n; a\na:9:2: m; a\na:10:1: m; a\nb:1:1: m; a")
    }

    @Test func boundsWhatIsTold() {
        let limit = ConfigurationError.maximumProblems
        let error = ConfigurationError((1...(limit + 7)).map { self.problem("f", $0, 1) })
        #expect(error.problems.count == limit)
        #expect(error.problems.last?.line == limit)
        #expect(error.omitted == 7)
        #expect(error.description.hasSuffix("\nand 7 more"))
        #expect(ConfigurationError([self.problem("f", 1, 1)]).omitted == 0)
    }
}
