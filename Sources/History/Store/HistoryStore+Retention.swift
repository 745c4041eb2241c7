internal import Supervision

extension HistoryStore {
    /// Rows that one step deletes at most, and pages that it gives back: a few milliseconds.
    static let rowsPerStep = 500
    static let pagesPerStep = 256
    /// Free pages that are kept for what is written next.
    static let sparePages: Int64 = 256
    /// Pages of the log from which on it is copied into the file.
    static let pagesBeforeCheckpoint = 1000

    /// One small step towards what `retention` says; answers whether there is more to do.
    ///
    /// - Parameter rows: how many rows may be deleted; more than were written since the last step, so that it catches up.
    func retain(_ retention: HistoryRetention, at now: Timestamp, rows: Int) throws(SQLiteError) -> Bool {
        var left = rows
        let pages = try self.pages()
        let isTooLarge = pages.used > Self.maximumPages(retention, pageSize: pages.size)
        let end = now.advanced(by: .zero - retention.age)
        let hasExcess = try self.hasExcess(retention, before: end)
        if isTooLarge || hasExcess {
            do throws(SQLiteError) {
                try self.connection.transaction { () throws(SQLiteError) in
                    left -= try self.deleteExits(before: end, limit: left)
                    left -= try self.deleteExcessExits(retention, limit: left)
                    left -= try self.deleteTransitions(retention, before: end, limit: left)
                    left -= try self.deleteOperations(retention, before: end, limit: left)
                    if isTooLarge, left > 0 {
                        left -= try self.deleteOldest(limit: left)
                    }
                }
            } catch {
                try self.count()
                throw error
            }
        }
        let gaveBack = try self.giveBackPages(retention)
        if self.connection.pagesInLog >= Self.pagesBeforeCheckpoint {
            try self.connection.checkpoint()
        }
        return (left < rows && (left <= 0 || isTooLarge)) || gaveBack
    }

    private func hasExcess(_ retention: HistoryRetention, before end: Timestamp) throws(SQLiteError) -> Bool {
        if self.exitCount > retention.exits || self.transitionCount > retention.transitions { return true }
        if self.grownWorkers.contains(where: { self.exitCounts[$0] ?? 0 > retention.exitsPerWorker }) { return true }
        self.grownWorkers.removeAll()
        for sql in [
            "SELECT count(*) FROM (SELECT 1 FROM exits WHERE ended_at < ? LIMIT 1)",
            "SELECT count(*) FROM (SELECT 1 FROM transitions WHERE at < ? LIMIT 1)",
        ] {
            let count = try self.connection.row(sql) {
                $0.bind(end)
            } read: {
                $0.int64()
            }
            if count == 1 { return true }
        }
        return try self.excessOperations(retention, before: end)
    }

    // MARK: Exits

    private func deleteExits(before end: Timestamp, limit: Int) throws(SQLiteError) -> Int {
        try self.deleteExits("SELECT seq FROM exits WHERE ended_at < ? ORDER BY ended_at LIMIT ?") {
            $0.bind(end)
            $0.bind(limit)
        }
    }

    private func deleteExcessExits(_ retention: HistoryRetention, limit: Int) throws(SQLiteError) -> Int {
        var deleted = try self.deleteOldestExits(min(limit, self.exitCount - retention.exits))
        for worker in self.grownWorkers {
            let excess = (self.exitCounts[worker] ?? 0) - retention.exitsPerWorker
            guard excess > 0 else {
                self.grownWorkers.remove(worker)
                continue
            }
            guard deleted < limit else { break }
            deleted += try self.deleteExits("SELECT seq FROM exits WHERE worker = ? ORDER BY seq LIMIT ?") {
                $0.bind(worker)
                $0.bind(min(limit - deleted, excess))
            }
        }
        return deleted
    }

    private func deleteOldestExits(_ count: Int) throws(SQLiteError) -> Int {
        guard count > 0 else { return 0 }
        return try self.deleteExits("SELECT seq FROM exits ORDER BY seq LIMIT ?") { $0.bind(count) }
    }

    /// Deletes the exits that `selection` names, and keeps their counts right.
    private func deleteExits(_ selection: String, _ bind: (Statement) -> Void) throws(SQLiteError) -> Int {
        let workers = try self.connection.rows(
            "DELETE FROM exits WHERE seq IN (\(selection)) RETURNING worker",
            bind
        ) {
            $0.text() ?? ""
        }
        for worker in workers {
            let count = (self.exitCounts[worker] ?? 0) - 1
            self.exitCounts[worker] = count > 0 ? count : nil
        }
        self.exitCount -= workers.count
        self.knownOldestExit = nil
        return workers.count
    }

