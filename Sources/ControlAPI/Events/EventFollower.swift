internal import ControlMessages
internal import HTTPServer
internal import Supervision

/// A client that follows the events.
final class EventFollower {
    let stream: HTTPStream
    let format: EventFormat
    let filter: EventFilter
    /// The last event that it was given, or that it does not want: it gets what comes after this one.
    var position: Int64
    /// After this one its stream ends; `nil` for one that stays.
    let end: Int64?
    /// Whether it waits for a page of the history.
    var isReading = false

    init(_ stream: HTTPStream, format: EventFormat, filter: EventFilter, after position: Int64, until end: Int64?) {
        self.stream = stream
        self.format = format
        self.filter = filter
        self.position = position
        self.end = end
    }

    /// Whether nothing more is for it.
    var isAtEnd: Bool {
        self.end.map { self.position >= $0 } ?? false
    }

    /// Its last event: that it gets no more, and why.
    func lagged(_ reason: String, at now: Timestamp) -> [UInt8] {
        self.format.frame(
            EventMessage(
                id: nil,
                at: TimestampText.format(now),
                type: EventMessage.lagged,
                text: "\(reason); go on after the last id that you have"
            )
        )
    }
}
