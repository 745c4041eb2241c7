/// Texts of a file inside messages: on one line, without bytes that a terminal would obey, and not too long.
enum Quoted {
    /// How much of a text is shown, in characters.
    static let maximumLength = 60

    /// `text` in quotation marks, shortened.
    static func text(_ text: String) -> String {
        let start = text.prefix(Self.maximumLength)
        let rest = start.endIndex == text.endIndex ? "" : "…"
        return "\"\(Self.printable(String(start)))\(rest)\""
    }

    /// `text` with its control characters as escapes of TOML; those that turn the direction of writing are among them.
    static func printable(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x0a: result += "\\n"
            case 0x09: result += "\\t"
            case 0x0d: result += "\\r"
            case 0..<0x20, 0x7f..<0xa0, 0x200e...0x200f, 0x2028...0x202e, 0x2066...0x2069, 0xfeff:
                let digits = String(scalar.value, radix: 16, uppercase: true)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// `a, b and c`.
    static func list(_ names: some Sequence<String>, _ word: String = "and") -> String {
        let names = names.map { "\"\($0)\"" }
        guard let last = names.last, names.count > 1 else { return names.joined() }
        return names.dropLast().joined(separator: ", ") + " \(word) " + last
    }
}
