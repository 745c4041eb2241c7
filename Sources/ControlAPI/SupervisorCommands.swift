public import Supervision

/// What the control server asks of the supervisor. Everything that it shows comes from the stream of transitions instead.
public protocol SupervisorCommands: Sendable {
    /// Answers as soon as the request was accepted or refused; the operation's progress comes as transitions, and the
    /// first of them has been sent before this returns.
    func submit(_ request: OperationRequest) async -> OperationSubmission
}
