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
        // Only what becomes a line waits: a snapshot of an operation holds a transcript for each of its instances, and as
        // many may wait as there are lines to a reader who does not read.
        let told = batch.compactMap { TransitionLog.reduced($0) }
        guard !told.isEmpty else { return }
        let transitions = self.transitions
        self.writer.enqueue(lines: told.count) { transitions.apply(told) }
    }

    func flush() {
        self.writer.flush()
    }
}
