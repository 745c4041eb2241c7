/// A UUID of version 7 (RFC 9562, section 5.7): its first 48 bits are milliseconds since 1970, and the twelve after the version
/// the part of a millisecond (section 6.2, method 3), so ids sort by age. Two runs of one instance may begin within a
/// millisecond, and which one was first must be told from their ids.
public struct UUIDv7: Hashable, Comparable, Sendable {
    public let high: UInt64
    public let low: UInt64

    /// A new id for `time`, exact to 0.25 µs, with 62 bits from `generator`.
    public init(at time: Timestamp, using generator: inout some RandomNumberGenerator) {
        let milliseconds = UInt64(clamping: time.millisecondsSinceEpoch) & 0xffff_ffff_ffff
        let part = UInt64(clamping: time.nanosecondsSinceEpoch % 1_000_000) * 4096 / 1_000_000
        self.high = milliseconds << 16 | 0x7000 | part
        self.low = 0x8000_0000_0000_0000 | generator.next() & 0x3fff_ffff_ffff_ffff
    }

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    public static func < (a: UUIDv7, b: UUIDv7) -> Bool {
        (a.high, a.low) < (b.high, b.low)
    }
}

/// Names one process life of an instance.
public typealias RunID = UUIDv7

/// Names something somebody asked for.
public typealias OperationID = UUIDv7

extension UUIDv7: LosslessStringConvertible {
    /// The canonical text form, 36 characters in lower case.
    public var description: String {
        var text: [UInt8] = []
        text.reserveCapacity(36)
        for index in 0..<32 {
            if index == 8 || index == 12 || index == 16 || index == 20 {
                text.append(UInt8(ascii: "-"))
            }
            let word = index < 16 ? self.high : self.low
            let digit = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * (index % 16)) & 0xf)
            text.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads the canonical text form; `nil` for any other text. The version is not looked at.
    public init?(_ description: String) {
        var words: (UInt64, UInt64) = (0, 0)
        var digits = 0
        for (index, byte) in description.utf8.enumerated() {
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: return nil
            }
            guard digits < 32 else { return nil }
            if digits < 16 {
                words.0 = words.0 << 4 | UInt64(digit)
            } else {
                words.1 = words.1 << 4 | UInt64(digit)
            }
            digits += 1
        }
        guard digits == 32 else { return nil }
        self.init(high: words.0, low: words.1)
    }
}
