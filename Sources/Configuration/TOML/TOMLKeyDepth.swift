/// Bounds the parts of dotted keys (`a.b.c`) before the parser sees them: it makes a table of each part and takes them
/// apart recursively, so a key of a hundred thousand parts would end the program for want of stack.
enum TOMLKeyDepth {
    /// No key of a configuration has more than five parts.
    static let maximum = 32

    /// The place of the first dot that begins one part too many; `nil` when every key is short enough.
    ///
    /// It follows strings and comments as TOML has them. Behind the first mistake of syntax it may be wrong about where
    /// a string ends, but the parser does not get there.
    static func firstExcess(in bytes: [UInt8]) -> TOMLPlace? {
        var scanner = Scanner(bytes: bytes)
        return scanner.firstExcess()
    }

    private struct Scanner {
        let bytes: [UInt8]
        var index = 0
        var line = 1
        var column = 1

        init(bytes: [UInt8]) {
            self.bytes = bytes
        }

        mutating func firstExcess() -> TOMLPlace? {
            var dots = 0
            while self.index < self.bytes.count {
                let byte = self.bytes[self.index]
                switch byte {
                case UInt8(ascii: "."):
                    dots += 1
                    if dots >= TOMLKeyDepth.maximum {
                        return TOMLPlace(line: self.line, column: self.column)
                    }
                    self.advance()
                case UInt8(ascii: "\""), UInt8(ascii: "'"): self.skipString(byte)
                case UInt8(ascii: "#"):
                    while self.index < self.bytes.count, self.bytes[self.index] != UInt8(ascii: "\n") {
                        self.advance()
                    }
                case UInt8(ascii: "="), UInt8(ascii: ","), UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "["),
                    UInt8(ascii: "]"), UInt8(ascii: "\n"):
                    dots = 0
                    self.advance()
                default: self.advance()
                }
            }
            return nil
        }

        /// Steps over one byte; the bytes that continue a character take no column.
        private mutating func advance() {
            let byte = self.bytes[self.index]
            self.index += 1
            if byte == UInt8(ascii: "\n") {
                self.line += 1
                self.column = 1
            } else if byte & 0xc0 != 0x80 {
                self.column += 1
            }
        }

        private func isTriple(_ quote: UInt8) -> Bool {
            self.bytes[self.index...].prefix(3).elementsEqual([quote, quote, quote])
        }

        /// Steps over a string with its quotes; one that is not closed ends at the line's end, or with the file when it
        /// may have several lines.
        private mutating func skipString(_ quote: UInt8) {
            let hasEscapes = quote == UInt8(ascii: "\"")
            let isLong = self.isTriple(quote)
            for _ in 0..<(isLong ? 3 : 1) {
                self.advance()
            }
            while self.index < self.bytes.count {
                let byte = self.bytes[self.index]
                if hasEscapes, byte == UInt8(ascii: "\\") {
                    self.advance()
                    if self.index < self.bytes.count, isLong || self.bytes[self.index] != UInt8(ascii: "\n") {
                        self.advance()
                    }
                } else if isLong {
                    let ends = self.isTriple(quote)
                    self.advance()
                    if ends {
                        // One or two quotes more belong to the string's text: `"""he said "no""""`.
                        var more = 4
                        while more > 0, self.index < self.bytes.count, self.bytes[self.index] == quote {
                            self.advance()
                            more -= 1
                        }
                        return
                    }
                } else {
                    if byte == UInt8(ascii: "\n") { return }
                    self.advance()
                    if byte == quote { return }
                }
            }
        }
    }
}
