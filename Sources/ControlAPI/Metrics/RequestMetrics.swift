internal import HTTPServer
internal import Supervision

/// What was answered, and how long that took.
final class RequestMetrics {
    /// The label of what no route is for.
    static let noRoute = "other"

    private let timer: any ControlTimer
    /// By the pattern of the route, then by the status.
    private var counts: [String: [Int: Int64]] = [RequestMetrics.noRoute: [404: 0]]
    private var durations = DurationHistogram([
        .microseconds(100), .microseconds(250), .microseconds(500), .milliseconds(1), .microseconds(2500),
        .milliseconds(5), .milliseconds(10), .milliseconds(25), .milliseconds(50), .milliseconds(100),
        .milliseconds(250), .milliseconds(500), .seconds(1), .seconds(5),
    ])

    init(timer: any ControlTimer) {
        self.timer = timer
        for route in RouteTable.all {
            self.counts[route.pattern] = [200: 0]
        }
    }

    var now: MonotonicInstant {
        self.timer.exactNow
    }

    /// - Parameters:
    ///   - pattern: of the route; `nil` when there is none for the path.
    ///   - began: when the whole request was there; `nil` for one that waited for something to happen.
    func answered(_ pattern: String?, status: Int, began: MonotonicInstant?) {
        self.counts[pattern ?? Self.noRoute, default: [:]][status, default: 0] += 1
        if let began {
            self.durations.note(began.duration(to: self.now))
        }
    }

    func write(to text: inout MetricsText) {
        text.begin(
            "reeve_http_requests_total",
            .counter,
            "Requests that were answered, by the pattern of their path and the status of the answer."
        )
        for (pattern, counts) in self.counts.sorted(by: { $0.key < $1.key }) {
            let labels = MetricsText.labels(("route", pattern))
            for (status, count) in counts.sorted(by: { $0.key < $1.key }) {
                text.sample(count, labels, last: ("code", "\(status)"))
            }
        }
        self.durations.write(
            "reeve_http_request_duration_seconds",
            "How long requests took to be answered, without those that waited for something to happen.",
            to: &text
        )
    }
}
