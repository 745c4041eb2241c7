import Testing

@testable import Configuration

@Suite struct QuotedTests {
    @Test func escapesWhatATerminalWouldObey() {
        #expect(
            Quoted.text("a\n\t\r\0\u{1b}[31m\u{7f}\u{9b}\u{202e}ä")
                == "\"a\\n\\t\\r\\u0000\\u001B[31m\\u007F\\u009B\\u202Eä\""
        )
    }

    @Test func shortensWhatIsLong() {
        let fits = String(repeating: "x", count: Quoted.maximumLength)
        #expect(Quoted.text(fits) == "\"\(fits)\"")
        #expect(Quoted.text(fits + "yz") == "\"\(fits)…\"")
    }

    @Test func writesLists() {
        #expect(Quoted.list([]) == "")
        #expect(Quoted.list(["a"]) == "\"a\"")
        #expect(Quoted.list(["a", "b"], "or") == "\"a\" or \"b\"")
        #expect(Quoted.list(["a", "b", "c"]) == "\"a\", \"b\" and \"c\"")
    }
}
