internal import Supervision

/// The text of the column `transcript`: `[{"at":"…","text":"…"}]`. SQLite's JSON functions read it.
enum TranscriptJSON {
    static func text(_ lines: [TranscriptLine]) -> String {
        var text = "["
        for line in lines {
            text += text.utf8.count > 1 ? ",{\"at\":\"" : "{\"at\":\""
            text += TimestampText.format(line.at)
            text += "\",\"text\":\""
            self.append(line.text, to: &text)
            text += "\"}"
        }
        return text + "]"
    }

    /// With the escapes of RFC 8259, section 7.
    private static func append(_ string: String, to text: inout String) {
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\t": text += "\\t"
            // SQLite's texts end at a zero character when they come out of JSON.
            case "\0": text += "\u{fffd}"
            case "\u{1}"..."\u{1f}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u00" + (digits.count == 1 ? "0" : "") + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
    }
}
