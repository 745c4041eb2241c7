internal import Supervision

extension InstanceMemory {
    static let columns = """
        worker, instance, desired, decided, persist, boot_id, state, run_id, consecutive_failures, backoff_until, starts_total, \
        restarts_total, recent_restarts, updated_at
        """

    static let upsert =
        "INSERT OR REPLACE INTO worker_state (\(Self.columns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

    func bind(to statement: Statement) {
        statement.bind(self.id.worker)
        statement.bind(self.id.index)
        statement.bind(self.desired.rawValue)
        statement.bind(self.isDecided)
        statement.bind(self.isPersistent)
        statement.bind(self.bootID)
        statement.bind(self.state.rawValue)
        statement.bind(self.runID)
        statement.bind(self.consecutiveFailures)
        statement.bind(self.nextStartAt)
        statement.bind(self.starts)
        statement.bind(self.restarts)
        statement.bind(self.recentRestarts.map { TimestampText.format($0) }.joined(separator: ","))
        statement.bind(self.updatedAt)
    }

    /// `nil` for a row that is no memory, which only damage to the file can bring about.
    init?(_ row: Statement) {
        guard let worker = row.text(), let index = row.int(), let desired = row.value(DesiredState.self) else {
            return nil
        }
        let isDecided = row.bool()
        let isPersistent = row.bool()
        guard let bootID = row.text(), let state = row.value(InstanceState.self) else { return nil }
        let run = row.uuid()
        guard let failures = row.count() else { return nil }
        let nextStartAt = row.timestamp()
        guard let starts = row.count(), let restarts = row.count(), let recent = row.text(),
            let updatedAt = row.timestamp()
        else { return nil }
        self.init(
            id: InstanceID(worker: worker, index: index),
            desired: desired,
            isDecided: isDecided,
            isPersistent: isPersistent,
            bootID: bootID,
            state: state,
            runID: run,
            consecutiveFailures: failures,
            nextStartAt: nextStartAt,
            starts: starts,
            restarts: restarts,
            recentRestarts: recent.split(separator: ",").compactMap { TimestampText.parse(String($0)) },
            updatedAt: updatedAt
        )
    }
}
