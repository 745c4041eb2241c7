import Testing

@testable import Configuration

@Suite struct TOMLDocumentTests {
    private func parse(_ text: String) throws -> [TOMLEntry] {
        try TOMLDocument.parse(Array(text.utf8))
    }

    private func place(_ line: Int, _ column: Int) -> TOMLPlace {
        TOMLPlace(line: line, column: column)
    }

    private func syntaxError(_ bytes: [UInt8]) -> TOMLDocument.SyntaxError? {
        do throws(TOMLDocument.SyntaxError) {
            _ = try TOMLDocument.parse(bytes)
            return nil
        } catch {
            return error
        }
    }

    @Test func readsEveryKindOfValueWithItsPlaces() throws {
        let entries = try self.parse(
            """
            z = "text"
              a = -42
            f = 1.5
            b = true
            d = 2027-12-31T00:00:00Z
            l = [ 1, "x" ]
            t = { k = 0x10 }
            """
        )
        #expect(entries.map(\.key) == ["z", "a", "f", "b", "d", "l", "t"])
        #expect(entries[0].place == self.place(1, 1))
        #expect(entries[0].value == TOMLValue(place: self.place(1, 5), content: .string("text")))
        #expect(entries[1].place == self.place(2, 3))
        #expect(entries[1].value == TOMLValue(place: self.place(2, 7), content: .integer(-42)))
        #expect(entries[2].value.content == .float(1.5))
        #expect(entries[3].value.content == .boolean(true))
        #expect(entries[4].value == TOMLValue(place: self.place(5, 5), content: .dateTime))
        let elements = [
            TOMLValue(place: self.place(6, 7), content: .integer(1)),
            TOMLValue(place: self.place(6, 10), content: .string("x")),
        ]
        #expect(entries[5].value == TOMLValue(place: self.place(6, 5), content: .array(elements)))
        let inner = TOMLEntry(
            key: "k",
            place: self.place(7, 7),
            value: TOMLValue(place: self.place(7, 11), content: .integer(16))
        )
        #expect(entries[6].value.content == .table([inner]))
    }

    @Test func keepsTheOrderOfTheFile() throws {
        let entries = try self.parse("[w.zebra]\n[w.ant]\n[a]\n[w.bee.x]\n[w.bee]\n")
        #expect(entries.map(\.key) == ["w", "a"])
        guard case .table(let workers) = entries[0].value.content else {
            Issue.record("not a table")
            return
        }
        #expect(workers.map(\.key) == ["zebra", "ant", "bee"])
        #expect(workers.map(\.place) == [self.place(1, 4), self.place(2, 4), self.place(4, 4)])
    }

    @Test func countsColumnsInCharacters() throws {
        let entries = try self.parse("\"äöü€😀\" = \"x\"\n")
        #expect(entries.map(\.key) == ["äöü€😀"])
        #expect(entries[0].value.place == self.place(1, 11))
    }

    @Test func readsLinesThatEndAsOnWindowsAndAByteOrderMark() throws {
        let entries = try self.parse("\u{FEFF}a = 1\r\n\r\nb = \"\"\"x\r\ny\"\"\"\r\nc = 2\r\n")
        #expect(entries.map(\.key) == ["a", "b", "c"])
        #expect(entries.map(\.place) == [self.place(1, 1), self.place(3, 1), self.place(5, 1)])
    }

    @Test(arguments: ["", "\n", "# nothing\n", "\u{FEFF}"])
    func anEmptyTextIsAnEmptyTable(_ text: String) throws {
        #expect(try self.parse(text).isEmpty)
    }

    @Test func keepsZeroBytesOfStrings() throws {
        let entries = try self.parse(#""a\u0000b" = "c\u0000d""#)
        #expect(entries.map(\.key) == ["a\0b"])
        #expect(entries[0].value.content == .string("c\0d"))
    }

    @Test func tellsThePlaceOfAMistakeOfSyntax() {
        #expect(self.syntaxError(Array("a = 1\nb = \n".utf8))?.place?.line == 2)
        #expect(self.syntaxError(Array("a = 1\na = 2\n".utf8))?.place == self.place(2, 5))
        #expect(self.syntaxError(Array("[t]\n[t]\n".utf8))?.place?.line == 2)
    }

    @Test(arguments: [
        [0x61, 0x3d, 0x22, 0xff, 0x22], [0x61, 0x3d, 0x22, 0xc3], [0x61, 0x3d, 0x22, 0xed, 0xa0, 0x80, 0x22],
        [0x61, 0x3d, 0x22, 0xc0, 0x80, 0x22], [0x61, 0x3d, 0x00], [0xff, 0xfe, 0x61, 0x00], [0xef, 0xbb],
    ])
    func refusesWhatIsNotUTF8(_ bytes: [UInt8]) {
        #expect(self.syntaxError(bytes) != nil)
    }

    @Test func boundsTheNestingOfValues() throws {
        func nested(_ depth: Int) -> String {
            "a = " + String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(try self.parse(nested(20)).count == 1)
        #expect(self.syntaxError(Array(nested(100).utf8)) != nil)
        #expect(self.syntaxError(Array(nested(400_000).utf8)) != nil)
        #expect(self.syntaxError(Array(String(repeating: "a={", count: 300_000).utf8)) != nil)
    }

    @Test func boundsThePartsOfKeys() throws {
        func dotted(_ parts: Int) -> String {
            Array(repeating: "a", count: parts).joined(separator: ".")
        }
        #expect(try self.parse("\(dotted(TOMLKeyDepth.maximum)) = 1").count == 1)
        #expect(try self.parse("[\(dotted(TOMLKeyDepth.maximum))]").count == 1)
        let tooMany = dotted(TOMLKeyDepth.maximum + 1)
        let place = self.place(1, 2 * TOMLKeyDepth.maximum)
        #expect(self.syntaxError(Array("\(tooMany) = 1".utf8))?.place == place)
        #expect(self.syntaxError(Array("b = 1\n[[\(tooMany)]]".utf8))?.place?.line == 2)
        #expect(self.syntaxError(Array("b = { \(tooMany) = 1 }".utf8)) != nil)
        #expect(self.syntaxError(Array("\(dotted(500_000)) = 1".utf8))?.message.contains("32 parts") == true)
        let quoted = Array(repeating: "\"=\"", count: 200_000).joined(separator: ".")
        #expect(self.syntaxError(Array("\(quoted) = 1".utf8))?.message.contains("32 parts") == true)
    }

    /// What the library's own assertions and marks of unreachable places do not bear.
    @Test(arguments: [
        "[=]", "[[=]]", "[ä]", "[a.ä]", "ä = 1", "a = ä", "a = ]", "a = }", "a = ,", "a = 00:0x:00", "\u{85}",
        "a\u{3000}= 1",
    ])
    func tellsThePlaceOfWhatTheLibraryDoesNotExpect(_ text: String) {
        #expect(self.syntaxError(Array("\n\(text)\n".utf8))?.place?.line == 2)
    }

    @Test func messagesAreOnOneLine() throws {
        let error = try #require(self.syntaxError(Array("a = \u{1b}[31m\n".utf8)))
        #expect(error.message.unicodeScalars.allSatisfy { $0.value >= 0x20 })
    }
}
