internal import LinuxSystem
internal import Supervision

// What the history does, apart from the thread that it does it on: time comes with every call, and what is to be told
// comes back as values.
//
// It is in one of two conditions:
// * well: what is submitted is numbered and written in one transaction, and published when that is committed.
// * degraded: nothing can be written. What is submitted is numbered and published all the same, with exits that say that
//   they are not durable, and waits in memory within the bounds of `WaitingList`. It is tried again after 1 s, 2 s … 30 s;
//   when it works, all that waits is written in its order with the numbers that it has.
// A file that turns out to be damaged is set aside at once, and what was to be written goes into a new one: that is no
// reason to be degraded.

/// Numbers, writes and keeps what is submitted. It belongs to one thread, and every call may wait for the disk.
final class HistoryWriter {
    /// Transitions in one transaction, so that none takes long. One submission is never divided.
    static let maximumGroup = 1_000
    static let firstRetryDelay = Duration.seconds(1)
    static let lastRetryDelay = Duration.seconds(30)
    /// How long the check of a file may take whose disk is called full with room on it. Nothing is published meanwhile.
    static let longestCheck = Duration.seconds(10)
    /// How often retention looks for what is too old when nothing is written: the one reason to wake an idle agent.
    static let retentionInterval = Duration.seconds(3600)

    /// What is to be told after a part of the work, in this order.
    struct Output {
        var notices: [HistoryNotice] = []
        var completions: [(@Sendable (HistoryOutcome) -> Void, HistoryOutcome)] = []
        var published: [Transition] = []
        var reapable: [RunID] = []
        var durable: [RunID] = []
    }

    struct Degraded {
        var reason: String
        var retryAt: MonotonicInstant
        var delay: Duration
        /// Whether the file has to be opened again before the next try.
        var needsReopening: Bool
        /// Whether the file was checked since it began, and nothing found in the time that there is for it.
        var wasChecked = false
    }

    let options: HistoryOptions
    let file: HistoryFile
    var numbering: Numbering
    /// For reading at least; `nil` when not even that is possible.
    var store: HistoryStore?
    var degraded: Degraded?
    var waiting = WaitingList()
    /// All that is remembered of instances, to be written into a new file when the old one was damaged.
    var memories: [InstanceID: InstanceMemory] = [:]
    /// The same of workers.
    var workerMemories: [String: WorkerMemory] = [:]
    var status = HistoryStatus()
    var nextRetention: MonotonicInstant?
    var rowsSinceRetention = 0
    private var numbersAreUnprotected = false
    /// Neither the database nor the reserve could be read at the start.
    var numbersAreGuessed = false
    /// What was given up and told.
    var toldLosses = (exits: 0, transitions: 0)

    init(_ options: HistoryOptions) {
        self.options = options
        self.file = HistoryFile(options: options)
        self.numbering = Numbering(
            file: SequenceFile(path: options.sequencePath),
            bootID: options.bootID,
            known: nil
        )
    }

    /// When `turn` or `retain` is to be called again, should nothing be submitted.
    var nextTime: MonotonicInstant? {
        [self.degraded?.retryAt, self.degraded == nil ? self.nextRetention : nil].compactMap { $0 }.min()
    }

    // MARK: Working

    /// Takes what was submitted, and does what time asks for. `tell` is called with each part that is done.
    func turn(_ submissions: [HistorySubmission], at now: Moment, tell: (Output) -> Void) {
        if let degraded = self.degraded, now.monotonic >= degraded.retryAt {
            tell(self.recover(at: now))
        }
        var rest = submissions[...]
        while !rest.isEmpty {
            var group: [HistorySubmission] = []
            var count = 0
            while let next = rest.first, count == 0 || count + next.transitions.count <= Self.maximumGroup {
                group.append(next)
                count += next.transitions.count
                rest.removeFirst()
            }
            tell(self.work(group, at: now))
        }
    }

    private func work(_ submissions: [HistorySubmission], at now: Moment) -> Output {
        var output = Output()
        var group = self.number(submissions, into: &output)
        for submission in submissions {
            group.add(
                memories: submission.memories,
                workers: submission.workers,
                forgotten: submission.forgotten,
                isSynced: submission.isSynced
            )
        }
        self.remember(group)
        if self.degraded == nil {
            do throws(SQLiteError) {
                try self.write(group, at: now, into: &output)
            } catch {
                self.degrade(error, at: now, into: &output)
            }
        }
        let outcome: HistoryOutcome
        if let degraded = self.degraded {
            outcome = .waiting(reason: degraded.reason)
            for index in group.transitions.indices {
                if case .exit(var record) = group.transitions[index].change {
                    record.isDurable = false
                    group.transitions[index].change = .exit(record)
                }
            }
            output.reapable += self.waiting.add(group)
        } else {
            outcome = .committed
            output.reapable += group.exits
        }
        self.confirm(into: &output)
        output.completions = submissions.compactMap { $0.completion }.map { ($0, outcome) }
        output.published = group.transitions
        self.updateStatus()
        return output
    }

