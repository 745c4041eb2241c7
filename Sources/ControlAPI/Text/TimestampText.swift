public import Supervision

/// Timestamps as the API shows them: RFC 3339 in UTC with milliseconds, such as `2026-11-22T10:00:00.123Z`.
public enum TimestampText {
    public static func format(_ timestamp: Timestamp) -> String {
        // Rounded down, before 1970 too, so that the text never names a later instant.
        let milliseconds = Self.floorDivided(timestamp.nanosecondsSinceEpoch, by: 1_000_000)
        let seconds = Self.floorDivided(milliseconds, by: 1000)
        let days = Self.floorDivided(seconds, by: 86_400)
        let date = Self.civil(fromDays: days)
        let second = Int(seconds - days * 86_400)
        return String(unsafeUninitializedCapacity: 24) { buffer in
            var writer = DigitWriter(buffer: buffer)
            writer.put(date.year, digits: 4, then: "-")
            writer.put(date.month, digits: 2, then: "-")
            writer.put(date.day, digits: 2, then: "T")
            writer.put(second / 3600, digits: 2, then: ":")
            writer.put(second / 60 % 60, digits: 2, then: ":")
            writer.put(second % 60, digits: 2, then: ".")
            writer.put(Int(milliseconds - seconds * 1000), digits: 3, then: "Z")
            return writer.position
        }
    }

    /// The date of the proleptic Gregorian calendar that is `days` after 1970-01-01.
    ///
    /// Years begin in March here, so that the leap day is the last one of its year; 400 of them have 146,097 days. An
    /// Int64 of nanoseconds reaches from 1677 to 2262, so the year always has four digits.
    private static func civil(fromDays days: Int64) -> (year: Int, month: Int, day: Int) {
        // 719,468 days lie between 0000-03-01 and 1970-01-01.
        let shifted = days + 719_468
        let era = Self.floorDivided(shifted, by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        // The months from March have 153 days in every five.
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (Int(year), Int(month), Int(day))
    }

    private static func floorDivided(_ value: Int64, by divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }
}

private struct DigitWriter {
    let buffer: UnsafeMutableBufferPointer<UInt8>
    var position = 0

    mutating func put(_ value: Int, digits: Int, then separator: Unicode.Scalar) {
        var rest = value
        for index in stride(from: self.position + digits - 1, through: self.position, by: -1) {
            self.buffer[index] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
        self.position += digits
        self.buffer[self.position] = UInt8(ascii: separator)
        self.position += 1
    }
}
