/// Columns of text that stand below each other, two spaces apart. The last column takes what is left of the line.
struct Table {
    struct Cell {
        var text: String
        /// What is shown in the last column where the text does not fit.
        var short: String?
        var color: TextStyle.Color?

        init(_ text: String, short: String? = nil, color: TextStyle.Color? = nil) {
            self.text = text
            self.short = short
            self.color = color
        }
    }

    /// A last column is not made narrower than this, in characters, however narrow the terminal.
    static let narrowestLastColumn = 12

    let header: [String]
    /// The columns whose text ends at the same place, for numbers.
    let rightAligned: Set<Int>
    private(set) var rows: [[Cell]] = []
    /// Of each column, in characters; grows with the rows, so that rows printed later stand below earlier ones.
    private var widths: [Int]

    /// - Parameter leastWidths: of the first columns, in characters, where what comes later is known to be wider.
    init(header: [String], rightAligned: Set<Int> = [], leastWidths: [Int] = []) {
        self.header = header
        self.rightAligned = rightAligned
        self.widths = header.map(\.count)
        for (column, width) in leastWidths.enumerated() {
            self.widths[column] = max(self.widths[column], width)
        }
    }

    mutating func append(_ row: [Cell]) {
        self.rows.append(row)
        for (column, cell) in row.enumerated() {
            self.widths[column] = max(self.widths[column], cell.text.count)
        }
    }

    mutating func removeRows() {
        self.rows = []
    }

    /// The lines of some items alone, below what was rendered before.
    mutating func render<Item>(
        _ items: [Item],
        width: Int?,
        style: TextStyle,
        withHeader: Bool,
        row: (Item) -> [Cell]
    ) -> String {
        self.removeRows()
        for item in items {
            self.append(row(item))
        }
        return self.render(width: width, style: style, withHeader: withHeader)
    }

    /// The table's lines, each with its end.
    ///
    /// - Parameter width: of the terminal, in characters; `nil` cuts nothing off.
    func render(width: Int?, style: TextStyle, withHeader: Bool = true) -> String {
        let head = self.header.map { Cell($0, color: .bold) }
        return (withHeader ? [head] + self.rows : self.rows)
            .map { self.line($0, width: width, style: style) + "\n" }
            .joined()
    }

    private func line(_ row: [Cell], width: Int?, style: TextStyle) -> String {
        var line = ""
        // What a reader sees of the line, without escape sequences.
        var used = 0
        for (column, cell) in row.enumerated() {
            let isLast = column == row.count - 1
            let room = width.map { max(Self.narrowestLastColumn, $0 - used) }
            let text = isLast ? Self.fit(cell, in: room) : cell.text
            let padding = String(repeating: " ", count: max(0, self.widths[column] - text.count))
            let painted = style.paint(text, cell.color)
            if isLast {
                line += painted
            } else if self.rightAligned.contains(column) {
                line += padding + painted + "  "
            } else {
                line += painted + padding + "  "
            }
            used += self.widths[column] + 2
        }
        let end = line.lastIndex { $0 != " " }
        return end.map { String(line[...$0]) } ?? ""
    }

    private static func fit(_ cell: Cell, in room: Int?) -> String {
        guard let room, cell.text.count > room else { return cell.text }
        let text = cell.short ?? cell.text
        guard text.count > room else { return text }
        return text.prefix(room - 1) + "…"
    }
}
