internal import Supervision

/// How long things took, counted in buckets.
struct DurationHistogram: Sendable {
    /// The upper ends of the buckets, rising.
    private let bounds: [Duration]
    private var counts: [Int64]
    private var count: Int64 = 0
    private var sum = Duration.zero

    init(_ bounds: [Duration]) {
        self.bounds = bounds
        self.counts = [Int64](repeating: 0, count: bounds.count)
    }

    mutating func note(_ duration: Duration) {
        self.count += 1
        self.sum += duration
        // Most things are quick, so the search ends soon.
        for index in self.bounds.indices where duration <= self.bounds[index] {
            self.counts[index] += 1
            return
        }
    }

    func write(_ name: String, _ help: String, to text: inout MetricsText) {
        text.begin(name, .histogram, help)
        var total: Int64 = 0
        for (bound, count) in zip(self.bounds, self.counts) {
            total += count
            text.sample(total, last: ("le", MetricsText.number(bound.seconds)), suffix: "_bucket")
        }
        text.sample(self.count, last: ("le", "+Inf"), suffix: "_bucket")
        text.sample(number: self.sum.seconds, suffix: "_sum")
        text.sample(self.count, suffix: "_count")
    }
}
