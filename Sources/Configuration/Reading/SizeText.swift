/// Numbers of bytes as people write them in the configuration: a whole number, with `K`, `M`, `G` or `T` for the powers of
/// 1024, such as `16M`. No fractions, signs, spaces or longer units.
enum SizeText {
    /// An example of every unit, for messages.
    static let examples = "\"512K\", \"256M\", \"2G\" or \"1T\""

    private static let units: [(name: String, bytes: Int64)] = [
        ("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10), ("", 1),
    ]

    /// The bytes that `text` says, or `nil` when it says none.
    static func parse(_ text: String) -> Int64? {
        let digits = text.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        let name = text.utf8.dropFirst(digits.count)
        guard !digits.isEmpty, let number = Int64(Substring(digits)) else { return nil }
        guard let unit = Self.units.first(where: { $0.name.utf8.elementsEqual(name) }) else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: unit.bytes)
        return overflow ? nil : bytes
    }

    /// The shortest text that `parse` reads as `bytes`.
    static func format(_ bytes: Int64) -> String {
        let unit = Self.units.first { bytes > 0 && bytes % $0.bytes == 0 } ?? ("", 1)
        return "\(bytes / unit.bytes)\(unit.name)"
    }
}
