import ControlClient
import ControlMessages

/// Takes a stream of events, shows them, and remembers where it is.
final class EventReader {
    /// `nil` prints the lines as they are.
    private var view: EventsView?
    private var lines = LineBuffer()
    private var isFirst = true
    /// The last event that was shown, or that was told before the stream; `nil` while there was no stream.
    private(set) var position: Int64?
    /// The agent has cut the stream, because it was not read in time.
    private(set) var isCut = false
    /// Whether somebody reads what is shown.
    private(set) var isRead = true
    private(set) var failure: CommandFailure?

    init(_ view: EventsView?) {
        self.view = view
    }

    /// The head of an answer; the events come behind it.
    func begin(_ response: ControlResponse) {
        // What stood there was not a whole line.
        self.lines = LineBuffer()
        self.isCut = false
        if self.position == nil {
            self.position = response.header("Last-Event-ID").flatMap { Int64($0) }
        }
    }

    func goOn(after position: Int64) {
        self.position = position
    }

    /// `false` when nobody wants any more.
    func take(_ bytes: [UInt8]) -> Bool {
        do throws(CommandFailure) {
            try self.show(self.lines.append(bytes))
        } catch {
            self.failure = error
            return false
        }
        return self.isRead
    }

    private func show(_ lines: [[UInt8]]) throws(CommandFailure) {
        var events: [EventMessage] = []
        var shown: [UInt8] = []
        // An empty line is a heartbeat.
        for line in lines where !line.isEmpty {
            let response = ControlResponse(status: 200, headers: [], body: line)
            let event = try Remote.read(EventMessage.self, of: response)
            guard let id = event.id else {
                self.isCut = self.isCut || event.type == EventMessage.lagged
                continue
            }
            self.position = id
            events.append(event)
            shown += line + [UInt8(ascii: "\n")]
        }
        guard !events.isEmpty else { return }
        guard var view = self.view else {
            self.isRead = try Terminal.write(shown)
            return
        }
        let text = view.render(
            events,
            now: .now,
            width: Terminal.width,
            style: Terminal.style,
            withHeader: self.isFirst
        )
        self.view = view
        self.isFirst = false
        self.isRead = try Terminal.write(text)
    }
}
