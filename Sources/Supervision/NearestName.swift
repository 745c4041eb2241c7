/// Finds the name that somebody probably meant: for "did you mean" in errors about workers and keys.
public enum NearestName {
    /// Longer names are neither looked for nor suggested, in UTF-8 bytes; it bounds the work for a name from outside.
    public static let maximumLength = 64

    /// The candidate nearest to `name`, if it is near enough: a third of the length of `name` may differ, at most three
    /// places, and at least one. The first one of equally near candidates; `nil` when `name` itself is a candidate.
    public static func of(_ name: String, among candidates: some Sequence<String>) -> String? {
        let wanted = Array(name.utf8)
        guard !wanted.isEmpty, wanted.count <= Self.maximumLength else { return nil }
        var limit = max(1, min(3, wanted.count / 3))
        var nearest: String?
        for candidate in candidates {
            let bytes = Array(candidate.utf8)
            guard bytes.count <= Self.maximumLength, abs(bytes.count - wanted.count) <= limit else { continue }
            let distance = Self.distance(wanted, bytes)
            if distance == 0 {
                return nil
            }
            if distance <= limit {
                nearest = candidate
                limit = distance - 1
            }
        }
        return nearest
    }

    /// How many insertions, deletions, replacements and swaps of neighbours make `b` of `a` (optimal string alignment).
    static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var beforePrevious: [Int] = []
        var previous = Array(0...b.count)
        for i in 0..<a.count {
            var row = [i + 1]
            row.reserveCapacity(b.count + 1)
            for j in 0..<b.count {
                var best = min(previous[j + 1] + 1, row[j] + 1, previous[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                    best = min(best, beforePrevious[j - 1] + 1)
                }
                row.append(best)
            }
            beforePrevious = previous
            previous = row
        }
        return previous[b.count]
    }
}
