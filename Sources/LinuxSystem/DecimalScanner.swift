/// Reads the numbers of a line of /proc, which are separated by blanks.
struct DecimalScanner {
    var position: Int

    init(at position: Int) {
        self.position = position
    }

    /// The next number, which may be negative; `nil` when something else comes, or nothing. Wraps around at 64 bits.
    mutating func next(in line: Span<UInt8>) -> Int64? {
        self.skipBlanks(in: line)
        var isNegative = false
        if self.position < line.count, line[self.position] == UInt8(ascii: "-") {
            isNegative = true
            self.position += 1
        }
        var value: Int64 = 0
        let start = self.position
        while self.position < line.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(line[self.position]) {
            value = value &* 10 &+ Int64(line[self.position] - UInt8(ascii: "0"))
            self.position += 1
        }
        guard self.position > start else { return nil }
        return isNegative ? 0 &- value : value
    }

    /// The next byte that is no blank.
    mutating func nextLetter(in line: Span<UInt8>) -> UInt8? {
        self.skipBlanks(in: line)
        guard self.position < line.count else { return nil }
        defer { self.position += 1 }
        return line[self.position]
    }

    private mutating func skipBlanks(in line: Span<UInt8>) {
        while self.position < line.count,
            line[self.position] == UInt8(ascii: " ") || line[self.position] == UInt8(ascii: "\n")
        {
            self.position += 1
        }
    }
}
