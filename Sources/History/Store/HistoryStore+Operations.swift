internal import Supervision

extension HistoryStore {
    private static let columns =
        "id, action, workers, state, changed, requested_by, reason, created_at, finished_at, aborted_by, error"

    // Not one statement with ON CONFLICT: each update would use up a number.
    private static let update =
        "UPDATE operations SET state = ?, changed = ?, finished_at = ?, aborted_by = ?, error = ? WHERE id = ?"
    private static let insert = "INSERT INTO operations (\(columns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

    private static let upsertInstance = """
        INSERT OR REPLACE INTO operation_instances (operation_id, position, worker, instance, old_run_id, new_run_id, \
        outcome, exit_run_id, transcript) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """

    /// Writes what changed of an operation since it was written last.
    func save(_ operation: Operation) throws(SQLiteError) {
        let before = self.writtenOperations[operation.id]
        let updated = try self.connection.run(Self.update) {
            $0.bind(operation.state.rawValue)
            $0.bind(operation.changed)
            $0.bind(operation.finishedAt)
            $0.bind(operation.abortedBy)
            $0.bind(operation.error)
            $0.bind(operation.id)
        }
        if updated == 0 {
            try self.insert(operation)
        }
        for (position, instance) in operation.instances.enumerated() {
            if let before, position < before.instances.count, before.instances[position] == instance { continue }
            try self.connection.run(Self.upsertInstance) {
                $0.bind(operation.id)
                $0.bind(position)
                $0.bind(instance.instance.worker)
                $0.bind(instance.instance.index)
                $0.bind(instance.oldRunID)
                $0.bind(instance.newRunID)
                $0.bind(instance.outcome.rawValue)
                $0.bind(instance.exitRunID)
                $0.bind(TranscriptJSON.text(instance.transcript))
            }
        }
    }

    private func insert(_ operation: Operation) throws(SQLiteError) {
        try self.connection.run(Self.insert) {
            $0.bind(operation.id)
            $0.bind(operation.action.rawValue)
            $0.bind(operation.workers.joined(separator: ","))
            $0.bind(operation.state.rawValue)
            $0.bind(operation.changed)
            $0.bind(operation.requestedBy)
            $0.bind(operation.reason)
            $0.bind(operation.createdAt)
            $0.bind(operation.finishedAt)
            $0.bind(operation.abortedBy)
            $0.bind(operation.error)
        }
    }

    /// The newest operations, newest first.
    func newestOperations(limit: Int) throws(SQLiteError) -> [Operation] {
        try self.operations("ORDER BY number DESC LIMIT ?") { $0.bind(limit) }
    }

    /// Those that had not ended when they were written last, oldest first.
    func unfinishedOperations(limit: Int) throws(SQLiteError) -> [Operation] {
        try self.operations("WHERE finished_at IS NULL ORDER BY number LIMIT ?") { $0.bind(limit) }
    }

    func operation(_ id: OperationID) throws(SQLiteError) -> Operation? {
        try self.operations("WHERE id = ?") { $0.bind(id) }.first
    }

    private func operations(
        _ condition: String,
        _ bind: (Statement) -> Void
    ) throws(SQLiteError) -> [Operation] {
        let found = try self.connection.rows(
            "SELECT \(Self.columns) FROM operations \(condition)",
            bind,
            read: Self.operation
        )
        var operations: [Operation] = []
        for var operation in found {
            operation.instances = try self.instances(of: operation.id)
            operations.append(operation)
        }
        return operations
    }

    private static func operation(_ row: Statement) -> Operation? {
        guard let id = row.uuid(), let action = row.value(OperationAction.self), let workers = row.text(),
            let state = row.value(OperationState.self)
        else { return nil }
        let changed = row.bool()
        guard let requestedBy = row.text() else { return nil }
        let reason = row.text()
        guard let createdAt = row.timestamp() else { return nil }
        return Operation(
            id: id,
            action: action,
            workers: workers.split(separator: ",").map(String.init),
            state: state,
            changed: changed,
            requestedBy: requestedBy,
            reason: reason,
            createdAt: createdAt,
            finishedAt: row.timestamp(),
            abortedBy: row.uuid(),
            error: row.text()
        )
    }

    private func instances(of operation: OperationID) throws(SQLiteError) -> [OperationInstance] {
        let rows = try self.connection.rows(
            """
            SELECT position, worker, instance, old_run_id, new_run_id, outcome, exit_run_id FROM operation_instances \
            WHERE operation_id = ? ORDER BY position
            """
        ) {
            $0.bind(operation)
        } read: { row -> (position: Int64, instance: OperationInstance)? in
            guard let position = row.int64(), let worker = row.text(), let index = row.int() else { return nil }
            var instance = OperationInstance(instance: InstanceID(worker: worker, index: index))
            instance.oldRunID = row.uuid()
            instance.newRunID = row.uuid()
            guard let outcome = row.value(OperationInstance.Outcome.self) else { return nil }
            instance.outcome = outcome
            instance.exitRunID = row.uuid()
            return (position, instance)
        }
        let transcripts = try self.transcripts(of: operation)
        return rows.map { position, instance in
            var instance = instance
            instance.transcript = transcripts[position] ?? []
            return instance
        }
    }

    /// By the positions of the instances.
    private func transcripts(of operation: OperationID) throws(SQLiteError) -> [Int64: [TranscriptLine]] {
        // A text that is no JSON would be an error of the statement, and damage of one row is no reason to give up all.
        let lines = try self.connection.rows(
            """
            SELECT position, json_extract(line.value, '$.at'), json_extract(line.value, '$.text') \
            FROM operation_instances, \
            json_each(CASE WHEN json_valid(transcript) THEN transcript ELSE '[]' END) AS line \
            WHERE operation_id = ? ORDER BY position, line.key
            """
        ) {
            $0.bind(operation)
        } read: { row -> (position: Int64, line: TranscriptLine)? in
            guard let position = row.int64(), let at = row.timestamp(), let text = row.text() else { return nil }
            return (position, TranscriptLine(at: at, text: text))
        }
        return Dictionary(grouping: lines, by: \.position).mapValues { $0.map(\.line) }
    }
}
