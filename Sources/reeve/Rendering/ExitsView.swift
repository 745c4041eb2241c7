import ControlMessages

/// What `reeve exits` shows: a line for each exit. Keeps the widths of its columns, so that exits that come later stand
/// below the earlier ones.
struct ExitsView {
    private var table = Table(
        header: ["WHEN", "WORKER", "RAN FOR", "CAUSE", "DECISION", "HOW IT ENDED"],
        rightAligned: [2]
    )

    /// The lines of some exits, in their order.
    mutating func render(
        _ exits: [ExitMessage],
        now: WallTime,
        width: Int?,
        style: TextStyle,
        withHeader: Bool
    ) -> String {
        self.table.render(exits, width: width, style: style, withHeader: withHeader) { Self.row($0, now: now) }
    }

    private static func row(_ exit: ExitMessage, now: WallTime) -> [Table.Cell] {
        [
            Table.Cell(WallTime(exit.endedAt)?.short(now: now) ?? Printable.line(exit.endedAt)),
            Table.Cell("\(Printable.line(exit.worker)).\(exit.instance)"),
            Table.Cell(exit.outcome == "not_started" ? "-" : DurationWords.short(exit.uptimeSeconds)),
            Table.Cell(Printable.line(exit.cause), color: self.color(ofCause: exit.cause)),
            Table.Cell(ExitWords.decision(exit.decision)),
            Table.Cell(ExitWords.sentence(exit), short: ExitWords.ending(exit)),
        ]
    }

    private static func color(ofCause cause: String) -> TextStyle.Color? {
        switch cause {
        case "finished", "stopped": .dim
        case "killed", "stop_timeout", "unknown": .yellow
        default: .red
        }
    }
}
