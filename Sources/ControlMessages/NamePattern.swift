/// A worker's name, or a glob for several: `*` stands for any characters, `?` for one.
public struct NamePattern: Equatable, Sendable {
    public let text: String

    public init(text: String) {
        self.text = text
    }

    /// Whether it can match more than one name.
    public var isGlob: Bool {
        self.text.utf8.contains { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") }
    }

    public func matches(_ name: String) -> Bool {
        guard self.isGlob else { return self.text == name }
        let pattern = Array(self.text.utf8)
        let bytes = Array(name.utf8)
        var position = 0
        var index = 0
        // Where to go on when what follows the last star did not fit: the star takes one byte more each time, which
        // bounds the work by the product of both lengths.
        var retry: (position: Int, index: Int)?
        while index < bytes.count {
            if position < pattern.count, pattern[position] == UInt8(ascii: "*") {
                retry = (position + 1, index)
                position += 1
            } else if position < pattern.count,
                pattern[position] == UInt8(ascii: "?") || pattern[position] == bytes[index]
            {
                position += 1
                index += 1
            } else if let (afterStar, taken) = retry {
                retry = (afterStar, taken + 1)
                position = afterStar
                index = taken + 1
            } else {
                return false
            }
        }
        return pattern[position...].allSatisfy { $0 == UInt8(ascii: "*") }
    }

    /// The patterns of a list that is separated by commas; empty ones are left out.
    public static func list(_ text: String) -> [NamePattern] {
        text.split(separator: ",").map { NamePattern(text: String($0)) }
    }
}
