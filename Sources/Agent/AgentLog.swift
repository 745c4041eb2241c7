import Logging
import Supervision

/// The agent's log and its place in the stream of transitions. Lines are put together on the log's own thread.
final class AgentLog: Sendable {
    let logger: Logger
    private let writer: LogWriter
    private let transitions: TransitionLog

    init(writer: LogWriter) {
        self.writer = writer
        self.logger = Logger(label: "reeve") { _ in LineLogHandler(writer: writer) }
        self.transitions = TransitionLog(logger: self.logger)
    }

    func apply(_ batch: [Transition]) {
        let transitions = self.transitions
        self.writer.enqueue { transitions.apply(batch) }
    }

    func flush() {
        self.writer.flush()
    }
}
