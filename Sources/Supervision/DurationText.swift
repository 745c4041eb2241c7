/// Durations as people write them in the configuration and in queries: a whole number and a unit, such as `500ms`, `30s`,
/// `5m`, `2h` or `90d`. Fractions, signs, spaces and sums such as `1h30m` are not part of the form.
public enum DurationText {
    /// Ten years: longer ones are refused, so that no sum of a time and a duration leaves its range.
    public static let maximum = Duration.seconds(3650 * 86400)

    /// An example of every unit, for messages.
    public static let examples = "\"500ms\", \"30s\", \"5m\", \"2h\" or \"90d\""

    private static let units: [(name: String, milliseconds: Int64)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    /// The duration that `text` says, or `nil` when it is none or longer than `maximum`.
    public static func parse(_ text: String) -> Duration? {
        let digits = text.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        let name = text.utf8.dropFirst(digits.count)
        guard !digits.isEmpty, let number = Int64(Substring(digits)) else { return nil }
        guard let unit = Self.units.first(where: { $0.name.utf8.elementsEqual(name) }) else { return nil }
        let (milliseconds, overflow) = number.multipliedReportingOverflow(by: unit.milliseconds)
        guard !overflow, .milliseconds(milliseconds) <= Self.maximum else { return nil }
        return .milliseconds(milliseconds)
    }

    /// The shortest text that `parse` reads as `duration`, which is rounded down to milliseconds.
    public static func format(_ duration: Duration) -> String {
        let milliseconds = max(0, duration.nanoseconds / 1_000_000)
        guard milliseconds > 0 else { return "0s" }
        let unit = Self.units.last { milliseconds % $0.milliseconds == 0 } ?? Self.units[0]
        return "\(milliseconds / unit.milliseconds)\(unit.name)"
    }
}