    /// Writes it, into a new file if the present one turns out to be damaged.
    private func write(_ group: WriteGroup, at now: Moment, into output: inout Output) throws(SQLiteError) {
        if let store = self.store, store.connection.fileHasMoved {
            self.store = nil
            output.notices.append(.fileMoved(path: self.options.databasePath))
            try self.open(at: now, into: &output)
        }
        guard let store = self.store else {
            throw SQLiteError(extendedCode: SQLiteError.cannotOpen, message: "the database is not open")
        }
        do throws(SQLiteError) {
            try store.write(group)
        } catch {
            guard error.kind == .damage else { throw error }
            try self.beginAnew(because: error, at: now, into: &output)
            try self.store?.write(group)
        }
        self.rowsSinceRetention += group.transitions.count
    }

    private func remember(_ group: WriteGroup) {
        for id in group.forgotten {
            self.memories[id] = nil
        }
        self.memories.merge(group.memories) { $1 }
        self.workerMemories.merge(group.workers) { $1 }
    }

    // MARK: Numbers

    /// Gives numbers to what has none yet; an exit that is recorded already is left out.
    private func number(_ submissions: [HistorySubmission], into output: inout Output) -> WriteGroup {
        let transitions = submissions.flatMap(\.transitions)
        let exits = submissions.reduce(0) { $0 + $1.exitCount }
        self.reserve(exits: exits, transitions: transitions.count, into: &output)
        var group = WriteGroup()
        var seqs: [RunID: Int64] = [:]
        for var transition in transitions {
            switch transition.change {
            case .exit(var record):
                if self.waiting.seq(ofRun: record.runID) != nil || seqs[record.runID] != nil { continue }
                // An error here is met again by the write that follows.
                if let store = self.store, let known = try? store.seq(ofRun: record.runID) {
                    seqs[record.runID] = known
                    output.reapable.append(record.runID)
                    continue
                }
                record.seq = self.numbering.takeExit()
                seqs[record.runID] = record.seq
                transition.change = .exit(record)
            case .instance(var change):
                guard let run = change.exitRunID else { break }
                let known = seqs[run] ?? self.waiting.seq(ofRun: run)
                change.exitSeq = known ?? self.store.flatMap { try? $0.seq(ofRun: run) }
                transition.change = .instance(change)
            case .configured, .scaled, .removed, .operation, .recovered, .shuttingDown: break
            }
            transition.id = self.numbering.takeTransition()
            group.transitions.append(transition)
        }
        return group
    }

    func reserve(exits: Int, transitions: Int, into output: inout Output) {
        let isSynced = self.degraded == nil
        self.protect(into: &output) { (numbering) throws(Errno) in
            try numbering.reserve(exits: exits, transitions: transitions, isSynced: isSynced)
        }
    }

    func confirm(into output: inout Output) {
        self.protect(into: &output) { (numbering) throws(Errno) in try numbering.confirm() }
    }

    private func protect(into output: inout Output, _ body: (inout Numbering) throws(Errno) -> Void) {
        do throws(Errno) {
            try body(&self.numbering)
            self.numbersAreUnprotected = false
        } catch {
            // Told once, not for every group.
            guard !self.numbersAreUnprotected else { return }
            self.numbersAreUnprotected = true
            output.notices.append(.numbersUnprotected(reason: "\(self.options.sequencePath): \(error)"))
        }
    }

    func updateStatus() {
        self.status.degraded = self.degraded?.reason
        self.status.pending = self.waiting.exitCount
        self.status.oldestExit = self.store.flatMap { try? $0.oldestExit() } ?? self.waiting.firstExit
        self.status.lostExits = self.waiting.lostExits
        self.status.lostTransitions = self.waiting.lostOthers
    }
}

extension WriteGroup {
    /// The runs whose exits are in it.
    var exits: [RunID] {
        self.transitions.compactMap { if case .exit(let record) = $0.change { record.runID } else { nil } }
    }
}
