/// Makes text harmless that a worker, or whoever spoke to it, may have written: a terminal would act on its control
/// characters.
enum Printable {
    /// The text on one line: control characters (C0, DEL, C1) and the characters that change the direction of text are
    /// shown as `\x1b` or `\u{202e}`.
    static func line(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: Self.isHarmful) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            guard Self.isHarmful(scalar) else {
                result.unicodeScalars.append(scalar)
                continue
            }
            let digits = String(scalar.value, radix: 16)
            if scalar == "\t" {
                result += " "
            } else if scalar.value < 0x100 {
                result += "\\x" + (digits.count < 2 ? "0" : "") + digits
            } else {
                result += "\\u{\(digits)}"
            }
        }
        return result
    }

    private static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7f..<0xa0, 0x200e, 0x200f, 0x2028...0x202e, 0x2066...0x2069: true
        default: false
        }
    }
}
