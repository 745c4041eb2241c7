internal import ControlMessages
internal import History
internal import Supervision

/// Which exits a client wants to see.
struct ExitsQuery: Sendable {
    /// Names and globs; `nil` for all.
    var workers: [NamePattern]?
    /// `nil` for all.
    var causes: [ExitCause]?
    /// Ended at or after it.
    var since: Timestamp?
    var after: Int64?
    var before: Int64?
    var limit = 100
    var isAscending = false

    func matches(_ record: ExitRecord) -> Bool {
        if let since = self.since, record.endedAt < since { return false }
        if let causes = self.causes, !causes.contains(record.cause) { return false }
        guard let workers = self.workers else { return true }
        return workers.contains { $0.matches(record.instance.worker) }
    }

    /// As the history takes it, which knows no globs.
    ///
    /// - Parameter known: the workers of which the history has exits.
    func stored(known: [String]) -> ExitQuery {
        ExitQuery(
            workers: self.workers.map { patterns in
                patterns.filter { !$0.isGlob }.map(\.text)
                    + known.filter { name in patterns.contains { $0.isGlob && $0.matches(name) } }
            },
            causes: self.causes,
            since: self.since,
            after: self.after,
            before: self.before,
            limit: self.limit,
            isAscending: self.isAscending
        )
    }
}
