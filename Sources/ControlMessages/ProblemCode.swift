/// What went wrong, for programs: the closed list of `code` in a problem.
public enum ProblemCode: String, Codable, Sendable, CaseIterable {
    /// 400: the request breaks HTTP's rules, or carries what no client of this API sends.
    case malformedRequest = "malformed_request"
    /// 404: no such path.
    case unknownRoute = "unknown_route"
    /// 404
    case unknownWorker = "unknown_worker"
    /// 404: the worker has no slot of that number.
    case unknownInstance = "unknown_instance"
    /// 404
    case unknownOperation = "unknown_operation"
    /// 404
    case unknownExit = "unknown_exit"
    /// 405, with `Allow`.
    case methodNotAllowed = "method_not_allowed"
    /// 400: a query parameter or a field of the body that the route does not have.
    case unknownParameter = "unknown_parameter"
    /// 400: a value that does not fit its parameter.
    case invalidParameter = "invalid_parameter"
    /// 400: part of the API's description, and not of this version.
    case notSupportedYet = "not_supported_yet"
    /// 400: the body is no JSON object of the expected shape.
    case invalidBody = "invalid_body"
    /// 415
    case unsupportedMediaType = "unsupported_media_type"
    /// 413
    case bodyTooLarge = "body_too_large"
    /// 401: the caller has not said who it is.
    case unauthorized
    /// 403: the caller's role does not suffice.
    case forbidden
    /// 421: `Host` names somebody else.
    case misdirectedRequest = "misdirected_request"
    /// 403: a page of another site asks.
    case crossOrigin = "cross_origin"
    /// 409, with the operation that holds the worker.
    case conflict
    /// 412
    case preconditionFailed = "precondition_failed"
    /// 422: the configuration or the parameters forbid it.
    case unprocessable
    /// 423
    case onHold = "on_hold"
    /// 424, with the operation and in it the exit record.
    case didNotComeUp = "did_not_come_up"
    /// 504, with the operation, which goes on.
    case timeout
    /// 503: too much is under way; nothing was done.
    case busy
    /// 503: recovery is not over, or not every wanted instance is up.
    case notReady = "not_ready"
    /// 503: what was asked for is in the history, which cannot be read at present.
    case historyUnavailable = "history_unavailable"
    /// 409: a signal for a worker that has no process.
    case noProcess = "no_process"
    /// 410: what was asked for is no longer kept.
    case gone
    /// 500
    case internalError = "internal_error"

    /// The status that goes with the code.
    public var status: Int {
        switch self {
        case .malformedRequest, .unknownParameter, .invalidParameter, .notSupportedYet, .invalidBody: 400
        case .unauthorized: 401
        case .forbidden, .crossOrigin: 403
        case .unknownRoute, .unknownWorker, .unknownInstance, .unknownOperation, .unknownExit: 404
        case .methodNotAllowed: 405
        case .conflict, .noProcess: 409
        case .gone: 410
        case .preconditionFailed: 412
        case .bodyTooLarge: 413
        case .unsupportedMediaType: 415
        case .misdirectedRequest: 421
        case .unprocessable: 422
        case .onHold: 423
        case .didNotComeUp: 424
        case .internalError: 500
        case .busy, .notReady, .historyUnavailable: 503
        case .timeout: 504
        }
    }
}
