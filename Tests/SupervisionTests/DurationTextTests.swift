import Testing

@testable import Supervision

@Suite struct DurationTextTests {
    @Test(arguments: [
        ("500ms", Duration.milliseconds(500)), ("30s", .seconds(30)), ("5m", .seconds(300)), ("2h", .seconds(7200)),
        ("90d", .seconds(90 * 86400)), ("0s", .zero), ("007s", .seconds(7)), ("3650d", DurationText.maximum),
    ])
    func readsANumberAndAUnit(_ example: (text: String, duration: Duration)) {
        #expect(DurationText.parse(example.text) == example.duration)
    }

    @Test(arguments: [
        "", "30", "s", "ms", "1.5s", "-1s", "+1s", " 1s", "1s ", "1 s", "1S", "1h30m", "1w", "1us", "1sec", "0x1s",
        "٣s",
        "3651d", "99999999999999999999s", "9223372036854775807d", "1s\0", "1s\u{301}",
    ])
    func readsNothingElse(_ text: String) {
        #expect(DurationText.parse(text) == nil)
    }

    @Test func writesWhatItReads() {
        for text in ["1ms", "1500ms", "30s", "90s", "5m", "2h", "36h", "90d", "0s"] {
            #expect(DurationText.parse(text).map(DurationText.format) == text)
        }
        #expect(DurationText.format(.seconds(120)) == "2m")
        #expect(DurationText.format(.microseconds(1500)) == "1ms")
        #expect(DurationText.format(.seconds(-1)) == "0s")
    }
}
