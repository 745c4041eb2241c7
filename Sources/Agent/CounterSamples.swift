import Supervision

/// What a counter of the kernel said when it was looked at, now and then: enough to tell whether it has risen lately.
///
/// An end is compared with a sample of at least `settling` before it. What killed one process may have killed others in
/// the same moment, whose ends are noticed one after the other, and each of them must still see the counter rise.
struct CounterSamples: Equatable {
    struct Sample: Equatable {
        var count: Int64
        var at: MonotonicInstant
    }

    static let settling = Duration.seconds(1)

    private var settled: Sample?
    private var latest: Sample?

    var latestCount: Int64? {
        self.latest?.count
    }

    /// Whether a sample that is taken now would be kept.
    func isDue(at now: MonotonicInstant) -> Bool {
        self.latest.map { $0.at.duration(to: now) >= Self.settling } ?? true
    }

    mutating func note(_ count: Int64, at now: MonotonicInstant) {
        guard self.isDue(at: now) else { return }
        self.settled = self.latest
        self.latest = Sample(count: count, at: now)
    }

    /// The sample with which an end that is noticed now is compared: the newest that is old enough, else the oldest.
    func baseline(at now: MonotonicInstant) -> Sample? {
        self.isDue(at: now) ? self.latest : self.settled ?? self.latest
    }
}
