internal import History
internal import Supervision

/// What the history tells of the restarts and the time up of the instances before this agent began, so that their counts go
/// on. Times are those of the projection, in milliseconds.
struct PastActivity {
    struct Instance {
        var restarts = RestartCounts()
        var upShare: UpShare
        /// Whether it was up when the agent before told of it last.
        var isUp = false

        init(since time: Int64) {
            self.upShare = UpShare(since: time)
        }
    }

    /// How far back the longest window goes.
    static let window = Duration.seconds(24 * 3600)

    private(set) var instances: [InstanceID: Instance] = [:]

    /// Takes the events of the stream in their order; `time` is within the window.
    mutating func take(_ record: TransitionRecord, at time: Int64) {
        guard record.kind == .instanceState, let worker = record.worker, let index = record.instance,
            let from = record.from, let to = record.to
        else { return }
        let id = InstanceID(worker: worker, index: index)
        var instance = self.instances[id] ?? Instance(since: time)
        if to == InstanceState.starting.rawValue, record.operationID == nil,
            from == InstanceState.backoff.rawValue || record.exitSeq != nil
        {
            instance.restarts.add(1, at: time)
        }
        instance.isUp = to == InstanceState.running.rawValue
        instance.upShare.note(isUp: instance.isUp, at: time)
        self.instances[id] = instance
    }
}
