internal import Supervision

extension HistoryStore {
    /// The exits that match, one more than `query.limit` at most: whether there is more is for the caller to say. Rows that are
    /// no records, which only damage can bring about, are passed over.
    func exits(_ query: ExitQuery) throws(SQLiteError) -> [ExitRecord] {
        let limit = query.limit
        var query = query
        var records: [ExitRecord] = []
        while true {
            let sequence = try self.sequence(query)
            for seq in sequence where records.count <= limit {
                if let record = try self.exit(seq: seq) {
                    records.append(record)
                }
            }
            guard records.count <= limit, sequence.count > query.limit, let last = sequence.last else {
                return records
            }
            if query.isAscending {
                query.after = last
            } else {
                query.before = last
            }
            // However many of them there are, they cost few searches.
            query.limit = max(256, 2 * query.limit)
        }
    }

    func exit(seq: Int64) throws(SQLiteError) -> ExitRecord? {
        try self.connection.row("SELECT \(ExitRow.columns) FROM exits WHERE seq = ?") {
            $0.bind(seq)
        } read: {
            ExitRow.read($0)
        }
    }

    func exit(ofRun run: RunID) throws(SQLiteError) -> ExitRecord? {
        try self.connection.row("SELECT \(ExitRow.columns) FROM exits WHERE run_id = ?") {
            $0.bind(run)
        } read: {
            ExitRow.read($0)
        }
    }

    func newestExit(of id: InstanceID) throws(SQLiteError) -> ExitRecord? {
        try self.connection.row(
            "SELECT \(ExitRow.columns) FROM exits INDEXED BY exits_by_worker WHERE worker = ? AND instance = ? "
                + "ORDER BY seq DESC LIMIT 1"
        ) {
            $0.bind(id.worker)
            $0.bind(id.index)
        } read: {
            ExitRow.read($0)
        }
    }

    func oldestExit() throws(SQLiteError) -> Int64? {
        if let known = self.knownOldestExit {
            return known
        }
        let oldest = try self.connection.row("SELECT min(seq) FROM exits WHERE seq > 0") { $0.int64() }
        self.knownOldestExit = oldest
        return oldest
    }

    func newestExit() throws(SQLiteError) -> Int64? {
        try self.connection.row("SELECT max(seq) FROM exits") { $0.int64() }
    }

    /// The workers of which there are exits, configured or not.
    func workersWithExits() -> [String] {
        self.exitCounts.filter { $0.value > 0 }.keys.sorted()
    }

    // MARK: Finding

    /// The numbers of the exits that match, in the order of the query.
    ///
    /// Each pair of a worker and a cause is a walk along an index that holds all that is asked, which ends at the limit;
    /// the walks' ends are merged. So it costs what is found, not what there is.
    private func sequence(_ query: ExitQuery) throws(SQLiteError) -> [Int64] {
        let workers: [String?] = query.workers.map { Array(Set($0)) } ?? [nil]
        let causes: [ExitCause?] = query.causes.map { Array(Set($0)) } ?? [nil]
        var found: [Int64] = []
        for worker in workers {
            for cause in causes {
                found += try self.walk(query, worker: worker, cause: cause)
                if found.count > 4 * (query.limit + 1) {
                    found = Self.merge(found, query)
                }
            }
        }
        return Self.merge(found, query)
    }

    private static func merge(_ found: [Int64], _ query: ExitQuery) -> [Int64] {
        let sorted = query.isAscending ? found.sorted() : found.sorted(by: >)
        return Array(sorted.prefix(query.limit + 1))
    }

    private func walk(_ query: ExitQuery, worker: String?, cause: ExitCause?) throws(SQLiteError) -> [Int64] {
        let sql = Self.walk(
            hasWorker: worker != nil,
            hasCause: cause != nil,
            hasSince: query.since != nil,
            isAscending: query.isAscending
        )
        return try self.connection.rows(sql) { statement in
            // In the order in which `walk` asks for them.
            if let worker {
                statement.bind(worker)
            }
            if let cause {
                statement.bind(cause.rawValue)
            }
            statement.bind(query.after ?? -1)
            statement.bind(query.before ?? .max)
            if let since = query.since {
                statement.bind(since)
            }
            statement.bind(query.limit + 1)
        } read: {
            $0.int64()
        }
    }

    static func walk(hasWorker: Bool, hasCause: Bool, hasSince: Bool, isAscending: Bool) -> String {
        let index =
            switch (hasWorker, hasCause) {
            case (true, true): "INDEXED BY exits_by_worker_and_cause "
            case (true, false): "INDEXED BY exits_by_worker "
            case (false, true): "INDEXED BY exits_by_cause "
            // Few that ended lately are sorted; all of them are walked along as they lie.
            case (false, false): hasSince ? "INDEXED BY exits_by_end " : "NOT INDEXED "
            }
        return "SELECT seq FROM exits \(index)WHERE "
            + (hasWorker ? "worker = ? AND " : "") + (hasCause ? "cause = ? AND " : "") + "seq > ? AND seq < ? "
            + (hasSince ? "AND ended_at >= ? " : "")
            + "ORDER BY seq \(isAscending ? "ASC" : "DESC") LIMIT ?"
    }

    // MARK: Transitions

    /// The transitions after `id`, oldest first.
    func transitions(_ start: TransitionStart, limit: Int) throws(SQLiteError) -> [TransitionRecord] {
        let id: Int64
        switch start {
        case .after(let after): id = after
        // Times may go back when the clock is set; the order is that of the numbers.
        case .since(let time):
            guard let first = try self.firstTransition(since: time) else { return [] }
            id = first - 1
        }
        return try self.transitions(after: id, limit: limit)
    }

    /// Rows that are no records, which damage and a newer build can bring about, are passed over.
    private func transitions(after id: Int64, limit: Int) throws(SQLiteError) -> [TransitionRecord] {
        var records: [TransitionRecord] = []
        var last = id
        var wanted = limit
        while true {
            let rows = try self.connection.rows(
                "SELECT id, \(TransitionRecord.columns) FROM transitions WHERE id > ? ORDER BY id LIMIT ?"
            ) {
                $0.bind(last)
                $0.bind(wanted)
            } read: { row -> (id: Int64, record: TransitionRecord?)? in
                row.int64().map { ($0, TransitionRecord(row)) }
            }
            records += rows.compactMap(\.record)
            guard records.count < limit, rows.count == wanted, let next = rows.last?.id else {
                return Array(records.prefix(limit))
            }
            last = next
            // However many of them there are, they cost few searches.
            wanted = max(256, 2 * wanted)
        }
    }

    func oldestTransition() throws(SQLiteError) -> Int64? {
        try self.connection.row("SELECT min(id) FROM transitions WHERE id > 0") { $0.int64() }
    }

    /// The first transition at or after `time`, for those who go on from there.
    private func firstTransition(since time: Timestamp) throws(SQLiteError) -> Int64? {
        try self.connection.row("SELECT min(id) FROM transitions WHERE at >= ? AND id > 0") {
            $0.bind(time)
        } read: {
            $0.int64()
        }
    }
}
