import Glibc

/// A point on the wall clock as the API writes it, in milliseconds since 1970-01-01T00:00:00Z.
struct WallTime: Comparable, Sendable {
    var milliseconds: Int64

    init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    static var now: WallTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    /// Reads RFC 3339 in UTC, such as `2026-11-22T10:00:00.123Z`, with or without a fraction; `nil` for anything else.
    init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes.last == UInt8(ascii: "Z") else { return nil }
        func number(_ range: Range<Int>) -> Int64? {
            bytes[range].reduce(Int64?(0)) { sum, byte in
                guard let sum, byte >= 0x30, byte <= 0x39 else { return nil }
                return sum * 10 + Int64(byte - 0x30)
            }
        }
        let marks: [(Int, Character)] = [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")]
        for (index, mark) in marks where bytes[index] != mark.asciiValue {
            return nil
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
            let minute = number(14..<16), let second = number(17..<19), (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        var fraction: Int64 = 0
        if bytes.count > 20 {
            guard bytes[19] == UInt8(ascii: "."), bytes.count <= 30, number(20..<(bytes.count - 1)) != nil else {
                return nil
            }
            let digits = Array(bytes[20..<(bytes.count - 1)].prefix(3)) + [0x30, 0x30, 0x30]
            fraction = digits.prefix(3).reduce(0) { $0 * 10 + Int64($1 - 0x30) }
        }
        let days = Self.daysSinceEpoch(year: year, month: month, day: day)
        self.milliseconds = (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + fraction
    }

    /// Seconds from another time to this one; negative when this one is earlier.
    func seconds(since other: WallTime) -> Double {
        Double(self.milliseconds - other.milliseconds) / 1000
    }

    /// `10:05:00` on the day of `now`, else `2026-11-22 10:05:00`; in UTC, as the API.
    func short(now: WallTime) -> String {
        let time =
            Self.pair(self.secondsOfDay / 3600) + ":" + Self.pair(self.secondsOfDay / 60 % 60) + ":"
            + Self.pair(self.secondsOfDay % 60)
        return self.day == now.day ? time : "\(self.date) \(time)"
    }

    static func < (a: WallTime, b: WallTime) -> Bool {
        a.milliseconds < b.milliseconds
    }

    private static let millisecondsOfDay: Int64 = 86_400_000

    private var day: Int64 {
        (self.milliseconds - self.millisecondInDay) / Self.millisecondsOfDay
    }

    private var millisecondInDay: Int64 {
        let remainder = self.milliseconds % Self.millisecondsOfDay
        return remainder < 0 ? remainder + Self.millisecondsOfDay : remainder
    }

    private var secondsOfDay: Int64 { self.millisecondInDay / 1000 }

    /// Days are counted in years that begin in March, so that the leap day is the last one of its year.
    private static func daysSinceEpoch(year: Int64, month: Int64, day: Int64) -> Int64 {
        let marchYear = month <= 2 ? year - 1 : year
        let monthSinceMarch = (month + 9) % 12
        let leapDays = marchYear / 4 - marchYear / 100 + marchYear / 400
        return marchYear * 365 + leapDays + (monthSinceMarch * 153 + 2) / 5 + day - 1 - 719_468
    }

    private var date: String {
        var year = 1970 + self.day / 366
        while Self.daysSinceEpoch(year: year + 1, month: 1, day: 1) <= self.day {
            year += 1
        }
        var month: Int64 = 1
        while month < 12, Self.daysSinceEpoch(year: year, month: month + 1, day: 1) <= self.day {
            month += 1
        }
        let dayOfMonth = self.day - Self.daysSinceEpoch(year: year, month: month, day: 1) + 1
        return "\(year)-\(Self.pair(month))-\(Self.pair(dayOfMonth))"
    }

    private static func pair(_ number: Int64) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }
}
