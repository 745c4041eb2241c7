public import LinuxSystem
public import Supervision

/// The room of the workers' output, on a loop of its own: takes it from the runs' pipes into files, and reads it back. It is
/// the only one that a slow disk keeps waiting; what it keeps waiting are the workers that write.
public actor OutputRoom {
    /// A disk that takes longer for one turn of the loop is said to be in trouble.
    public static let longestWork = Duration.seconds(5)

    public nonisolated let loop: EventLoop
    nonisolated let now: @Sendable () -> Moment
    private nonisolated let shownStatus = Locked(OutputStatus())
    /// Of the streams that had output, kept beside them for whoever must not wait for this loop.
    private nonisolated let shownBytes = Locked<[StreamID: UInt64]>([:])
    let pump: OutputPump
    private let notice: @Sendable (OutputNotice) -> Void
    private let released: @Sendable (RunID) -> Void
    /// Of the set of all pipes.
    private var registration: EventLoop.Registration?
    private var isArmed = false
    /// How long the pipes were left alone last.
    private var delay = OutputLimits.firstDelay
    private var relief: EventLoop.Deadline?
    private var sweepDeadline: EventLoop.Deadline?
    private var isClosed = false
    var watches: [String: [UInt64: Watch]] = [:]
    var nextWatch: UInt64 = 1

    struct Watch {
        let cursor: OutputCursor
        let notify: @Sendable () -> Void
    }

    public nonisolated var unownedExecutor: UnownedSerialExecutor {
        self.loop.asUnownedSerialExecutor()
    }

    /// - Parameters:
    ///   - loop: its own; nothing else may live there.
    ///   - directory: `log_dir`, an absolute path.
    ///   - transit: what much output goes through, kept by somebody for the agent that comes next; without it, the worker
    ///     that writes much waits for the file.
    ///   - notice: called on the loop with what is worth a line in the agent's log.
    ///   - released: called on the loop when the last pipe of a run is closed: nobody has its write end any more, or it is
    ///     not waited for.
    ///   - now: both clocks; the monotonic one is the loop's.
    public init(
        loop: EventLoop,
        directory: String,
        transit: TransitPipe? = nil,
        notice: @escaping @Sendable (OutputNotice) -> Void,
        released: @escaping @Sendable (RunID) -> Void = { _ in },
        now: @escaping @Sendable () -> Moment
    ) throws(Errno) {
        self.loop = loop
        self.now = now
        self.notice = notice
        self.released = released
        self.pump = try OutputPump(directory: directory, transit: transit)
    }

    // MARK: From any thread

    /// Takes over the pipes of a run that has begun. Before `drain` of the same run.
    public nonisolated func attach(
        _ streams: CapturedStreams,
        of run: RunID,
        _ instance: InstanceID,
        _ policy: CapturePolicy
    ) {
        guard !streams.isEmpty else { return }
        self.loop.execute {
            self.assumeIsolated { room in
                guard !room.isClosed else { return streams.close() }
                room.pump.attach(streams, of: run, instance, policy, at: room.now())
                room.settle()
            }
        }
    }

    /// Runs have ended: takes what is left in their pipes, within a bound, and answers the last lines of each one's standard
    /// error, 4 KiB at most, by a call on the loop. A run that was not captured has none.
    public nonisolated func drain(_ runs: [RunID], _ completion: @escaping @Sendable ([RunID: [String]]) -> Void) {
        self.loop.execute {
            let tails = self.assumeIsolated { $0.drainNow(runs) }
            completion(tails)
        }
    }

    /// As it was after the last piece of work, or that the present one does not come to its end.
    public nonisolated var status: OutputStatus {
        var status = self.shownStatus.withLock { $0 }
        if !self.loop.isResponsive(within: Self.longestWork) {
            let seconds = Self.longestWork.components.seconds
            status.degraded = "the disk has not answered for more than \(seconds) s; workers that write may wait"
        }
        return status
    }

    /// Bytes that came from the runs since the agent began, of each stream that had any.
    public nonisolated var receivedBytes: [StreamID: UInt64] {
        self.shownBytes.withLock { $0 }
    }

    // MARK: On the loop

    /// Begins to look at the pipes. Once: on the loop, or before it runs by the thread that made it.
    public func begin() throws(Errno) {
        self.registration = try self.loop.register(self.pump.readiness.descriptor, for: .readable) {
            [unowned self] _ in
            self.assumeIsolated { $0.turn() }
        }
        self.isArmed = true
        self.pump.notify = self.notice
        self.pump.released = self.released
        self.pump.changed = { [unowned self] id in
            self.assumeIsolated { room in
                room.showBytes(of: id)
                room.tellWatches(of: id)
            }
        }
        // On the loop, because it may wait for a disk.
        self.loop.execute {
            self.assumeIsolated { room in
                guard !room.isClosed else { return }
                room.pump.landTransit(at: room.now())
                room.settle()
            }
        }
    }

    private func drainNow(_ runs: [RunID]) -> [RunID: [String]] {
        guard !self.isClosed else { return [:] }
        var tails: [RunID: [String]] = [:]
        for run in runs {
            tails[run] = self.pump.drain(run, at: self.now()) { self.now().monotonic }
        }
        self.settle()
        return tails
    }

    /// The last lines of the standard error of a run that goes on.
    public func errorTail(of run: RunID) -> [String] {
        self.pump.errorTail(of: run, at: self.now())
    }

    /// Forgets an instance that is not configured any more; its files stay.
    public func release(_ instance: InstanceID) {
        self.pump.release(instance)
    }

    /// How each stream is that had output or was read since the agent began.
    public func streams() -> [StreamStatus] {
        self.pump.sinks.values.map(\.status).sorted { $0.id < $1.id }
    }

    /// Closes everything, but hands the pipes over to somebody who goes on: second descriptors for them, by their runs.
    public func handOver() -> [RunID: [(stream: StandardStream, descriptor: Int32)]] {
        guard !self.isClosed else { return [:] }
        let pipes = self.pump.duplicatePipes()
        self.close()
        return pipes
    }

    /// Writes what can be written within a bound, and closes everything. What comes later is not taken.
    public func close() {
        guard !self.isClosed else { return }
        self.isClosed = true
        self.pump.close(at: self.now()) { self.now().monotonic }
        self.showStatus()
        if let registration = self.registration {
            self.loop.deregister(registration)
        }
        for deadline in [self.relief, self.sweepDeadline].compactMap({ $0 }) {
            self.loop.cancel(deadline)
        }
    }

    // MARK: Turns

    /// Pipes hold what comes, so little is best left there for a moment: a thousand workers that write a line each second
    /// are then a few hundred turns and not a thousand. The moment grows while there is little, and is none while there is
    /// much.
    private func turn() {
        guard !self.isClosed else { return }
        let load = self.pump.turn(at: self.now())
        switch load {
        case .none:
            self.arm(true)
        case .busy:
            self.delay = OutputLimits.firstDelay
            self.arm(true)
        case .brisk:
            // Not woken by the worker, which the kernel would take for a sign that the two want the same processor.
            self.delay = OutputLimits.firstDelay
            self.turn(after: OutputLimits.briskDelay)
        case .light:
            self.turn(after: self.delay)
            self.delay = min(self.delay * 2, OutputLimits.longestDelay)
        }
        if load != .none {
            self.settle()
        }
    }

    private func turn(after delay: Duration) {
        self.arm(false)
        self.loop.schedule(at: self.now().monotonic.advanced(by: delay)) { [unowned self] in
            self.assumeIsolated { $0.turn() }
        }
    }

    /// Whether the loop is to call as soon as there is something.
    private func arm(_ wanted: Bool) {
        guard wanted != self.isArmed, let registration = self.registration else { return }
        self.isArmed = wanted
        // Fails only without memory in the kernel; it is then as it was, which costs turns but no output.
        try? self.loop.modify(registration, for: wanted ? .readable : [])
    }

    /// What is to be done after any change: the status, and what time asks for.
    private func settle() {
        if self.pump.isTroubled {
            self.scheduleRelief()
        }
        self.scheduleSweep()
        self.showStatus()
    }

    private func showBytes(of id: StreamID) {
        guard let bytes = self.pump.sinks[id]?.bytes else { return }
        self.shownBytes.withLock { $0[id] = bytes }
    }

    private func showStatus() {
        guard self.pump.isTroubled || self.isShownTroubled else { return }
        for id in self.pump.troubledStreams {
            self.showBytes(of: id)
        }
        let status = self.pump.status
        self.isShownTroubled = status.troubledStreams > 0
        self.shownStatus.withLock { $0 = status }
    }

    private var isShownTroubled = false

    private func scheduleRelief() {
        guard self.relief == nil, !self.isClosed else { return }
        let instant = self.now().monotonic.advanced(by: OutputLimits.reliefInterval)
        self.relief = self.loop.schedule(at: instant) { [unowned self] in
            self.assumeIsolated { room in
                room.relief = nil
                room.pump.relieveAll(at: room.now())
                room.settle()
            }
        }
    }

    func scheduleSweep() {
        guard self.sweepDeadline == nil, !self.isClosed else { return }
        let instant = self.now().monotonic.advanced(by: OutputLimits.idleTime)
        self.sweepDeadline = self.loop.schedule(at: instant) { [unowned self] in
            self.assumeIsolated { room in
                room.sweepDeadline = nil
                if room.pump.sweep(at: room.now()) {
                    room.scheduleSweep()
                }
            }
        }
    }
}
