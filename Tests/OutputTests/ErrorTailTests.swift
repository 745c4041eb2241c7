import Testing

@testable import Output

@Suite struct ErrorTailTests {
    private func lines(_ text: String, isWhole: Bool = true, limit: Int = 4096) -> [String] {
        ErrorTail.lines(Array(text.utf8), isWhole: isWhole, limit: limit)
    }

    @Test func linesStandWithoutTheirEnds() {
        #expect(self.lines("") == [])
        #expect(self.lines("\n") == [])
        #expect(self.lines("one\ntwo") == ["one", "two"])
        #expect(self.lines("one\r\n\ntwo\r\n") == ["one", "", "two"])
    }

    @Test func aFirstLineThatIsNotWholeIsLeftOutUnlessItIsTheOnlyOne() {
        #expect(self.lines("ne\ntwo\n", isWhole: false) == ["two"])
        #expect(self.lines("wo\n", isWhole: false) == ["wo"])
        #expect(self.lines("\nwhole\n", isWhole: false) == ["whole"])
    }

    @Test func noMoreThanTheLimitIsAnswered() {
        let many = (0..<1000).map { "line \($0)" }
        let tail = self.lines(many.joined(separator: "\n"))
        #expect(tail.joined(separator: "\n").utf8.count <= 4096)
        #expect(tail == many.suffix(tail.count) && tail.count > 300)
        let long = self.lines(String(repeating: "x", count: 5000) + "end")
        #expect(long.count == 1 && long[0].utf8.count <= 4096 && long[0].hasSuffix("xend"))
        #expect(self.lines("1234567890", limit: 10) == ["1234567890"])
        #expect(self.lines("12345\n7890", limit: 10) == ["12345", "7890"])
        #expect(self.lines("12345\n78901", limit: 10) == ["78901"])
    }

    @Test func whatIsNoUTF8IsReplaced() {
        let bytes: [UInt8] = [0xff, 0x61, 0xc3, 0x0a, 0xc3, 0xa9, 0x00, 0x0a]
        #expect(ErrorTail.lines(bytes, isWhole: true, limit: 4096) == ["\u{FFFD}a\u{FFFD}", "é\0"])
        let binary = [UInt8](repeating: 0xfe, count: 4097)
        let tail = ErrorTail.lines(binary, isWhole: false, limit: 4096)
        #expect(tail.count == 1 && tail[0].utf8.count <= 4096 && tail[0].utf8.count > 3500)
    }
}
