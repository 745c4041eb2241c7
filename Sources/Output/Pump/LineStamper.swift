import Supervision

/// Puts the time before each line, as of its first byte.
struct LineStamper {
    private var isInLine: Bool
    private var run: RunID?

    /// - Parameter isInLine: whether what was written last has no end of line yet.
    init(isInLine: Bool) {
        self.isInLine = isInLine
    }

    /// A line that one run left without its end is ended before another run begins one.
    mutating func stamp(_ bytes: UnsafeRawBufferPointer, of run: RunID, at time: Timestamp) -> [UInt8] {
        let prefix = Array("\(TimestampText.format(time)) ".utf8)
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count + bytes.count / 32 + 2 * prefix.count)
        if self.isInLine, self.run != nil, self.run != run {
            result.append(UInt8(ascii: "\n"))
            self.isInLine = false
        }
        self.run = run
        var rest = bytes[...]
        while !rest.isEmpty {
            if !self.isInLine {
                result += prefix
            }
            guard let newline = rest.firstIndex(of: UInt8(ascii: "\n")) else {
                result += rest
                self.isInLine = true
                break
            }
            result += rest[...newline]
            rest = rest[(newline + 1)...]
            self.isInLine = false
        }
        return result
    }
}
