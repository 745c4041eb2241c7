internal import LinuxSystem
internal import Supervision

// Opening, losing and getting back the file.

extension HistoryWriter {
    /// Opens the database at the start, and tells what is known of the time before.
    func begin(at now: Moment, tell: (Output) -> Void) -> HistoryRecovery {
        var output = Output()
        do throws(SQLiteError) {
            try self.open(at: now, into: &output)
        } catch {
            self.degrade(error, at: now, into: &output)
            self.store = try? self.file.openReadOnly()
        }
        // Read once more now that it is known what the database says.
        self.numbering = Numbering(
            file: SequenceFile(path: self.options.sequencePath),
            bootID: self.options.bootID,
            known: self.store.flatMap { try? $0.knownNumbers() }
        )
        if self.remembersNothing, let memories = try? self.store?.instanceMemories() {
            self.remember(memories, (try? self.store?.workerMemories()) ?? [])
        }
        self.numbersAreGuessed = self.store == nil && self.numbering.lastTransition == 0
        self.reserve(exits: 0, transitions: 0, into: &output)
        self.nextRetention = now.monotonic
        self.updateStatus()
        tell(output)
        let memories = self.memories.values.sorted { $0.id < $1.id }
        return HistoryRecovery(
            memories: memories,
            workers: self.workerMemories.values.sorted { $0.worker < $1.worker },
            unfinishedOperations: self.store.flatMap { try? $0.unfinishedOperations(limit: 2_000) } ?? [],
            lastExits: memories.compactMap { memory in self.store.flatMap { try? $0.newestExit(of: memory.id) } },
            newestExits: self.store.flatMap { store in
                try? store.exits(ExitQuery(limit: HistoryRecovery.maximumNewestExits - 1)).reversed()
            } ?? [],
            newestTransitions: self.store.flatMap { store in
                let start = max(0, self.numbering.lastTransition - Int64(HistoryRecovery.maximumNewestTransitions))
                return try? store.transitions(.after(start), limit: HistoryRecovery.maximumNewestTransitions)
            } ?? [],
            lastExitSeq: self.numbering.lastExit,
            lastTransitionID: self.numbering.lastTransition
        )
    }

    /// Opens the database, after setting aside one that cannot be used.
    func open(at now: Moment, into output: inout Output) throws(SQLiteError) {
        self.store = nil
        let opened = try self.file.open(at: now.wall)
        do throws(SQLiteError) {
            try self.take(opened, at: now, into: &output)
        } catch {
            // What the check of the file does not look at: the table of the numbers that SQLite itself keeps, for one.
            guard error.kind == .damage, opened.setAside == nil else { throw error }
            try self.beginAnew(because: error, at: now, into: &output)
        }
    }

    /// Sets the present file aside and goes on in a new one.
    func beginAnew(because error: SQLiteError, at now: Moment, into output: inout Output) throws(SQLiteError) {
        self.store = nil
        let opened = try self.file.beginAnew(because: "it is damaged: \(error)", at: now.wall)
        try self.take(opened, at: now, into: &output)
    }

    private func take(_ opened: HistoryFile.Opened, at now: Moment, into output: inout Output) throws(SQLiteError) {
        self.store = opened.store
        self.nextRetention = now.monotonic
        if let setAside = opened.setAside {
            self.status.setAside.append(setAside)
            output.notices.append(.setAside(setAside))
            if self.remembersNothing, setAside.isWorthReading {
                let salvaged = self.file.salvage(setAside)
                self.remember(salvaged.instances, salvaged.workers)
            }
        }
        guard try opened.store.knownNumbers() == Numbering.Known(lastExit: 0, lastTransition: 0) else { return }
        // A new file: which numbers were given, and what is wanted of the instances, is known here and nowhere else.
        try opened.store.seed(self.numbering.known)
        try opened.store.write(WriteGroup(memories: self.memories, workers: self.workerMemories))
    }

    private var remembersNothing: Bool {
        self.memories.isEmpty && self.workerMemories.isEmpty
    }

    private func remember(_ instances: [InstanceMemory], _ workers: [WorkerMemory]) {
        self.memories = Dictionary(instances.map { ($0.id, $0) }) { $1 }
        self.workerMemories = Dictionary(workers.map { ($0.worker, $0) }) { $1 }
    }

    // MARK: Degraded

    func degrade(_ error: SQLiteError, at now: Moment, into output: inout Output) {
        let delay = self.degraded.map { min($0.delay * 2, Self.lastRetryDelay) } ?? Self.firstRetryDelay
        if self.degraded?.reason != error.message {
            output.notices.append(.degraded(reason: error.message))
        }
        self.degraded = Degraded(
            reason: error.message,
            retryAt: now.monotonic.advanced(by: delay),
            delay: delay,
            needsReopening: !error.isTemporary,
            wasChecked: self.degraded?.wasChecked ?? false
        )
        self.updateStatus()
    }

    /// Tries to write all that waits.
    func recover(at now: Moment) -> Output {
        var output = Output()
        var written = 0
        do throws(SQLiteError) {
            if self.degraded?.needsReopening == true || self.store == nil {
                try self.open(at: now, into: &output)
                self.adoptNumbers(into: &output)
            }
            while !self.waiting.isEmpty, let store = self.store {
                let group = self.waiting.nextGroup(limit: Self.maximumGroup)
                do throws(SQLiteError) {
                    try store.write(group)
                } catch {
                    let cause = self.cause(of: error, in: store)
                    guard cause.kind == .damage else { throw error }
                    try self.beginAnew(because: cause, at: now, into: &output)
                    try self.store?.write(group)
                }
                let done = self.waiting.removeWritten(group)
                output.reapable += done.reapable
                output.durable += done.durable
                written += group.transitions.count
            }
        } catch {
            self.degrade(error, at: now, into: &output)
            if self.store == nil {
                self.store = try? self.file.openReadOnly()
            }
            return output
        }
        output.notices.append(
            .recovered(
                written: written,
                lostExits: self.status.lostExits - self.toldLosses.exits,
                lostTransitions: self.status.lostTransitions - self.toldLosses.transitions
            )
        )
        self.toldLosses = (self.status.lostExits, self.status.lostTransitions)
        self.degraded = nil
        self.rowsSinceRetention += written
        self.updateStatus()
        return output
    }

    /// What is behind an error of a try that was not the first. SQLite says "full" of a damaged file too, one that names pages
    /// beyond its last one, and would go on to do so: where the disk has room the whole file is checked, once.
    private func cause(of error: SQLiteError, in store: HistoryStore) -> SQLiteError {
        guard error.code == SQLiteError.full, self.degraded?.wasChecked == false, self.file.hasRoom else {
            return error
        }
        do throws(SQLiteError) {
            try HistoryFile.check(store.connection, within: Self.longestCheck)
        } catch let finding {
            guard finding.kind == .damage else {
                // It is tried again, unless it takes too long.
                self.degraded?.wasChecked = finding.code == SQLiteError.interrupted
                return error
            }
            return finding
        }
        self.degraded?.wasChecked = true
        return error
    }

    /// A database that could not be read at the start, when there was no reserve of numbers either, may know higher ones.
    private func adoptNumbers(into output: inout Output) {
        guard let known = try? self.store?.knownNumbers() else { return }
        self.numbering.raise(to: known)
        guard self.numbersAreGuessed else { return }
        self.numbersAreGuessed = false
        // A fresh file was told the numbers that were given.
        guard known.lastExit >= self.waiting.firstExit ?? .max else { return }
        self.waiting.renumber(&self.numbering)
        output.notices.append(.renumbered(exits: self.waiting.exitCount))
    }
}
