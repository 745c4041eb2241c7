import ControlMessages

/// What `reeve events` shows: a line for each event. Keeps the widths of its columns, so that events that come later stand
/// below the earlier ones.
struct EventsView {
    private var table = Table(
        header: ["WHEN", "WORKER", "EVENT", "WHAT HAPPENED"],
        // Of the types that are seen all day.
        leastWidths: [8, 8, 15]
    )

    mutating func render(
        _ events: [EventMessage],
        now: WallTime,
        width: Int?,
        style: TextStyle,
        withHeader: Bool
    ) -> String {
        self.table.render(events, width: width, style: style, withHeader: withHeader) { Self.row($0, now: now) }
    }

    private static func row(_ event: EventMessage, now: WallTime) -> [Table.Cell] {
        let worker = event.worker.map { Printable.line($0) } ?? "-"
        return [
            Table.Cell(WallTime(event.at)?.short(now: now) ?? Printable.line(event.at)),
            Table.Cell(event.instance.map { "\(worker).\($0)" } ?? worker),
            Table.Cell(Printable.line(event.type)),
            Table.Cell(Printable.line(self.words(event)), color: self.color(of: event)),
        ]
    }

    /// `starting -> running: ready after 0.8 s`, or what there is of it.
    private static func words(_ event: EventMessage) -> String {
        var words = ""
        if let from = event.from, let to = event.to, from != to {
            words = "\(from) -> \(to)"
        }
        guard !event.text.isEmpty else { return words.isEmpty ? event.to ?? "-" : words }
        return words.isEmpty ? event.text : "\(words): \(event.text)"
    }

    private static func color(of event: EventMessage) -> TextStyle.Color? {
        switch event.to {
        case "failed": .red
        case "backoff", "aborted": .yellow
        default: event.type == "instance.status" ? .dim : nil
        }
    }
}
