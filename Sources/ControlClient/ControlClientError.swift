public import ControlMessages

/// Why there is no answer, or not the one that was asked for.
public enum ControlClientError: Error, Equatable, Sendable {
    /// Nothing was sent: what was to be sent is not allowed in a request, or the endpoint is none.
    case invalidRequest(String)
    /// No connection came about.
    case cannotReach(endpoint: String, reason: Unreachable)
    /// No complete answer in time, or none at all: the connection broke.
    case timedOut(endpoint: String)
    case disconnected(endpoint: String, detail: String)
    /// The answer was larger than a client takes, in bytes.
    case answerTooLarge(limit: Int)
    /// What answers is no agent, or one of another version.
    case unexpectedAnswer(String)
    /// The agent refused, or could not do it.
    case problem(ProblemMessage)

    /// What kept the connection from coming about.
    public enum Unreachable: Equatable, Sendable {
        /// ENOENT: no socket at that path.
        case noSocket
        /// ECONNREFUSED: nobody listens.
        case refused
        /// EACCES, EPERM.
        case notPermitted
        /// The host name is not known.
        case unknownHost
        /// The other side could not be trusted, or does not speak TLS.
        case notTrusted(String)
        /// Anything else, in libcurl's words.
        case other(String)
    }
}

extension ControlClientError: CustomStringConvertible {
    /// What failed, and what to do about it.
    public var description: String {
        switch self {
        case .invalidRequest(let detail):
            "cannot send the request: \(detail)"
        case .cannotReach(let endpoint, let reason):
            "cannot reach the agent at \(endpoint): \(reason)"
        case .timedOut(let endpoint):
            "cannot get an answer from the agent at \(endpoint): it took too long"
        case .disconnected(let endpoint, let detail):
            "cannot get an answer from the agent at \(endpoint): \(detail)"
        case .answerTooLarge(let limit):
            "cannot take the answer: it is longer than \(limit) bytes; ask for less"
        case .unexpectedAnswer(let detail):
            "cannot understand the answer: \(detail); is it an agent, and of this version?"
        case .problem(let problem):
            problem.detail.isEmpty ? problem.title : problem.detail
        }
    }
}

extension ControlClientError.Unreachable: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noSocket:
            "there is no such socket; start the agent with reeve run, or name another one with --socket"
        case .refused:
            "nobody listens there; start the agent with reeve run"
        case .notPermitted:
            "permission denied; use the agent's own user, root, or one that socket_mode and control.peers let in"
        case .unknownHost:
            "the host name is not known"
        case .notTrusted(let detail):
            "it does not speak TLS, or its certificate is not trusted (\(detail))"
        case .other(let detail):
            detail
        }
    }
}
