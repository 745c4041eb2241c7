public import History
public import Supervision

/// What the control server asks of the history: records that are older than what it holds in memory. Everything else
/// that it shows comes from the stream of transitions.
public protocol HistoryQueries: Sendable {
    /// From any thread, without waiting.
    var status: HistoryStatus { get }

    /// Exits, committed ones and those that wait in memory.
    func exits(_ query: ExitQuery) async throws(SQLiteError) -> ExitPage

    func exit(seq: Int64) async throws(SQLiteError) -> ExitRecord?

    func exit(ofRun run: RunID) async throws(SQLiteError) -> ExitRecord?

    /// The workers of which there are exits, whether they are configured or not.
    func workersWithExits() async -> [String]

    /// Transitions, committed ones and those that wait in memory: oldest first, `limit` at most.
    func transitions(_ start: TransitionStart, limit: Int) async throws(SQLiteError) -> TransitionPage

    /// The newest operations, newest first.
    func operations(newest limit: Int) async throws(SQLiteError) -> [Operation]

    func operation(_ id: OperationID) async throws(SQLiteError) -> Operation?
}

extension HistoryRoom: HistoryQueries {}
