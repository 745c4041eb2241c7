import ControlAPI
import History
import LinuxSystem
import Supervision

/// A history that a test fills.
///
/// It is one that has everything the control server was told, too, once a test has put it in.
final class FakeHistory: HistoryQueries {
    struct Contents: Sendable {
        var status = HistoryStatus()
        /// What reading fails with.
        var error: SQLiteError?
        /// Whether the database can be read; else only what waits is answered, which is nothing here.
        var isReadable = true
        /// Whether answers are held back until `release`.
        var isHeld = false
        var held: [CheckedContinuation<Void, Never>] = []
        /// How often something was asked.
        var questions = 0
        var exits: [ExitRecord] = []
        var transitions: [TransitionRecord] = []
        /// The highest number that was given, where there are no transitions.
        var newestTransition: Int64 = 0
        var operations: [Supervision.Operation] = []
    }

    let contents = Locked(Contents())

    /// Lets the answers go that were held back, and those to come.
    func release() {
        let held = self.contents.withLock { contents in
            defer { contents.held = [] }
            contents.isHeld = false
            return contents.held
        }
        for continuation in held {
            continuation.resume()
        }
    }

    private func begin() async throws(SQLiteError) {
        let isHeld = self.contents.withLock { contents in
            contents.questions += 1
            return contents.isHeld
        }
        if isHeld {
            await withCheckedContinuation { continuation in
                self.contents.withLock { $0.held.append(continuation) }
            }
        }
        if let error = self.contents.withLock({ $0.error }) {
            throw error
        }
    }

    var status: HistoryStatus {
        self.contents.withLock { $0.status }
    }

    func exits(_ query: ExitQuery) async throws(SQLiteError) -> ExitPage {
        try await self.begin()
        return self.contents.withLock { contents in
            guard contents.isReadable else {
                var page = ExitPage(records: [], next: nil, oldest: nil, newest: nil)
                page.isComplete = false
                return page
            }
            var matching = contents.exits.filter { record in
                (query.workers?.contains(record.instance.worker) ?? true)
                    && (query.causes?.contains(record.cause) ?? true)
                    && (query.since.map { record.endedAt >= $0 } ?? true)
                    && (query.after.map { record.seq > $0 } ?? true)
                    && (query.before.map { record.seq < $0 } ?? true)
            }
            if !query.isAscending {
                matching.reverse()
            }
            let records = Array(matching.prefix(query.limit))
            let hasMore = matching.count > records.count
            return ExitPage(
                records: records,
                next: hasMore ? records.last?.seq : query.isAscending ? contents.exits.last?.seq : nil,
                oldest: contents.exits.first?.seq,
                newest: contents.exits.last?.seq
            )
        }
    }

    func exit(seq: Int64) async throws(SQLiteError) -> ExitRecord? {
        try await self.begin()
        return self.contents.withLock { $0.exits.first { $0.seq == seq } }
    }

    func exit(ofRun run: RunID) async throws(SQLiteError) -> ExitRecord? {
        self.contents.withLock { $0.exits.first { $0.runID == run } }
    }

    func workersWithExits() async -> [String] {
        self.contents.withLock { Set($0.exits.map(\.instance.worker)).sorted() }
    }

    func transitions(_ start: TransitionStart, limit: Int) async throws(SQLiteError) -> TransitionPage {
        try await self.begin()
        return self.contents.withLock { contents in
            let all = contents.isReadable ? contents.transitions : []
            let following: ArraySlice<TransitionRecord>
            switch start {
            case .after(let id): following = all.drop { $0.id <= id }
            case .since(let time): following = all.drop { $0.at < time }
            }
            return TransitionPage(
                records: Array(following.prefix(limit)),
                oldest: all.first?.id,
                newest: all.last?.id ?? contents.newestTransition,
                isComplete: contents.isReadable
            )
        }
    }

    func operations(newest limit: Int) async throws(SQLiteError) -> [Supervision.Operation] {
        try await self.begin()
        return self.contents.withLock { Array($0.operations.reversed().prefix(limit)) }
    }

    func operation(_ id: OperationID) async throws(SQLiteError) -> Supervision.Operation? {
        try await self.begin()
        return self.contents.withLock { $0.operations.first { $0.id == id } }
    }
}
