/// Counts what happened within the last minute, hour and so on, in a bounded number of buckets. A count leaves when its
/// bucket has left, so it is seen for at least the window and at most a sixtieth of it longer.
struct WindowCounter {
    /// How many buckets the window has; one more is being filled.
    static let buckets: Int64 = 60

    /// Of one bucket, in milliseconds.
    private let width: Int64
    private var counts: [(bucket: Int64, count: Int)] = []
    private(set) var sum = 0

    /// - Parameter milliseconds: the length of the window.
    init(milliseconds: Int64) {
        self.width = milliseconds / Self.buckets
    }

    /// Adds what happened at `now`, in milliseconds from any beginning.
    mutating func add(_ count: Int, at now: Int64) {
        _ = self.expire(at: now)
        let bucket = now / self.width
        if let last = self.counts.indices.last, self.counts[last].bucket == bucket {
            self.counts[last].count += count
        } else {
            self.counts.append((bucket, count))
        }
        self.sum += count
    }

    /// Counts what happened earlier as well; times have the same beginning.
    mutating func precede(by past: WindowCounter, at now: Int64) {
        self.counts = past.counts + self.counts
        self.sum += past.sum
        _ = self.expire(at: now)
    }

    /// Lets go what lies outside of the window; `true` when something did.
    mutating func expire(at now: Int64) -> Bool {
        let oldest = now / self.width - Self.buckets
        let gone = self.counts.prefix { $0.bucket < oldest }
        guard !gone.isEmpty else { return false }
        self.sum -= gone.reduce(0) { $0 + $1.count }
        self.counts.removeFirst(gone.count)
        return true
    }

    /// When the next count leaves, `nil` when there is none.
    var nextExpiry: Int64? {
        self.counts.first.map { ($0.bucket + Self.buckets + 1) * self.width }
    }

    /// How many buckets are kept.
    var size: Int {
        self.counts.count
    }
}
