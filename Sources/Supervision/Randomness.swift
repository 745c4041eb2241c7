/// The generator of all chance in the core: xoshiro256** of Blackman and Vigna (2018), seeded from outside, so that a
/// run of the supervisor can be had again from its seed. Not for secrets.
public struct Randomness: RandomNumberGenerator, Sendable {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    /// The same seed gives the same numbers; the state is filled by SplitMix64, so that no seed gives the zero state.
    public init(seed: UInt64) {
        var mixer = seed
        func mix() -> UInt64 {
            mixer &+= 0x9e37_79b9_7f4a_7c15
            var word = mixer
            word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
            word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
            return word ^ (word >> 31)
        }
        self.state = (mix(), mix(), mix(), mix())
    }

    /// A state of 256 bits from the system's generator.
    public init(seededBy generator: inout some RandomNumberGenerator) {
        self.state = (generator.next(), generator.next(), generator.next(), generator.next() | 1)
    }

    public mutating func next() -> UInt64 {
        let product = self.state.1 &* 5
        let result = (product << 7 | product >> 57) &* 9
        let shifted = self.state.1 << 17
        self.state.2 ^= self.state.0
        self.state.3 ^= self.state.1
        self.state.1 ^= self.state.2
        self.state.0 ^= self.state.3
        self.state.2 ^= shifted
        self.state.3 = self.state.3 << 45 | self.state.3 >> 19
        return result
    }
}
