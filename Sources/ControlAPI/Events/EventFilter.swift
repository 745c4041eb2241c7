internal import ControlMessages
internal import History

/// Which events a client wants; all without a list.
struct EventFilter {
    var workers: [NamePattern]?
    var kinds: [TransitionRecord.Kind]?

    func passes(_ record: TransitionRecord) -> Bool {
        if let kinds = self.kinds, !kinds.contains(record.kind) {
            return false
        }
        guard let workers = self.workers else { return true }
        // What belongs to no worker, or to several, is not of the one that is meant.
        guard let worker = record.worker else { return false }
        return workers.contains { $0.matches(worker) }
    }
}
