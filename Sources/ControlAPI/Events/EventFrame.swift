internal import ControlMessages
internal import History
internal import Supervision

/// An event, encoded once in each form for all who get it.
final class EventFrame {
    let record: TransitionRecord
    private lazy var sse = EventFormat.sse.frame(EventMessage(self.record))
    private lazy var line = EventFormat.ndjson.frame(EventMessage(self.record))

    init(_ record: TransitionRecord) {
        self.record = record
    }

    func bytes(_ format: EventFormat) -> [UInt8] {
        switch format {
        case .sse: self.sse
        case .ndjson: self.line
        }
    }
}

extension EventMessage {
    init(_ record: TransitionRecord) {
        self.init(
            id: record.id,
            at: TimestampText.format(record.at),
            type: record.kind.rawValue,
            worker: record.worker,
            instance: record.instance,
            runID: record.runID?.description,
            from: record.from,
            to: record.to,
            exitSeq: record.exitSeq,
            operationID: record.operationID?.description,
            text: record.text
        )
    }
}
