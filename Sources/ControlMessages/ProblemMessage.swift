/// Problem details of RFC 9457, `application/problem+json`.
public struct ProblemMessage: Codable, Equatable, Sendable {
    public var type: String
    public var title: String
    public var status: Int
    /// From a closed list; see `ProblemCode`.
    public var code: String
    public var detail: String
    /// The operation that is meant, where there is one.
    public var operation: OperationMessage?

    public init(
        type: String = "about:blank",
        title: String,
        status: Int,
        code: String,
        detail: String,
        operation: OperationMessage? = nil
    ) {
        self.type = type
        self.title = title
        self.status = status
        self.code = code
        self.detail = detail
        self.operation = operation
    }
}
