/// Timestamps as the API and the history show them: RFC 3339 in UTC with milliseconds, such as `2026-11-22T10:00:00.123Z`.
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

    /// Reads a timestamp of RFC 3339, such as `2026-11-22T10:00:00Z` or `2026-11-22T11:00:00.5+01:00`, of the years 1970 to
    /// 2199; `nil` for any other text. What is finer than a nanosecond is dropped.
    public static func parse(_ text: String) -> Timestamp? {
        var reader = DigitReader(bytes: Array(text.utf8))
        guard let year = reader.number(4, in: 1970...2199), reader.take("-"),
            let month = reader.number(2, in: 1...12), reader.take("-"),
            let day = reader.number(2, in: 1...31), reader.take("T") || reader.take("t") || reader.take(" "),
            let hour = reader.number(2, in: 0...23), reader.take(":"),
            let minute = reader.number(2, in: 0...59), reader.take(":"),
            let second = reader.number(2, in: 0...60)
        else { return nil }
        let days = Self.days(fromYear: year, month: month, day: day)
        // A day that its month does not have comes out as one of the next.
        guard Self.civil(fromDays: days).day == day else { return nil }
        var nanoseconds: Int64 = 0
        if reader.take(".") {
            guard let fraction = reader.fraction() else { return nil }
            nanoseconds = fraction
        }
        var offset: Int64 = 0
        if !(reader.take("Z") || reader.take("z")) {
            let isNegative = reader.take("-")
            guard isNegative || reader.take("+"), let hours = reader.number(2, in: 0...23), reader.take(":"),
                let minutes = reader.number(2, in: 0...59)
            else { return nil }
            offset = (hours * 3600 + minutes * 60) * (isNegative ? -1 : 1)
        }
        guard reader.isAtEnd else { return nil }
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset
        return Timestamp(nanosecondsSinceEpoch: seconds * 1_000_000_000 + nanoseconds)
    }

    /// The other way round than `civil`.
    private static func days(fromYear year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = Self.floorDivided(shifted, by: 400)
        let yearOfEra = shifted - era * 400
        let monthFromMarch = month > 2 ? month - 3 : month + 9
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
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

private struct DigitReader {
    let bytes: [UInt8]
    private var position = 0

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    var isAtEnd: Bool {
        self.position == self.bytes.count
    }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard self.position < self.bytes.count, self.bytes[self.position] == UInt8(ascii: character) else {
            return false
        }
        self.position += 1
        return true
    }

    private mutating func digit() -> Int64? {
        guard self.position < self.bytes.count else { return nil }
        let byte = self.bytes[self.position]
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
        self.position += 1
        return Int64(byte - UInt8(ascii: "0"))
    }

    mutating func number(_ digits: Int, in range: ClosedRange<Int64>) -> Int64? {
        var number: Int64 = 0
        for _ in 0..<digits {
            guard let digit = self.digit() else { return nil }
            number = number * 10 + digit
        }
        return range.contains(number) ? number : nil
    }

    /// At least one digit after a decimal point, in nanoseconds.
    mutating func fraction() -> Int64? {
        guard var nanoseconds = self.digit().map({ $0 * 100_000_000 }) else { return nil }
        var scale: Int64 = 10_000_000
        while let digit = self.digit() {
            nanoseconds += digit * scale
            scale /= 10
        }
        return nanoseconds
    }
}
