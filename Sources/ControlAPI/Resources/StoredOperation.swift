internal import ControlMessages
internal import History
internal import Supervision

/// An operation of the history, with the exits that it names.
struct StoredOperation: Sendable {
    /// How many exits are looked up for one answer; an operation without them tells its outcome all the same.
    private static let maximumExits = 1_000

    let operation: Operation
    private var exits: [RunID: ExitRecord] = [:]

    private init(_ operation: Operation) {
        self.operation = operation
    }

    var message: OperationMessage {
        OperationMessage(self.operation, exits: self.exits)
    }

    static func load(
        _ operations: [Operation],
        from history: any HistoryQueries
    ) async throws(SQLiteError) -> [StoredOperation] {
        var loaded: [StoredOperation] = []
        var count = 0
        for operation in operations {
            var stored = StoredOperation(operation)
            for run in operation.instances.compactMap(\.exitRunID) where count < Self.maximumExits {
                count += 1
                stored.exits[run] = try await history.exit(ofRun: run)
            }
            loaded.append(stored)
        }
        return loaded
    }
}
