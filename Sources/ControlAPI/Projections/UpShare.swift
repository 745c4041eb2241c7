/// The share of the last 24 hours, or of the time since it is known, in which something was up. Times are milliseconds from
/// any beginning; one before it counts as the beginning, and one before the latest as the latest.
struct UpShare {
    /// Of half an hour each. The window begins with one, so it is between 23.5 and 24 hours long.
    static let buckets = 48
    static let width: Int64 = 1_800_000

    private var since: Int64
    private var last: Int64
    private var isUp = false
    /// For each bucket how long it was up.
    private var up = [Int32](repeating: 0, count: Self.buckets)

    init(since now: Int64) {
        self.since = max(0, now)
        self.last = self.since
    }

    mutating func note(isUp: Bool, at now: Int64) {
        self.advance(to: now)
        self.isUp = isUp
    }

    /// Puts what was before in front of what is known; times have the same beginning.
    ///
    /// - Parameter livedOn: whether what was up at the end of `past` was up until this share begins.
    mutating func precede(by past: UpShare, livedOn: Bool) {
        guard past.since < self.since else { return }
        var past = past
        past.isUp = past.isUp && livedOn
        past.note(isUp: false, at: self.since)
        past.advance(to: self.last)
        for bucket in self.up.indices {
            self.up[bucket] += past.up[bucket]
        }
        self.since = past.since
    }

    /// 0 to 1 in steps of 0.0001, rounded down so that only what was never down has 1; `nil` before any time has passed.
    mutating func value(at now: Int64) -> Double? {
        self.advance(to: now)
        let current = self.last / Self.width
        let start = max(self.since, (current - Int64(Self.buckets) + 1) * Self.width)
        guard self.last > start else { return nil }
        var sum: Int64 = 0
        for bucket in (start / Self.width)...current where bucket * Self.width < self.last {
            sum += Int64(self.up[Int(bucket % Int64(Self.buckets))])
        }
        return (Double(sum) / Double(self.last - start) * 10_000).rounded(.down) / 10_000
    }

    private mutating func advance(to now: Int64) {
        if now / Self.width - self.last / Self.width >= Int64(Self.buckets) {
            // All that is known lies before the window: start over at the window's begin.
            self.last = (now / Self.width - Int64(Self.buckets) + 1) * Self.width
        }
        while self.last < now {
            let bucket = self.last / Self.width
            let index = Int(bucket % Int64(Self.buckets))
            let end = min(now, (bucket + 1) * Self.width)
            if self.last == bucket * Self.width {
                // The place of a bucket that has left the window.
                self.up[index] = 0
            }
            if self.isUp {
                self.up[index] += Int32(end - self.last)
            }
            self.last = end
        }
    }
}
