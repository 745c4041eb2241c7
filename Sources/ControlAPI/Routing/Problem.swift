internal import ControlMessages
internal import HTTPServer

/// Why a request is not done, on its way to becoming problem details (RFC 9457).
struct Problem: Error {
    var code: ControlMessages.ProblemCode
    var status: Int
    /// A sentence that says what is wrong and what to do.
    var detail: String
    var operation: OperationMessage?
    /// With `gone`: the oldest that is still kept.
    var oldest: Int64?
    var headers: [HTTPField]

    init(
        _ code: ControlMessages.ProblemCode,
        status: Int? = nil,
        _ detail: String,
        operation: OperationMessage? = nil,
        oldest: Int64? = nil,
        headers: [HTTPField] = []
    ) {
        self.code = code
        self.status = status ?? code.status
        self.detail = detail
        self.operation = operation
        self.oldest = oldest
        self.headers = headers
    }

    /// The agent has too much to do.
    static func busy(_ detail: String) -> Problem {
        Problem(.busy, detail, headers: [Self.retryAfter])
    }

    static func notReady(_ detail: String) -> Problem {
        Problem(.notReady, detail, headers: [Self.retryAfter])
    }

    /// In seconds: things change that fast here.
    static let retryAfter = HTTPField("Retry-After", "1")

    /// Text of a client for a sentence, shortened.
    static func shown(_ text: String) -> String {
        text.utf8.count <= 100 ? text : String(text.prefix(100)) + "…"
    }
}
