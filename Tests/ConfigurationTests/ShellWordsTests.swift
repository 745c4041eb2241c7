import Testing

@testable import Configuration

@Suite struct ShellWordsTests {
    struct Example: CustomTestStringConvertible, Sendable {
        var text: String
        var words: [String]

        init(_ text: String, _ words: [String]) {
            self.text = text
            self.words = words
        }

        var testDescription: String { self.text }
    }

    @Test(arguments: [
        Example("", []), Example(" \t\n ", []), Example("a", ["a"]), Example(" a  b\tc\nd ", ["a", "b", "c", "d"]),
        Example("'a b' c", ["a b", "c"]), Example("\"a b\"c'd e'", ["a bcd e"]), Example("'' \"\" x", ["", "", "x"]),
        Example(#"a\ b \'c\'"#, ["a b", "'c'"]), Example(#""\$1 \"q\" \\ \x""#, [#"$1 "q" \ \x"#]),
        Example(#"'\n $x | ; & < > `'"#, [#"\n $x | ; & < > `"#]),
        Example(#"\| \$ \; \& \< \> \`"#, ["|", "$", ";", "&", "<", ">", "`"]),
        Example("a\\\nb", ["ab"]), Example("\"a\\\nb\"", ["ab"]), Example("\"a|b;c&d<e>f\"", ["a|b;c&d<e>f"]),
        Example("echo *.c ~ #x {worker}", ["echo", "*.c", "~", "#x", "{worker}"]), Example("ä 'ö ü'", ["ä", "ö ü"]),
    ])
    func splitsAsTheShellDoes(_ example: Example) throws {
        #expect(try ShellWords.split(example.text) == example.words)
    }

    @Test(arguments: ["|", "&", ";", "<", ">", "$", "`"])
    func refusesWhatAShellWouldActOn(_ character: String) {
        for text in ["a \(character) b", "a\(character)", "'x'\(character)", "\(character)\u{301}"] {
            #expect(throws: ShellWords.Failure.needsShell(character)) { try ShellWords.split(text) }
        }
    }

    @Test(arguments: ["$", "`"])
    func refusesWhatAShellWouldExpandInDoubleQuotes(_ character: String) {
        #expect(throws: ShellWords.Failure.needsShell(character)) { try ShellWords.split("echo \"\(character)HOME\"") }
    }

    @Test func refusesWhatIsNotFinished() {
        #expect(throws: ShellWords.Failure.unclosed("'")) { try ShellWords.split("a 'b") }
        #expect(throws: ShellWords.Failure.unclosed("\"")) { try ShellWords.split("a \"b") }
        #expect(throws: ShellWords.Failure.unclosed("\"")) { try ShellWords.split("a \"b\\") }
        #expect(throws: ShellWords.Failure.trailingBackslash) { try ShellWords.split("a \\") }
    }
}