    // MARK: The rest

    private func deleteTransitions(
        _ retention: HistoryRetention,
        before end: Timestamp,
        limit: Int
    ) throws(SQLiteError) -> Int {
        guard limit > 0 else { return 0 }
        let old = try self.connection.run(
            "DELETE FROM transitions WHERE id IN (SELECT id FROM transitions WHERE at < ? ORDER BY at LIMIT ?)"
        ) {
            $0.bind(end)
            $0.bind(limit)
        }
        self.transitionCount -= old
        return old + (try self.deleteOldestTransitions(min(limit - old, self.transitionCount - retention.transitions)))
    }

    private func deleteOldestTransitions(_ count: Int) throws(SQLiteError) -> Int {
        guard count > 0 else { return 0 }
        let deleted = try self.connection.run(
            "DELETE FROM transitions WHERE id IN (SELECT id FROM transitions ORDER BY id LIMIT ?)"
        ) {
            $0.bind(count)
        }
        self.transitionCount -= deleted
        return deleted
    }

    /// Operations that ended and are too old or too many; numbers rise by one, so their difference bounds the count.
    private static let excessOperations = """
        finished_at IS NOT NULL AND (created_at < ? OR number <= (SELECT max(number) FROM operations) - ?)
        """

    private func excessOperations(_ retention: HistoryRetention, before end: Timestamp) throws(SQLiteError) -> Bool {
        // The oldest that ended is enough to know.
        let count = try self.connection.row(
            """
            SELECT count(*) FROM (SELECT * FROM operations WHERE finished_at IS NOT NULL ORDER BY number LIMIT 1) \
            WHERE \(Self.excessOperations)
            """
        ) {
            $0.bind(end)
            $0.bind(retention.operations)
        } read: {
            $0.int64()
        }
        return count == 1
    }

    private func deleteOperations(
        _ retention: HistoryRetention,
        before end: Timestamp,
        limit: Int
    ) throws(SQLiteError) -> Int {
        // One has as many rows below it as it has instances.
        let count = min(limit, 10)
        guard count > 0 else { return 0 }
        return try self.connection.run(
            """
            DELETE FROM operations WHERE number IN \
            (SELECT number FROM operations WHERE \(Self.excessOperations) ORDER BY number LIMIT ?)
            """
        ) {
            $0.bind(end)
            $0.bind(retention.operations)
            $0.bind(count)
        }
    }

    // MARK: Size

    /// The oldest rows, of each table by its share of all.
    private func deleteOldest(limit: Int) throws(SQLiteError) -> Int {
        let all = max(1, self.exitCount + self.transitionCount)
        let exits = max(self.exitCount > 0 ? 1 : 0, limit * self.exitCount / all)
        let deleted = try self.deleteOldestExits(exits) + self.deleteOldestTransitions(limit - exits)
        let operations = try self.connection.run(
            """
            DELETE FROM operations WHERE number IN (SELECT number FROM operations WHERE finished_at IS NOT NULL \
            AND created_at < (SELECT at FROM transitions ORDER BY id LIMIT 1) ORDER BY number LIMIT 10)
            """
        )
        return deleted + operations
    }

    private func pages() throws(SQLiteError) -> (used: Int64, all: Int64, free: Int64, size: Int64) {
        let all = try self.connection.row("PRAGMA page_count") { $0.int64() } ?? 0
        let free = try self.connection.row("PRAGMA freelist_count") { $0.int64() } ?? 0
        let size = try self.connection.row("PRAGMA page_size") { $0.int64() } ?? 4096
        return (all - free, all, free, size)
    }

    /// What the file may have, so that it and its log stay within the size that is allowed.
    static func maximumPages(_ retention: HistoryRetention, pageSize: Int64) -> Int64 {
        max(retention.size - HistoryFile.logSizeLimit, retention.size / 2) / pageSize
    }

    /// Gives free pages at the end of the file back to the file system; answers whether there are more to give.
    private func giveBackPages(_ retention: HistoryRetention) throws(SQLiteError) -> Bool {
        let pages = try self.pages()
        let tooMany = max(pages.free - Self.sparePages, pages.all - Self.maximumPages(retention, pageSize: pages.size))
        let count = min(tooMany, pages.free, Int64(Self.pagesPerStep))
        guard count > 0 else { return false }
        try self.connection.run("PRAGMA incremental_vacuum(\(count))")
        // A file that was made without gives none back.
        let isWorking = try self.pages().free < pages.free
        return isWorking && count < min(tooMany, pages.free)
    }
}
