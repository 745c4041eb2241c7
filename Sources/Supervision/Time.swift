/// A point on CLOCK_MONOTONIC. All timers and delays of the project run on it; it says nothing about the date.
public typealias MonotonicInstant = SuspendingClock.Instant

/// A point on the wall clock, in nanoseconds since 1970-01-01T00:00:00Z. Only for what is shown or stored.
public struct Timestamp: Hashable, Comparable, Sendable {
    public var nanosecondsSinceEpoch: Int64

    public init(nanosecondsSinceEpoch: Int64) {
        self.nanosecondsSinceEpoch = nanosecondsSinceEpoch
    }

    /// Milliseconds since the epoch, rounded down.
    public var millisecondsSinceEpoch: Int64 {
        let (quotient, remainder) = self.nanosecondsSinceEpoch.quotientAndRemainder(dividingBy: 1_000_000)
        return remainder < 0 ? quotient - 1 : quotient
    }

    /// The wall-clock time `duration` later; saturates at the range of `Int64` (the year 2262).
    public func advanced(by duration: Duration) -> Timestamp {
        let nanoseconds = duration.nanoseconds
        let (sum, overflow) = self.nanosecondsSinceEpoch.addingReportingOverflow(nanoseconds)
        return Timestamp(nanosecondsSinceEpoch: overflow ? (nanoseconds < 0 ? .min : .max) : sum)
    }

    /// Negative when `other` is earlier; saturates at 292 years.
    public func duration(to other: Timestamp) -> Duration {
        let (difference, overflow) = other.nanosecondsSinceEpoch.subtractingReportingOverflow(
            self.nanosecondsSinceEpoch
        )
        return .nanoseconds(overflow ? (other < self ? .min : .max) : difference)
    }

    public static func < (a: Timestamp, b: Timestamp) -> Bool {
        a.nanosecondsSinceEpoch < b.nanosecondsSinceEpoch
    }
}

/// One reading of both clocks: what "now" is for a whole turn of the supervision loop.
public struct Moment: Hashable, Sendable {
    public var monotonic: MonotonicInstant
    public var wall: Timestamp

    public init(monotonic: MonotonicInstant, wall: Timestamp) {
        self.monotonic = monotonic
        self.wall = wall
    }
}

extension Duration {
    /// The duration in whole nanoseconds, rounded towards zero; saturates at the range of `Int64` (292 years).
    public var nanoseconds: Int64 {
        let (seconds, attoseconds) = self.components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, carried) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return carried ? (seconds < 0 ? .min : .max) : sum
    }

    /// The duration in seconds, as the API and the metrics show it.
    public var seconds: Double {
        let (seconds, attoseconds) = self.components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }
}
