/// The last lines of a run's standard error, for its exit record.
enum ErrorTail {
    /// Lines of valid UTF-8 without their ends, `limit` bytes at most in all. What is no UTF-8 becomes U+FFFD; a first line
    /// that is not whole is left out, unless it is the only one.
    ///
    /// - Parameter isWhole: whether `bytes` begin where the run began.
    static func lines(_ bytes: [UInt8], isWhole: Bool, limit: Int) -> [String] {
        var rest = bytes[...]
        if rest.last == UInt8(ascii: "\n") {
            rest.removeLast()
        }
        guard !rest.isEmpty else { return [] }
        var lines = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { line in
            String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
        }
        if !isWhole, lines.count > 1 {
            lines.removeFirst()
        }
        var size = 0
        var first = lines.count
        while first > 0, size + lines[first - 1].utf8.count + 1 <= limit + 1 {
            first -= 1
            size += lines[first].utf8.count + 1
        }
        guard first == lines.count, let last = lines.last else { return Array(lines[first...]) }
        // One line that is longer than the limit: its end.
        var end = last[...]
        while end.utf8.count > limit {
            end = end.dropFirst(max(1, (end.utf8.count - limit) / 4))
        }
        return [String(end)]
    }
}
