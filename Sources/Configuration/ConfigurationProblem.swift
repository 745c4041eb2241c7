/// One mistake of a configuration: where, what, and what to do about it.
public struct ConfigurationProblem: Hashable, Sendable {
    /// As it was named: the path given for the main file, the path found for an included one.
    public var file: String
    /// From 1; `nil` for what concerns the whole file.
    public var line: Int?
    /// From 1, in characters; `nil` together with `line`.
    public var column: Int?
    /// Such as `"retsart" is not a key of a worker`.
    public var message: String
    /// Such as `did you mean "restart"?`; may be empty.
    public var advice: String

    public init(file: String, line: Int? = nil, column: Int? = nil, message: String, advice: String = "") {
        self.file = file
        self.line = line
        self.column = column
        self.message = message
        self.advice = advice
    }
}

extension ConfigurationProblem: Comparable {
    /// By file, then by place; what concerns the whole file comes first.
    public static func < (a: ConfigurationProblem, b: ConfigurationProblem) -> Bool {
        (a.file, a.line ?? 0, a.column ?? 0, a.message, a.advice) < (
            b.file, b.line ?? 0, b.column ?? 0, b.message, b.advice
        )
    }
}

extension ConfigurationProblem: CustomStringConvertible {
    /// `FILE:LINE:COLUMN: message; advice`, on one line whatever the name of the file holds.
    public var description: String {
        var text = Quoted.printable(self.file)
        if let line = self.line {
            text += ":\(line)"
            if let column = self.column {
                text += ":\(column)"
            }
        }
        text += ": \(self.message)"
        return self.advice.isEmpty ? text : text + "; \(self.advice)"
    }
}

/// Everything that is wrong with a configuration.
public struct ConfigurationError: Error, Equatable, Sendable {
    /// How many problems are told; a file of one megabyte can have a hundred thousand.
    public static let maximumProblems = 1000

    /// At least one, sorted by file, line and column, none twice.
    public let problems: [ConfigurationProblem]
    /// How many more there are than are told.
    public let omitted: Int

    public init(_ problems: some Sequence<ConfigurationProblem>) {
        let sorted = Set(problems).sorted()
        self.problems = Array(sorted.prefix(Self.maximumProblems))
        self.omitted = sorted.count - self.problems.count
    }
}

extension ConfigurationError: CustomStringConvertible {
    /// One line a problem.
    public var description: String {
        var lines = self.problems.map(\.description)
        if self.omitted > 0 {
            lines.append("and \(self.omitted) more")
        }
        return lines.joined(separator: "\n")
    }

    /// The last word after the problems of `path`, such as `reeve.toml has 3 problems`.
    public func verdict(on path: String) -> String {
        let count = self.problems.count + self.omitted
        return "\(Quoted.printable(path)) has \(count) \(count == 1 ? "problem" : "problems")"
    }
}
