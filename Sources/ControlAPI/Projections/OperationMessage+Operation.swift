internal import ControlMessages
internal import Supervision

extension OperationMessage {
    /// - Parameter exits: the records of the exits that the operation names, as far as they are known.
    init(_ operation: Operation, exits: [RunID: ExitRecord]) {
        self.init(
            id: operation.id.description,
            action: operation.action.rawValue,
            workers: operation.workers,
            state: operation.state.rawValue,
            changed: operation.changed,
            requestedBy: operation.requestedBy,
            reason: operation.reason,
            createdAt: TimestampText.format(operation.createdAt),
            finishedAt: operation.finishedAt.map { TimestampText.format($0) },
            abortedBy: operation.abortedBy?.description,
            error: operation.error,
            instances: operation.instances.map { part in
                OperationInstanceMessage(
                    worker: part.instance.worker,
                    instance: part.instance.index,
                    oldRunID: part.oldRunID?.description,
                    newRunID: part.newRunID?.description,
                    outcome: part.outcome.rawValue,
                    // Whoever may see an operation may see what workers print.
                    exit: part.exitRunID.flatMap { exits[$0] }.map { ExitMessage($0, detail: .full) },
                    transcript: part.transcript.map {
                        TranscriptMessage(at: TimestampText.format($0.at), text: $0.text)
                    }
                )
            }
        )
    }
}
