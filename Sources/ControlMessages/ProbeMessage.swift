/// GET /healthz and GET /readyz, when all is well; else they are a problem.
public struct ProbeMessage: Codable, Equatable, Sendable {
    /// `ok` or `ready`.
    public var status: String

    public init(status: String) {
        self.status = status
    }
}
