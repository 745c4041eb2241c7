/// Splits a command that is written as one string, by the quoting rules of the shell (POSIX.1-2017, Shell Command
/// Language, 2.2). Nothing is expanded and no shell is run.
struct ShellWords {
    enum Failure: Error, Equatable, Sendable {
        /// A character that would make a shell do something, and so cannot be meant as it stands.
        case needsShell(String)
        /// A quote of this kind that nothing closes.
        case unclosed(String)
        /// A backslash at the very end.
        case trailingBackslash
    }

    private var rest: ArraySlice<UInt8>

    /// The words of `text`; none for one that is empty or blank.
    ///
    /// `|`, `&`, `;`, `<`, `>`, `$` and the backquote are refused where a shell would act on them: unquoted, and the last
    /// two in double quotes as well.
    static func split(_ text: String) throws(Failure) -> [String] {
        // Bytes, because a combining mark would make another `Character` of a `|`.
        var splitter = ShellWords(rest: Array(text.utf8)[...])
        return try splitter.words()
    }

    private mutating func words() throws(Failure) -> [String] {
        var words: [String] = []
        // `nil` between words: a pair of quotes makes a word, be it an empty one.
        var word: [UInt8]?
        while let byte = self.rest.popFirst() {
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                if let finished = word {
                    words.append(String(decoding: finished, as: UTF8.self))
                    word = nil
                }
            case UInt8(ascii: "'"):
                guard let end = self.rest.firstIndex(of: byte) else { throw .unclosed("'") }
                word = (word ?? []) + self.rest[..<end]
                self.rest = self.rest[(end + 1)...]
            case UInt8(ascii: "\""): word = (word ?? []) + (try self.doubleQuoted())
            case UInt8(ascii: "\\"):
                guard let next = self.rest.popFirst() else { throw .trailingBackslash }
                // A backslash before a line's end joins the lines.
                if next != UInt8(ascii: "\n") {
                    word = (word ?? []) + [next]
                }
            case UInt8(ascii: "|"), UInt8(ascii: "&"), UInt8(ascii: ";"), UInt8(ascii: "<"), UInt8(ascii: ">"),
                UInt8(ascii: "$"), UInt8(ascii: "`"):
                throw .needsShell(String(decoding: [byte], as: UTF8.self))
            default: word = (word ?? []) + [byte]
            }
        }
        if let word {
            words.append(String(decoding: word, as: UTF8.self))
        }
        return words
    }

    /// The bytes up to the closing double quote, which is taken as well.
    private mutating func doubleQuoted() throws(Failure) -> [UInt8] {
        var text: [UInt8] = []
        while let byte = self.rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""): return text
            case UInt8(ascii: "$"), UInt8(ascii: "`"): throw .needsShell(String(decoding: [byte], as: UTF8.self))
            case UInt8(ascii: "\\"):
                guard let next = self.rest.popFirst() else { throw .unclosed("\"") }
                switch next {
                case UInt8(ascii: "$"), UInt8(ascii: "`"), UInt8(ascii: "\""), byte: text.append(next)
                case UInt8(ascii: "\n"): break
                default: text += [byte, next]
                }
            default: text.append(byte)
            }
        }
        throw .unclosed("\"")
    }
}
