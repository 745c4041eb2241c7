extension BackoffPolicy {
    /// The delay before the n-th consecutive unhealthy restart: zero for the first, then `initial * factor^(n-2)`, at
    /// most `max`, plus or minus `jitter`.
    public func delay(beforeRestart n: Int, using randomness: inout Randomness) -> Duration {
        // Zero times a power that does not fit would not be a number.
        guard n >= 2, self.initial > .zero else { return .zero }
        let ideal = min(self.initial.seconds * Self.power(self.factor, n - 2), self.max.seconds)
        let spread = 1 + self.jitter * Double.random(in: -1...1, using: &randomness)
        return .nanoseconds(Int64(ideal * spread * 1e9))
    }

    /// `base^exponent` by squaring; infinity where it does not fit. The core imports no `pow`.
    private static func power(_ base: Double, _ exponent: Int) -> Double {
        var result = 1.0
        var square = base
        var rest = exponent
        while rest > 0 {
            if rest & 1 == 1 {
                result *= square
            }
            square *= square
            rest >>= 1
        }
        return result
    }
}

/// Counts automatic restarts within the window of a `RestartLimit`. Holds no more instants than the limit has restarts.
struct RestartWindow: Equatable, Sendable {
    private(set) var restarts: [MonotonicInstant] = []

    init(restarts: [MonotonicInstant] = []) {
        self.restarts = restarts
    }

    /// Whether one more restart at `now` stays within `limit`; takes note of it if so.
    mutating func admit(at now: MonotonicInstant, limit: RestartLimit) -> Bool {
        self.restarts.removeAll { $0.duration(to: now) >= limit.within }
        guard self.restarts.count < limit.restarts else { return false }
        self.restarts.append(now)
        return true
    }

    var isEmpty: Bool {
        self.restarts.isEmpty
    }

    mutating func forget() {
        self.restarts.removeAll()
    }
}
