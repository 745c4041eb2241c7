extension InstanceStateMachine {
    /// What is to be done, in this order: the record of the exit, then the process.
    public struct Action: Equatable, Sendable {
        public enum Process: Equatable, Sendable {
            case none
            /// Create the process of a new run.
            case spawn(RunID)
            /// Tell the run to end.
            case terminate(RunID, StopMethod)
            /// Kill everything that is left of the run.
            case kill(RunID)
        }

        public var exit: ExitRecord?
        public var process: Process

        public init(exit: ExitRecord? = nil, process: Process = .none) {
            self.exit = exit
            self.process = process
        }

        public static let none = Action()
    }
}

/// How a run is told to end.
public enum StopMethod: Equatable, Sendable {
    /// To its process group, and SIGCONT after it: a stopped process would never see it.
    case signal(Signal)
    /// The worker's stop command.
    case command
}
