public import LinuxSystem
public import Supervision

/// The room of the history: the one place where a call may wait for a disk. It lives on a loop of its own, and nobody
/// waits for it; what it has done it tells by its handlers.
public actor HistoryRoom {
    /// A disk that takes longer for one turn of the loop is said to be in trouble.
    public static let longestWork = Duration.seconds(5)

    /// What was handed in and not begun. The loop takes all of it at once: what gathers while a commit is under way goes
    /// into the next one together.
    private nonisolated let inbox = Locked<[HistorySubmission]>([])
    private nonisolated let shownStatus = Locked(HistoryStatus())
    public nonisolated let loop: EventLoop
    private nonisolated let now: @Sendable () -> Moment
    private let writer: HistoryWriter
    private let handlers: HistoryHandlers
    private var deadline: EventLoop.Deadline?
    private var isClosed = false

    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        self.loop.asUnownedSerialExecutor()
    }

    /// - Parameters:
    ///   - loop: its own; nothing else may live there.
    ///   - now: both clocks; the monotonic one is the loop's.
    public init(
        loop: EventLoop,
        options: HistoryOptions,
        handlers: HistoryHandlers,
        now: @escaping @Sendable () -> Moment
    ) {
        self.loop = loop
        self.now = now
        self.handlers = handlers
        self.writer = HistoryWriter(options)
    }

    // MARK: From any thread

    /// Hands in what is to be written, in the order of the calls. Does not wait.
    public nonisolated func submit(_ submission: HistorySubmission) {
        let isFirst = self.inbox.withLock { inbox in
            inbox.append(submission)
            return inbox.count == 1
        }
        guard isFirst else { return }
        self.loop.execute {
            self.assumeIsolated { $0.work() }
        }
    }

    /// As it was after the last piece of work, or that the present one does not come to its end.
    public nonisolated var status: HistoryStatus {
        var status = self.shownStatus.withLock { $0 }
        if !self.loop.isResponsive(within: Self.longestWork) {
            let seconds = Self.longestWork.components.seconds
            status.degraded = "the disk has not answered for more than \(seconds) s; nothing new is told meanwhile"
            status.pending += self.inbox.withLock { inbox in
                inbox.reduce(0) { $0 + $1.exitCount }
            }
        }
        return status
    }

    // MARK: On the loop

    /// Opens the database. Once, before anything that was submitted is looked at: on the loop, or before it runs by the
    /// thread that made it.
    public func begin() -> HistoryRecovery {
        defer { self.showStatus() }
        let recovery = self.writer.begin(at: self.now(), tell: self.tell)
        self.schedule()
        return recovery
    }

    /// Writes what was submitted until now, and closes the file. What is submitted later is lost.
    public func close() {
        guard !self.isClosed else { return }
        self.work()
        self.isClosed = true
        self.writer.close(at: self.now(), tell: self.tell)
        self.showStatus()
        if let deadline = self.deadline {
            self.loop.cancel(deadline)
        }
    }

    /// Exits from the database, and those that wait for it in memory.
    public func exits(_ query: ExitQuery) throws(SQLiteError) -> ExitPage {
        defer { self.showStatus() }
        return try self.writer.exits(query, at: self.now(), tell: self.tell)
    }

    public func exit(seq: Int64) throws(SQLiteError) -> ExitRecord? {
        defer { self.showStatus() }
        return try self.writer.exit(seq: seq, at: self.now(), tell: self.tell)
    }

    public func exit(ofRun run: RunID) throws(SQLiteError) -> ExitRecord? {
        defer { self.showStatus() }
        return try self.writer.exit(ofRun: run, at: self.now(), tell: self.tell)
    }

    /// The workers of which there are exits, whether they are configured or not.
    public func workersWithExits() -> [String] {
        self.writer.workersWithExits
    }

    /// Transitions from the database, and those that wait in memory: oldest first, `limit` at most.
    public func transitions(_ start: TransitionStart, limit: Int) throws(SQLiteError) -> TransitionPage {
        defer { self.showStatus() }
        return try self.writer.transitions(start, limit: limit, at: self.now(), tell: self.tell)
    }

    /// The newest operations, newest first.
    public func operations(newest limit: Int) throws(SQLiteError) -> [Operation] {
        defer { self.showStatus() }
        return try self.writer.read(at: self.now(), tell: self.tell) { (store) throws(SQLiteError) in
            try store.newestOperations(limit: limit)
        } ?? []
    }

    public func operation(_ id: OperationID) throws(SQLiteError) -> Operation? {
        defer { self.showStatus() }
        return try self.writer.read(at: self.now(), tell: self.tell) { (store) throws(SQLiteError) in
            try store.operation(id)
        } ?? nil
    }

    // MARK: Working

    private func work() {
        guard !self.isClosed else { return }
        let submissions = self.inbox.withLock { inbox in
            defer { inbox = [] }
            return inbox
        }
        self.writer.turn(submissions, at: self.now(), tell: self.tell)
        // After what was submitted is told, and one small step at a time: what comes meanwhile waits for no more than that.
        self.writer.retain(at: self.now(), tell: self.tell)
        self.showStatus()
        self.schedule()
    }

    private func tell(_ output: HistoryWriter.Output) {
        // First, so that nobody who is told looks at an older status.
        self.showStatus()
        for notice in output.notices {
            self.handlers.notice(notice)
        }
        if !output.published.isEmpty {
            self.handlers.publish(output.published)
        }
        for (completion, outcome) in output.completions {
            completion(outcome)
        }
        if !output.reapable.isEmpty {
            self.handlers.reap(output.reapable)
        }
        if !output.durable.isEmpty {
            self.handlers.madeDurable(output.durable)
        }
    }

    private func showStatus() {
        let status = self.writer.status
        self.shownStatus.withLock { $0 = status }
    }

    private func schedule() {
        let next = self.writer.nextTime
        guard next != self.deadline?.instant else { return }
        if let deadline = self.deadline {
            self.loop.cancel(deadline)
        }
        self.deadline = next.map { instant in
            self.loop.schedule(at: instant) { [unowned self] in
                self.assumeIsolated { room in
                    room.deadline = nil
                    room.work()
                }
            }
        }
    }
}
