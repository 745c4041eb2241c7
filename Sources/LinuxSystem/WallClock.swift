// Which of the two modules has timespec depends on the order in which they are built.
internal import CLinux
internal import Glibc

/// The date; only for what is shown or stored. Timers and delays run on `SuspendingClock`, which is CLOCK_MONOTONIC.
public enum WallClock {
    /// Nanoseconds since 1970-01-01T00:00:00Z. The corresponding C function is `clock_gettime` with `CLOCK_REALTIME`.
    public static var nanosecondsSinceEpoch: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
