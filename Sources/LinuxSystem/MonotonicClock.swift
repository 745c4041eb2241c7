internal import Glibc

/// CLOCK_MONOTONIC as a number, for what another process of the same boot is to know: `SuspendingClock`, which is that clock
/// on Linux, does not tell its own.
public enum MonotonicClock {
    /// One reading of both, good to a microsecond.
    private static let reference = (instant: SuspendingClock.now, nanoseconds: MonotonicClock.read())

    private static func read() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Nanoseconds since the boot, without the time in which the machine was suspended; saturates.
    public static func nanoseconds(of instant: SuspendingClock.Instant) -> Int64 {
        let (seconds, attoseconds) = self.reference.instant.duration(to: instant).components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, carried) = whole.addingReportingOverflow(
            attoseconds / 1_000_000_000 &+ self.reference.nanoseconds
        )
        return carried ? (seconds < 0 ? .min : .max) : sum
    }

    public static func instant(nanoseconds: Int64) -> SuspendingClock.Instant {
        // Within half of the range, so that no arithmetic on it can overflow.
        let bounded = max(-(1 << 61), min(nanoseconds, 1 << 61))
        return self.reference.instant.advanced(by: .nanoseconds(bounded - self.reference.nanoseconds))
    }
}
