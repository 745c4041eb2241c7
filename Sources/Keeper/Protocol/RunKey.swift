/// The 128 bits of a run's id (`run_id`, a UUID). The keeper compares them and looks no further.
public struct RunKey: Hashable, Sendable {
    public var high: UInt64
    public var low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}

extension RunKey: CustomStringConvertible {
    /// The canonical text form of a UUID.
    public var description: String {
        var text = ""
        for index in 0..<32 {
            if index == 8 || index == 12 || index == 16 || index == 20 {
                text += "-"
            }
            let word = index < 16 ? self.high : self.low
            text += String(word >> UInt64(60 - 4 * (index % 16)) & 0xf, radix: 16)
        }
        return text
    }
}
