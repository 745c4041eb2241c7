import Supervision
import Testing

@Suite struct TimestampTextTests {
    private static func text(_ nanoseconds: Int64) -> String {
        TimestampText.format(Timestamp(nanosecondsSinceEpoch: nanoseconds))
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_795_341_600_123_999_999, "2026-11-22T10:00:00.123Z"),
        (951_782_399_000_000_000, "2000-02-28T23:59:59.000Z"),
        (951_782_400_000_000_000, "2000-02-29T00:00:00.000Z"),
        (4_107_542_399_999_000_000, "2100-02-28T23:59:59.999Z"),
        (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (Int64.max, "2262-04-11T23:47:16.854Z"),
        (Int64.min, "1677-09-21T00:12:43.145Z"),
    ])
    func formatsInUTCRoundedDownToMilliseconds(nanoseconds: Int64, text: String) {
        #expect(Self.text(nanoseconds) == text)
    }

    @Test func everyDayOfFiveCenturiesFollowsTheOneBefore() {
        var expected = (year: 1678, month: 1, day: 1)
        var days: Int64 = -106_650
        while expected.year < 2262 {
            let (year, month, day) = (expected.year, expected.month, expected.day)
            let padded = [String(year), month < 10 ? "0\(month)" : "\(month)", day < 10 ? "0\(day)" : "\(day)"]
            let text = Self.text(days * 86_400_000_000_000)
            guard text == padded.joined(separator: "-") + "T00:00:00.000Z" else {
                Issue.record("\(days) days: \(text) instead of \(padded)")
                return
            }
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            let length = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
            if day < length {
                expected.day += 1
            } else {
                expected = month < 12 ? (year, month + 1, 1) : (year + 1, 1, 1)
            }
            days += 1
        }
    }

    @Test(arguments: [
        "1970-01-01T00:00:00.000Z", "2026-11-22T10:00:00.123Z", "2000-02-29T23:59:59.999Z", "2199-12-31T23:59:59.000Z",
    ])
    func readsWhatItWrites(text: String) throws {
        #expect(TimestampText.format(try #require(TimestampText.parse(text))) == text)
    }

    @Test(arguments: [
        ("2026-11-22T10:00:00Z", "2026-11-22T10:00:00.000Z"),
        ("2026-11-22t10:00:00.5z", "2026-11-22T10:00:00.500Z"),
        ("2026-11-22 11:30:00+01:30", "2026-11-22T10:00:00.000Z"),
        ("2026-11-22T09:59:59.123456789999-00:00", "2026-11-22T09:59:59.123Z"),
    ])
    func readsTheFormsOfRFC3339(text: String, same: String) throws {
        #expect(TimestampText.format(try #require(TimestampText.parse(text))) == same)
    }

    @Test(arguments: [
        "", "2h", "2026-11-22", "2026-11-22T10:00:00", "2026-11-22T10:00Z", "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T10:00:00.Z",
        "2026-11-22T10:00:00Zx", "2026-11-22T10:00:00+0100", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z",
        "2026-11-2²T10:00:00Z",
    ])
    func refusesAnythingElse(text: String) {
        #expect(TimestampText.parse(text) == nil)
    }
}
