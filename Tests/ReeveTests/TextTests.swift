import Testing

@testable import reeve

@Suite struct WallTimeTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00.000Z", 0), ("2026-11-22T10:05:00.456Z", 1_795_341_900_456),
        ("2024-02-29T23:59:59Z", 1_709_251_199_000), ("2000-03-01T00:00:00.5Z", 951_868_800_500),
        ("2026-11-22T10:05:00.123456Z", 1_795_341_900_123),
    ])
    func timestampsAreRead(text: String, milliseconds: Int64) {
        #expect(WallTime(text)?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        "", "2026-11-22", "2026-11-22T10:05:00", "2026-11-22T10:05:00+01:00", "2026-13-22T10:05:00Z",
        "2026-11-22T10:05:00.Zx", "2026/11/22T10:05:00Z", "2026-11-22T1a:05:00Z", "2026-11-22T10:05:00.1x3Z",
    ])
    func anythingElseIsNoTimestamp(text: String) {
        #expect(WallTime(text) == nil)
    }

    @Test func theDateIsShownOnOtherDaysOnly() throws {
        let now = try #require(WallTime("2026-11-22T10:05:00Z"))
        #expect(try #require(WallTime("2026-11-22T00:00:01.999Z")).short(now: now) == "00:00:01")
        #expect(try #require(WallTime("2026-11-21T23:59:59Z")).short(now: now) == "2026-11-21 23:59:59")
        #expect(try #require(WallTime("2024-02-29T12:00:00Z")).short(now: now) == "2024-02-29 12:00:00")
        #expect(try #require(WallTime("2023-12-31T12:00:00Z")).short(now: now) == "2023-12-31 12:00:00")
    }

    @Test func everyDayOfFourYearsHasItsDate() throws {
        let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        let now = WallTime(milliseconds: 0)
        var days = 20_454  // 2026-01-01
        for year in 2026...2029 {
            for (month, length) in lengths.enumerated() {
                for day in 1...(month == 1 && year % 4 == 0 ? 29 : length) {
                    func pair(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
                    let date = "\(year)-\(pair(month + 1))-\(pair(day))"
                    let time = WallTime(milliseconds: Int64(days) * 86_400_000)
                    try #require(time.short(now: now) == "\(date) 00:00:00")
                    try #require(WallTime("\(date)T00:00:00Z") == time)
                    days += 1
                }
            }
        }
    }
}

@Suite struct DurationWordsTests {
    @Test(arguments: [
        (-1, "0ms"), (0, "0ms"), (0.0123, "12ms"), (0.1, "0.1s"), (0.85, "0.8s"), (9.99, "9.9s"), (10, "10s"),
        (59.9, "59s"), (60, "1m 0s"), (725, "12m 5s"), (3599.9, "59m 59s"), (11_040, "3h 4m"), (273_600, "3d 4h"),
        (1e300, "11574074074d 1h"),
    ])
    func durationsAreTwoUnitsAtMost(seconds: Double, words: String) {
        #expect(DurationWords.short(seconds) == words)
    }

    @Test(arguments: [
        (-5, "just now"), (0.9, "just now"), (42, "42s ago"), (119, "1m ago"), (7199, "1h ago"), (172_800, "2d ago"),
    ])
    func timesAgoAreOneUnit(seconds: Double, words: String) {
        #expect(DurationWords.ago(seconds) == words)
    }
}

@Suite struct PrintableTests {
    @Test func whatATerminalWouldActOnIsShown() {
        #expect(Printable.line("plain é 日本") == "plain é 日本")
        #expect(Printable.line("\u{1b}[2Jgone\u{7}\r\n") == #"\x1b[2Jgone\x07\x0d\x0a"#)
        #expect(Printable.line("a\tb") == "a b")
        #expect(Printable.line("\u{9b}31m\u{7f}") == #"\x9b31m\x7f"#)
        #expect(Printable.line("user\u{202e}txt.exe") == #"user\u{202e}txt.exe"#)
    }
}

@Suite struct TableTests {
    private func table() -> Table {
        var table = Table(header: ["NAME", "N", "WORDS"], rightAligned: [1])
        table.append([Table.Cell("web", color: .green), Table.Cell("7"), Table.Cell("all is well here, thank you")])
        table.append([Table.Cell("longer"), Table.Cell("123"), Table.Cell("")])
        return table
    }

    @Test func columnsStandBelowEachOther() {
        #expect(
            self.table().render(width: nil, style: .plain) == """
                NAME      N  WORDS
                web       7  all is well here, thank you
                longer  123

                """
        )
    }

    @Test func theLastColumnIsCutToTheTerminal() {
        #expect(
            self.table().render(width: 30, style: .plain) == """
                NAME      N  WORDS
                web       7  all is well here…
                longer  123

                """
        )
        let narrow = self.table().render(width: 5, style: .plain)
        #expect(narrow.split(separator: "\n")[1] == "web       7  all is well…")
    }

    @Test func coloursTakeNoRoom() {
        let lines = self.table().render(width: nil, style: .colored).split(separator: "\n")
        #expect(lines[1] == "\u{1b}[32mweb\u{1b}[0m       7  all is well here, thank you")
        #expect(lines[0].hasPrefix("\u{1b}[1mNAME\u{1b}[0m    "))
    }

    @Test func rowsThatComeLaterStandBelowEarlierOnes() {
        var table = self.table()
        _ = table.render(width: nil, style: .plain)
        table.removeRows()
        table.append([Table.Cell("x"), Table.Cell("1"), Table.Cell("y")])
        #expect(table.render(width: nil, style: .plain, withHeader: false) == "x         1  y\n")
    }
}
