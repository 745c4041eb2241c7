internal import ControlMessages
internal import HTTPServer
internal import Supervision

/// The options of a request by name, from its query and its body. Each is read by a function that says what is wrong.
struct Parameters {
    private var values: [String: String] = [:]

    /// The query's parameters, each known to the route and given once.
    init(_ query: [HTTPField], for route: Route) throws(Problem) {
        for field in query {
            try self.add(field.name, field.value, for: route)
        }
    }

    /// Adds a query parameter or a member of the body.
    mutating func add(_ name: String, _ value: String, for route: Route) throws(Problem) {
        guard route.parameters.contains(name) else {
            if route.parametersToCome.contains(name) {
                throw Problem(.notSupportedYet, "the parameter \"\(name)\" is not supported yet")
            }
            throw Self.unknown(name, for: route)
        }
        guard self.values.updateValue(value, forKey: name) == nil else {
            throw Problem(.invalidParameter, "\(name) is given twice")
        }
    }

    private static func unknown(_ name: String, for route: Route) -> Problem {
        let none = "\"\(Problem.shown(name))\" is no parameter of \(route.method) \(route.pattern)"
        if route.parameters.isEmpty {
            return Problem(.unknownParameter, "\(none), which takes none")
        }
        let hint = NearestName.of(name, among: route.parameters).map { "did you mean \"\($0)\"?" }
        return Problem(
            .unknownParameter,
            "\(none); \(hint ?? "it takes \(route.parameters.joined(separator: ", "))")"
        )
    }

    var isEmpty: Bool {
        self.values.isEmpty
    }

    var names: [String] {
        self.values.keys.sorted()
    }

    func text(_ name: String) -> String? {
        self.values[name]
    }

    func duration(_ name: String, atMost maximum: Duration) throws(Problem) -> Duration? {
        guard let text = self.values[name] else { return nil }
        guard let duration = DurationText.parse(text) else {
            throw Problem(
                .invalidParameter,
                "\(name): \"\(Problem.shown(text))\" is no duration; write it as 500ms, 30s, 5m or 2h"
            )
        }
        guard duration <= maximum else {
            throw Problem(.invalidParameter, "\(name) is at most \(DurationText.format(maximum))")
        }
        return duration
    }

    /// A time in the past: a timestamp, or how long ago.
    func since(_ name: String, now: Timestamp) throws(Problem) -> Timestamp? {
        guard let text = self.values[name] else { return nil }
        if let duration = DurationText.parse(text) {
            return now.advanced(by: .zero - duration)
        }
        guard let timestamp = TimestampText.parse(text) else {
            throw Problem(
                .invalidParameter,
                "\(name): \"\(Problem.shown(text))\" is no time; write it as 2h or 2026-11-22T10:00:00Z"
            )
        }
        return timestamp
    }

    func integer(_ name: String, in range: ClosedRange<Int64>) throws(Problem) -> Int64? {
        guard let text = self.values[name] else { return nil }
        // Int64's own initializer takes a sign as well, "+" not least.
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let value = Int64(text), range.contains(value)
        else {
            let limits =
                range.upperBound == .max ? "\(range.lowerBound) or more" : "\(range.lowerBound) to \(range.upperBound)"
            throw Problem(.invalidParameter, "\(name) is a whole number, \(limits)")
        }
        return value
    }

    /// `true` or `false`.
    func flag(_ name: String) throws(Problem) -> Bool? {
        guard let text = self.values[name] else { return nil }
        guard let value = Bool(text) else { throw Problem(.invalidParameter, "\(name) is true or false") }
        return value
    }

    /// One of a few words.
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String,
        of type: Choice.Type = Choice.self
    ) throws(Problem) -> Choice? where Choice.RawValue == String {
        guard let text = self.values[name] else { return nil }
        guard let choice = Choice(rawValue: text) else {
            throw Problem(.invalidParameter, "\(name) is one of \(Self.list(Choice.self))")
        }
        return choice
    }

    /// A list of words, separated by commas.
    func choices<Choice: RawRepresentable & CaseIterable>(
        _ name: String,
        of type: Choice.Type = Choice.self
    ) throws(Problem) -> [Choice]? where Choice.RawValue == String {
        guard let text = self.values[name] else { return nil }
        var choices: [Choice] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let choice = Choice(rawValue: String(part)) else {
                throw Problem(.invalidParameter, "\(name) is a list of \(Self.list(Choice.self))")
            }
            choices.append(choice)
        }
        return choices
    }

    private static func list<Choice: RawRepresentable & CaseIterable>(
        _ type: Choice.Type
    ) -> String where Choice.RawValue == String {
        Choice.allCases.map(\.rawValue).joined(separator: ", ")
    }

    /// Names and globs, separated by commas; at least one.
    func patterns(_ name: String) throws(Problem) -> [NamePattern]? {
        guard let text = self.values[name] else { return nil }
        let patterns = NamePattern.list(text)
        guard !patterns.isEmpty else {
            throw Problem(.invalidParameter, "\(name) is a list of names and globs such as web,api-*")
        }
        return patterns
    }
}
