import ControlMessages
import FoundationEssentials

/// Lines of output for people, each behind the name of its instance where there are several.
struct LogView: Sendable {
    /// Whose lines these are.
    private struct Source: Hashable {
        var worker: String
        var instance: Int
        var stream: String
        var runID: String?
    }

    private static let colors: [TextStyle.Color] = [.cyan, .yellow, .green, .magenta, .blue]

    /// Whether lines have a name before them.
    let isNamed: Bool
    /// Whether a terminal is to show them, which would act on control characters; else the bytes go as they came.
    let isForTerminal: Bool
    let style: TextStyle
    /// Of the longest name so far, so that the lines stand below each other.
    private var width: Int
    /// Each worker's, or each instance's of a single one, in the order in which they were named or came.
    private var colors: [String: TextStyle.Color] = [:]
    private let colorsInstances: Bool
    /// Whose line has not ended.
    private var open: Source?

    /// - Parameter names: of the workers, and how many instances each has.
    init(_ names: [(worker: String, instances: Int)], isForTerminal: Bool, style: TextStyle) {
        self.isForTerminal = isForTerminal
        self.style = style
        self.isNamed = names.count > 1 || names.contains { $0.instances > 1 }
        self.colorsInstances = names.count == 1
        self.width = names.map { "\($0.worker).\(max(0, $0.instances - 1))".count }.max() ?? 0
        if !self.colorsInstances {
            for name in names {
                _ = self.color(of: name.worker)
            }
        }
    }

    mutating func render(_ line: LogLineMessage) -> [UInt8] {
        var source = Source(worker: line.worker, instance: line.instance, stream: line.stream, runID: line.runID)
        if !self.isNamed, !self.isForTerminal {
            // As in the file: a run goes on where the one before it has stopped.
            source.runID = nil
        }
        var bytes: [UInt8] = []
        if self.open != source {
            bytes += self.end()
            bytes += Array(self.prefix(of: source).utf8)
        }
        bytes += self.isForTerminal ? Array(Self.harmless(line.text).utf8) : Self.bytes(of: line)
        if line.partial {
            self.open = source
        } else {
            bytes.append(UInt8(ascii: "\n"))
            self.open = nil
        }
        return bytes
    }

    /// Ends the line that has not ended.
    mutating func end() -> [UInt8] {
        defer { self.open = nil }
        return self.open == nil ? [] : [UInt8(ascii: "\n")]
    }

    private mutating func prefix(of source: Source) -> String {
        guard self.isNamed else { return "" }
        let name = "\(source.worker).\(source.instance)"
        self.width = max(self.width, name.count)
        let padded = name + String(repeating: " ", count: self.width - name.count) + " |"
        return self.style.paint(padded, self.color(of: self.colorsInstances ? name : source.worker)) + " "
    }

    private mutating func color(of name: String) -> TextStyle.Color {
        if let color = self.colors[name] { return color }
        let color = Self.colors[self.colors.count % Self.colors.count]
        self.colors[name] = color
        return color
    }

    /// Tabs are kept, and the carriage return of a line that ends with both.
    private static func harmless(_ text: String) -> String {
        let line = text.unicodeScalars.last == "\r" ? String(text.unicodeScalars.dropLast()) : text
        return line.split(separator: "\t", omittingEmptySubsequences: false).map { Printable.line(String($0)) }
            .joined(separator: "\t")
    }

    private static func bytes(of line: LogLineMessage) -> [UInt8] {
        guard let base64 = line.base64, let data = Data(base64Encoded: base64) else { return Array(line.text.utf8) }
        return Array(data)
    }
}
