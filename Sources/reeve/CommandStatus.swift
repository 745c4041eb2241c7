import ControlClient
import ControlMessages

/// What the program ends with; scripts rely on it.
enum CommandStatus: Int32, Sendable {
    case done = 0
    /// The worker did not come up; for `status`: something is not as desired.
    case notAsDesired = 1
    /// Usage, configuration or unknown worker.
    case usage = 2
    /// The agent cannot be reached, or gives no answer that is of use.
    case unreachable = 3
    case notAllowed = 4
    /// Still in progress at the timeout.
    case inProgress = 5
    /// A conflict, a hold or a precondition.
    case conflict = 6

    /// What the status of an answer means.
    init(httpStatus: Int) {
        switch httpStatus {
        case 200..<300: self = .done
        case 401, 403, 421: self = .notAllowed
        case 409, 412, 423: self = .conflict
        case 424: self = .notAsDesired
        case 504: self = .inProgress
        case 400..<500: self = .usage
        default: self = .unreachable
        }
    }

    init(_ error: ControlClientError) {
        switch error {
        case .invalidRequest: self = .usage
        case .cannotReach(_, .notPermitted): self = .notAllowed
        case .cannotReach, .disconnected, .answerTooLarge, .unexpectedAnswer: self = .unreachable
        case .timedOut: self = .unreachable
        case .problem(let problem): self = CommandStatus(httpStatus: problem.status)
        }
    }

    /// What an operation came to that was answered with success.
    init(_ operation: OperationMessage, isDetached: Bool) {
        switch operation.state {
        case "succeeded": self = .done
        case "failed": self = .notAsDesired
        case "aborted": self = .conflict
        default: self = isDetached ? .done : .inProgress
        }
    }
}

/// Ends a command with a status and, where there is something to say, a message on standard error.
struct CommandFailure: Error, Equatable {
    var status: CommandStatus
    var message: String?

    init(_ status: CommandStatus, _ message: String? = nil) {
        self.status = status
        self.message = message
    }

    init(_ error: ControlClientError) {
        self.init(CommandStatus(error), Printable.line(error.description))
    }
}
