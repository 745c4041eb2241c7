/// Makes lines of bytes that come in pieces.
struct LineBuffer {
    private var rest: [UInt8] = []

    /// Takes the next piece; the lines that it completes, without their ends.
    mutating func append(_ bytes: [UInt8]) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var start = bytes.startIndex
        while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            lines.append(self.rest + bytes[start..<end])
            self.rest = []
            start = end + 1
        }
        self.rest += bytes[start...]
        return lines
    }
}
