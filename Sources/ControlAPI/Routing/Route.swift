public import ControlMessages

/// One method on one path pattern, and what it takes.
//
// A class, because the table is gone through for each request: a value would have each of its fields retained each time.
public final class Route: Sendable {
    /// `GET`, which stands for HEAD too, or `POST`.
    public let method: String
    /// Such as `/v1/workers/{worker}/start`.
    public let pattern: String
    /// The least role; `nil` where everybody may ask.
    public let role: Role?
    /// Whether it is refused over TCP, whatever the role.
    public let isLocalOnly: Bool
    /// The query parameters that are understood. A route with a body takes the same names there.
    public let parameters: [String]
    /// Whether options may come as members of a JSON object in the body.
    public let takesBody: Bool
    /// Parameters of the contract that this version refuses by name.
    let parametersToCome: [String]
    let segments: [Segment]
    let handle: @Sendable (ControlHandler, Call) throws(Problem) -> Void

    enum Segment: Equatable, Sendable {
        case literal(String)
        /// `{worker}`: any text, which is handed on.
        case capture
    }

    init(
        _ method: String,
        _ pattern: String,
        role: Role?,
        isLocalOnly: Bool = false,
        parameters: [String] = [],
        parametersToCome: [String] = [],
        handle: @escaping @Sendable (ControlHandler, Call) throws(Problem) -> Void
    ) {
        self.method = method
        self.pattern = pattern
        self.role = role
        self.isLocalOnly = isLocalOnly
        self.parameters = parameters
        self.takesBody = method != "GET"
        self.parametersToCome = parametersToCome
        self.segments = Self.segments(of: pattern)
        self.handle = handle
    }

    static func segments(of pattern: String) -> [Segment] {
        pattern.split(separator: "/").map { $0.hasPrefix("{") ? .capture : .literal(String($0)) }
    }

    /// The captured segments when `path` fits, else `nil`.
    static func captures(_ path: [String], in segments: [Segment]) -> [String]? {
        guard path.count == segments.count else { return nil }
        var captures: [String] = []
        for (segment, text) in zip(segments, path) {
            switch segment {
            case .literal(let literal):
                guard literal == text else { return nil }
            case .capture:
                captures.append(text)
            }
        }
        return captures
    }
}
