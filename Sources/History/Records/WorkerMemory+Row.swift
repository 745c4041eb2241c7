internal import Supervision

extension WorkerMemory {
    static let columns = "worker, instances, configured_instances, persist, boot_id, updated_at"

    static let upsert = "INSERT OR REPLACE INTO worker_scale (\(Self.columns)) VALUES (?, ?, ?, ?, ?, ?)"

    func bind(to statement: Statement) {
        statement.bind(self.worker)
        statement.bind(self.count)
        statement.bind(self.configuredCount)
        statement.bind(self.isPersistent)
        statement.bind(self.bootID)
        statement.bind(self.updatedAt)
    }

    /// `nil` for a row that is no memory, which only damage to the file can bring about.
    init?(_ row: Statement) {
        guard let worker = row.text(), let count = row.int(), WorkerSpecification.possibleInstances.contains(count),
            let configuredCount = row.int()
        else { return nil }
        let isPersistent = row.bool()
        guard let bootID = row.text(), let updatedAt = row.timestamp() else { return nil }
        self.init(
            worker: worker,
            count: count,
            configuredCount: configuredCount,
            isPersistent: isPersistent,
            bootID: bootID,
            updatedAt: updatedAt
        )
    }
}
