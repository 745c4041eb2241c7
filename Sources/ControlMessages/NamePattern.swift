/// A worker's name or a glob: `*` stands for any characters, `?` for one, `[a-z]` and `[!a-z]` for one of a set. A name
/// is a pattern that matches itself. Names are ASCII, so bytes are compared.
public struct NamePattern: Sendable {
    private let pattern: [UInt8]

    public init(_ pattern: String) {
        self.pattern = Array(pattern.utf8)
    }

    /// Takes time proportional to the product of both lengths at most: after a mismatch only the last `*` is moved.
    public func matches(_ name: String) -> Bool {
        let name = Array(name.utf8)
        var place = 0
        var index = 0
        var lastStar: (place: Int, index: Int)?
        while index < name.count {
            if place < self.pattern.count, self.pattern[place] == UInt8(ascii: "*") {
                lastStar = (place, index)
                place += 1
            } else if let next = self.match(name[index], at: place) {
                place = next
                index += 1
            } else if let star = lastStar {
                lastStar = (star.place, star.index + 1)
                place = star.place + 1
                index = star.index + 1
            } else {
                return false
            }
        }
        return self.pattern[place...].allSatisfy { $0 == UInt8(ascii: "*") }
    }

    /// The place after the element of the pattern that matches the byte, or `nil`.
    private func match(_ byte: UInt8, at place: Int) -> Int? {
        guard place < self.pattern.count else { return nil }
        switch self.pattern[place] {
        case UInt8(ascii: "?"): return place + 1
        case UInt8(ascii: "["): return self.matchSet(byte, at: place)
        default: return self.pattern[place] == byte ? place + 1 : nil
        }
    }

    /// A `[` that no `]` follows stands for itself, as in glob(7).
    private func matchSet(_ byte: UInt8, at place: Int) -> Int? {
        var index = place + 1
        let isNegated = index < self.pattern.count && self.pattern[index] == UInt8(ascii: "!")
        if isNegated {
            index += 1
        }
        let first = index
        var isFound = false
        while index < self.pattern.count, self.pattern[index] != UInt8(ascii: "]") || index == first {
            let isRange =
                index + 2 < self.pattern.count && self.pattern[index + 1] == UInt8(ascii: "-")
                && self.pattern[index + 2] != UInt8(ascii: "]")
            let last = isRange ? index + 2 : index
            isFound = isFound || (self.pattern[index] <= byte && byte <= self.pattern[last])
            index = last + 1
        }
        guard index < self.pattern.count else { return byte == UInt8(ascii: "[") ? place + 1 : nil }
        return isFound != isNegated ? index + 1 : nil
    }
}
