internal import LinuxSystem

/// Nanoseconds since the server was made, on the loop's clock.
///
/// A plain number, because each request compares and sets several: an `Instant` of the standard library is opaque to the
/// compiler and is copied by calls.
struct ServerTime: Comparable {
    var nanoseconds: Int64

    static let never = ServerTime(nanoseconds: .max)

    static func < (a: ServerTime, b: ServerTime) -> Bool {
        a.nanoseconds < b.nanoseconds
    }
}

/// The limits of time, as numbers.
struct ServerDurations {
    let header: Int64
    let body: Int64
    let idle: Int64
    let response: Int64
    let stall: Int64
    let farewell: Int64
    let heartbeat: Int64

    init(_ limits: HTTPLimits) {
        self.header = Self.nanoseconds(limits.headerTime)
        self.body = Self.nanoseconds(limits.bodyTime)
        self.idle = Self.nanoseconds(limits.idleTime)
        self.response = Self.nanoseconds(limits.responseTime)
        self.stall = Self.nanoseconds(limits.streamStallTime)
        self.farewell = Self.nanoseconds(limits.streamFarewellTime)
        self.heartbeat = Self.nanoseconds(limits.heartbeatTime)
    }

    /// At most a year, so that sums do not overflow.
    static func nanoseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return min(max(seconds, 0), 366 * 86_400) * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
