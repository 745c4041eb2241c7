internal import LinuxSystem
internal import Supervision

// What is asked of the history, what is kept of it, and its end.

extension HistoryWriter {
    /// Exits from the database and those that wait in memory, which are all newer.
    func exits(_ query: ExitQuery, at now: Moment, tell: (Output) -> Void) throws(SQLiteError) -> ExitPage {
        let waiting = self.waiting.records
        var page = ExitPage(records: [], next: nil, oldest: waiting.first?.seq, newest: waiting.last?.seq)
        let matching = waiting.filter(query.matches)
        if self.store == nil {
            page.isComplete = false
        }
        let stored = try self.read(at: now, tell: tell) { (store) throws(SQLiteError) in
            page.oldest = try store.oldestExit() ?? page.oldest
            let newest = try store.newestExit()
            page.newest = page.newest ?? newest
            return try store.exits(query)
        }
        var found: [ExitRecord]
        if query.isAscending {
            found = (stored ?? []) + matching
        } else {
            found = matching.reversed() + (stored ?? [])
        }
        if found.count > query.limit {
            found.removeLast(found.count - query.limit)
            page.next = found.last?.seq
        } else if query.isAscending {
            let end = min(page.newest ?? 0, (query.before ?? .max) - 1)
            page.next = max(query.after ?? 0, end)
        }
        page.records = found
        return page
    }

    /// The workers of which there are exits, in the database or waiting.
    var workersWithExits: [String] {
        let waiting = Set(self.waiting.records.map(\.instance.worker))
        return Array(waiting.union(self.store?.workersWithExits() ?? [])).sorted()
    }

    func exit(seq: Int64, at now: Moment, tell: (Output) -> Void) throws(SQLiteError) -> ExitRecord? {
        if let record = self.waiting.records.first(where: { $0.seq == seq }) {
            return record
        }
        return try self.read(at: now, tell: tell) { (store) throws(SQLiteError) in try store.exit(seq: seq) } ?? nil
    }

    func exit(ofRun run: RunID, at now: Moment, tell: (Output) -> Void) throws(SQLiteError) -> ExitRecord? {
        if let seq = self.waiting.seq(ofRun: run) {
            return self.waiting.records.first { $0.seq == seq }
        }
        return try self.read(at: now, tell: tell) { (store) throws(SQLiteError) in try store.exit(ofRun: run) } ?? nil
    }

    /// Transitions from the database, then those that wait in memory, which are all newer.
    func transitions(
        _ start: TransitionStart,
        limit: Int,
        at now: Moment,
        tell: (Output) -> Void
    ) throws(SQLiteError) -> TransitionPage {
        let stored = try self.read(at: now, tell: tell) { (store) throws(SQLiteError) in
            (try store.transitions(start, limit: limit), try store.oldestTransition())
        }
        // After the reading, which may have found the database damaged and gone on in a new one.
        var page = TransitionPage(
            records: stored?.0 ?? [],
            oldest: stored?.1,
            newest: self.numbering.lastTransition,
            isComplete: stored != nil
        )
        guard !self.waiting.isEmpty else { return page }
        let waiting = self.waiting.nextGroup(limit: .max).transitions
        page.oldest = page.oldest ?? waiting.first?.id
        let missing = limit - page.records.count
        page.records += waiting.lazy.filter { start.takes($0) }.prefix(missing).map { TransitionRecord($0) }
        return page
    }

    /// Reads from the database; `nil` while there is none that can be read. One that turns out to be damaged is set aside,
    /// and the new one knows nothing.
    func read<Result>(
        at now: Moment,
        tell: (Output) -> Void,
        _ body: (HistoryStore) throws(SQLiteError) -> Result
    ) throws(SQLiteError) -> Result? {
        guard let store = self.store else { return nil }
        do throws(SQLiteError) {
            return try body(store)
        } catch {
            guard error.kind == .damage, self.degraded == nil else { throw error }
            var output = Output()
            do throws(SQLiteError) {
                try self.beginAnew(because: error, at: now, into: &output)
            } catch {
                self.degrade(error, at: now, into: &output)
            }
            self.updateStatus()
            tell(output)
            return try self.store.map { (store) throws(SQLiteError) in try body(store) }
        }
    }

    // MARK: Retention

    /// One small step of retention, if it is time for it. While there is more to do, it is time for it at once.
    func retain(at now: Moment, tell: (Output) -> Void) {
        guard self.degraded == nil, let store = self.store else { return }
        guard
            self.rowsSinceRetention >= HistoryStore.rowsPerStep || now.monotonic >= self.nextRetention ?? now.monotonic
        else { return }
        let rows = max(HistoryStore.rowsPerStep, 2 * self.rowsSinceRetention)
        self.rowsSinceRetention = 0
        self.nextRetention = now.monotonic.advanced(by: Self.retentionInterval)
        do throws(SQLiteError) {
            if try store.retain(self.options.retention, at: now.wall, rows: rows) {
                self.nextRetention = now.monotonic
            }
            self.updateStatus()
        } catch {
            // On a full disk nothing can be deleted either; what cannot be written says so itself.
            guard error.kind == .damage else { return }
            var output = Output()
            do throws(SQLiteError) {
                try self.beginAnew(because: error, at: now, into: &output)
            } catch {
                self.degrade(error, at: now, into: &output)
            }
            self.updateStatus()
            tell(output)
        }
    }

    // MARK: The end

    /// Tries once more to write what waits, and closes the file so that the next start goes on without a gap.
    func close(at now: Moment, tell: (Output) -> Void) {
        var output = Output()
        if self.degraded != nil {
            output = self.recover(at: now)
        }
        try? self.store?.connection.checkpoint()
        self.store = nil
        do throws(Errno) {
            try self.numbering.close()
        } catch {
            output.notices.append(.numbersUnprotected(reason: "\(self.options.sequencePath): \(error)"))
        }
        tell(output)
    }
}

extension TransitionStart {
    fileprivate func takes(_ transition: Transition) -> Bool {
        switch self {
        case .after(let id): transition.id > id
        case .since(let time): transition.at >= time
        }
    }
}
