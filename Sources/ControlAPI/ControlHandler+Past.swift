internal import History
internal import Supervision

/// The counts of restarts and the shares of time go on after a restart of the agent: what they were is read from the history
/// once, in pages, while requests are answered already.
extension ControlHandler {
    private static let pageSize = 1_000

    func recallPast() {
        guard !self.hasRecalledPast, self.lastPastEvent > 0 else { return }
        self.hasRecalledPast = true
        let since = self.timer.now.wall.advanced(by: .zero - PastActivity.window)
        self.recall(.since(since), PastActivity())
    }

    private func recall(_ start: TransitionStart, _ activity: PastActivity) {
        self.ask { history throws(SQLiteError) in
            try await history.transitions(start, limit: Self.pageSize)
        } then: { [unowned self] result in
            // What cannot be read is not counted.
            let records = (try? result.get())?.records.prefix { $0.id <= self.lastPastEvent } ?? []
            var activity = activity
            let now = self.timer.now
            // The stream is in the order of what happened, not of the clock: one that was set may have gone back far.
            let since = now.wall.advanced(by: .zero - PastActivity.window)
            for record in records where record.at >= since {
                let age = now.wall.nanosecondsSinceEpoch - record.at.nanosecondsSinceEpoch
                activity.take(record, at: self.status.milliseconds(now.monotonic) - max(0, age / 1_000_000))
            }
            guard let last = records.last, records.count == Self.pageSize else {
                self.takeUp(activity)
                return
            }
            self.recall(.after(last.id), activity)
        }
    }

    private func takeUp(_ activity: PastActivity) {
        let revision = self.status.revision
        self.status.takeUp(activity, began: self.agent.startedAt, at: self.timer.now.monotonic)
        self.setExpiry()
        if self.status.revision != revision {
            self.answerWorkerWaits()
        }
    }
}
