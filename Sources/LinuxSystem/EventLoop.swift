internal import CLinux
internal import Glibc
internal import Synchronization

/// One thread and one epoll(7): waits, reads the clock once, turns readiness into calls, fires what is due, runs the jobs
/// of the actors that live on it. It is their `SerialExecutor` and `TaskExecutor`.
///
/// Everything but `execute`, `enqueue`, `stop`, `start` and `isResponsive` belongs to the loop's own thread; a call from
/// elsewhere traps. Before `run` began, the thread that made the loop may use it.
//
// Unchecked: `incoming`, `stopping`, `owner` and `turnBegan` are locked or atomic, `owner` guards all the rest.
public final class EventLoop: SerialExecutor, TaskExecutor, @unchecked Sendable {
    /// What a descriptor is ready for; the bits of epoll_ctl(2).
    public struct Events: OptionSet, Sendable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }
        public static let readable = Events(rawValue: EPOLLIN.rawValue)
        public static let writable = Events(rawValue: EPOLLOUT.rawValue)
        public static let priority = Events(rawValue: EPOLLPRI.rawValue)
        /// The other side closed its end for writing.
        public static let peerClosed = Events(rawValue: EPOLLRDHUP.rawValue)
        public static let hangup = Events(rawValue: EPOLLHUP.rawValue)
        public static let error = Events(rawValue: EPOLLERR.rawValue)
        public static let edgeTriggered = Events(rawValue: EPOLLET.rawValue)
    }

    /// A watched descriptor. An event for one that was deregistered meanwhile is dropped.
    public struct Registration: Hashable, Sendable {
        fileprivate let number: UInt64
        public let descriptor: Int32
    }

    /// A call at a time. One that was cancelled or has fired is dropped.
    public struct Deadline: Hashable, Sendable {
        fileprivate let number: UInt64
        public let instant: SuspendingClock.Instant
    }

    public let name: String
    private let epoll: Int32
    private let wake: Int32
    private let incoming = Locked(Incoming())
    private let stopping = Atomic<Bool>(false)
    private let owner: Atomic<pthread_t>
    /// Nanoseconds from `origin` to the begin of the turn that runs, 0 while the loop waits.
    private let turnBegan = Atomic<Int64>(0)
    private let origin = SuspendingClock.now

    private enum Work {
        case job(UnownedJob)
        case closure(@Sendable () -> Void)
    }

    /// What other threads hand in.
    private struct Incoming {
        var work: [Work] = []
        /// The loop waits, or is about to, without knowing of any work: the next one who adds some wakes it.
        var needsWakeUp = false
        /// When that wait ends by itself; `nil` for never.
        var waitEnds: SuspendingClock.Instant?
    }

    /// The work of the turn that runs; it changes places with `incoming.work`, so that neither is allocated anew.
    private var running: [Work] = []
    /// The due deadlines of the turn that runs.
    private var due: [UInt64] = []
    private var handlers: [UInt64: (Events) -> Void] = [:]
    /// The registration that epoll holds for a descriptor. A descriptor that was closed too early may be registered again
    /// under the same number before its first registration is given up.
    private var holders: [Int32: UInt64] = [:]
    private var deadlines = DeadlineHeap()
    private var actions: [UInt64: () -> Void] = [:]
    private var nextNumber: UInt64 = 1

    /// The time as it was when this turn began.
    public private(set) var now = SuspendingClock.now
    /// Asked before each wait: how long it may last at most, `nil` for as long as nothing happens.
    public var longestWait: (() -> Duration?)?
    /// Called at the end of each turn, after all that was ready or due.
    public var endOfTurn: (() -> Void)?

    public init(name: String) throws(Errno) {
        self.name = name
        self.epoll = try systemCall("epoll_create1") { epoll_create1(Int32(EPOLL_CLOEXEC)) }
        self.wake = try systemCall("eventfd") { eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK)) }
        self.owner = Atomic(pthread_self())
        try systemCall("epoll_ctl") { [epoll, wake] in
            // Edge-triggered: each write is an edge, so the counter need not be read.
            cl_epoll_ctl(epoll, EPOLL_CTL_ADD, wake, EPOLLIN.rawValue | EPOLLET.rawValue, 0)
        }
    }

    deinit {
        close(self.wake)
        close(self.epoll)
    }

    // MARK: On the loop's thread

    /// Calls `handler` on each turn in which `descriptor` is ready. The caller keeps the descriptor, and deregisters it
    /// before closing it: a closed one stays in epoll while a child holds a duplicate.
    public func register(
        _ descriptor: Int32,
        for events: Events,
        _ handler: @escaping (Events) -> Void
    ) throws(Errno) -> Registration {
        self.preconditionOnLoop()
        let number = self.takeNumber()
        try systemCall("epoll_ctl") { cl_epoll_ctl(self.epoll, EPOLL_CTL_ADD, descriptor, events.rawValue, number) }
        self.handlers[number] = handler
        self.holders[descriptor] = number
        return Registration(number: number, descriptor: descriptor)
    }

    /// Changes what a registered descriptor is watched for; does nothing for one that was deregistered.
    public func modify(_ registration: Registration, for events: Events) throws(Errno) {
        self.preconditionOnLoop()
        guard self.holders[registration.descriptor] == registration.number else { return }
        try systemCall("epoll_ctl") {
            cl_epoll_ctl(self.epoll, EPOLL_CTL_MOD, registration.descriptor, events.rawValue, registration.number)
        }
    }

    /// Ends the watch; events that already wait for this registration are dropped. A second call does nothing.
    public func deregister(_ registration: Registration) {
        self.preconditionOnLoop()
        guard self.handlers.removeValue(forKey: registration.number) != nil else { return }
        guard self.holders[registration.descriptor] == registration.number else { return }
        self.holders[registration.descriptor] = nil
        // EBADF and ENOENT mean that it was closed before, and that epoll has forgotten it.
        _ = cl_epoll_ctl(self.epoll, EPOLL_CTL_DEL, registration.descriptor, 0, 0)
    }

    /// Calls `action` once, in the first turn at or after `instant`.
    @discardableResult
    public func schedule(at instant: SuspendingClock.Instant, _ action: @escaping () -> Void) -> Deadline {
        self.preconditionOnLoop()
        let number = self.takeNumber()
        self.actions[number] = action
        self.deadlines.insert(DeadlineHeap.Entry(instant: instant, number: number))
        return Deadline(number: number, instant: instant)
    }

    /// Calls `action` once, after so many turns, each at least `wait` after the one before. A thread that had no processor for
    /// all that time has had one turn of them, so that whatever was handed in meanwhile comes first.
    @discardableResult
    public func schedule(afterTurns turns: Int, of wait: Duration, _ action: @escaping () -> Void) -> Deadline {
        self.preconditionOnLoop()
        return self.schedule(afterTurns: turns, of: wait, as: self.takeNumber(), action)
    }

    private func schedule(
        afterTurns turns: Int,
        of wait: Duration,
        as number: UInt64,
        _ action: @escaping () -> Void
    ) -> Deadline {
        let instant = SuspendingClock.now.advanced(by: wait)
        self.actions[number] = { [unowned self] in
            guard turns > 1 else { return action() }
            // Under the same number, by which it can be cancelled.
            _ = self.schedule(afterTurns: turns - 1, of: wait, as: number, action)
        }
        self.deadlines.insert(DeadlineHeap.Entry(instant: instant, number: number))
        return Deadline(number: number, instant: instant)
    }

    public func cancel(_ deadline: Deadline) {
        self.preconditionOnLoop()
        guard self.actions.removeValue(forKey: deadline.number) != nil else { return }
        self.deadlines.dropCancelled(live: self.actions.count) { self.actions[$0] != nil }
    }

    /// Runs on the calling thread, which becomes the loop's, until `stop`.
    public func run() {
        self.owner.store(pthread_self(), ordering: .releasing)
        cl_set_thread_name(self.name)
        var events = [cl_epoll_event](repeating: cl_epoll_event(), count: 64)
        while !self.stopping.load(ordering: .acquiring) {
            let timeout = self.beginWait()
            let count = cl_epoll_wait(self.epoll, &events, 64, timeout)
            if count < 0 {
                let error = Errno.current
                precondition(error.rawValue == EINTR, "epoll_wait in the loop \(self.name): \(error.name)")
            }
            self.beginTurn()
            for index in 0..<max(0, Int(count)) where events[index].data != 0 {
                // One that a handler of this turn deregistered is not there any more.
                self.handlers[events[index].data]?(Events(rawValue: events[index].events))
            }
            self.fireDue()
            self.runIncoming()
            self.endOfTurn?()
        }
    }

    /// How many nanoseconds the wait may last; below 0 for as long as nothing happens.
    private func beginWait() -> Int64 {
        var longest = self.longestWait?()
        var end: SuspendingClock.Instant?
        let deadline = self.deadlines.earliest(where: { self.actions[$0] != nil })
        if deadline != nil || longest != nil {
            let now = SuspendingClock.now
            if let left = deadline.map({ now.duration(to: $0) }) {
                longest = longest.map { min($0, left) } ?? left
            }
            end = longest.map { now.advanced(by: $0) }
        }
        if let longest, longest <= .zero {
            return 0
        }
        // From here on whoever adds work wakes the loop; what was added before keeps it from waiting.
        let mayWait = self.incoming.withLock { incoming in
            incoming.needsWakeUp = incoming.work.isEmpty
            incoming.waitEnds = end
            return incoming.needsWakeUp
        }
        guard mayWait else { return 0 }
        self.turnBegan.store(0, ordering: .releasing)
        guard let longest else { return -1 }
        let (seconds, attoseconds) = longest.components
        // A nanosecond more, so that the deadline has passed when it wakes; ten days at most.
        return min(seconds, 864_000) * 1_000_000_000 + attoseconds / 1_000_000_000 + 1
    }

    private func beginTurn() {
        // Work that this turn hands in, or others during it, is found at its end or before the next wait.
        self.incoming.withLock { $0.needsWakeUp = false }
        self.now = .now
        // At least 1, because 0 means that the loop waits.
        self.turnBegan.store(max(1, self.nanoseconds(at: self.now)), ordering: .releasing)
    }

    /// Calls what is due. What is scheduled meanwhile waits for the next turn, even if it is due at once, so that nobody
    /// can keep the others from their turn.
    private func fireDue() {
        while let number = self.deadlines.popDue(at: self.now) {
            self.due.append(number)
        }
        for number in self.due {
            // One that was cancelled, by an action before it even, is not there any more.
            self.actions.removeValue(forKey: number)?()
        }
        self.due.removeAll(keepingCapacity: true)
    }

    /// Runs what was handed in, in its order. What comes meanwhile waits for the next turn.
    private func runIncoming() {
        self.incoming.withLock { swap(&$0.work, &self.running) }
        for item in self.running {
            switch item {
            case .job(let job):
                job.runSynchronously(
                    isolatedTo: self.asUnownedSerialExecutor(),
                    taskExecutor: self.asUnownedTaskExecutor()
                )
            case .closure(let closure): closure()
            }
        }
        // A burst's memory is not kept for ever.
        self.running.removeAll(keepingCapacity: self.running.count <= 1024)
    }

    private func takeNumber() -> UInt64 {
        defer { self.nextNumber += 1 }
        return self.nextNumber
    }

    // MARK: From any thread

    /// Starts a thread that runs the loop.
    ///
    /// - Parameter inBackground: whether its work is never urgent (`SystemThread.enterBackground`).
    public func start(inBackground: Bool = false) {
        do throws(Errno) {
            try SystemThread.start(name: self.name, inBackground: inBackground) { self.run() }
        } catch {
            fatalError("cannot start the thread \(self.name): \(error)")
        }
    }

    /// Ends `run` after its present turn. What was enqueued and did not run by then never does.
    public func stop() {
        self.stopping.store(true, ordering: .releasing)
        self.wakeUp()
    }

    /// Calls `closure` on the loop, after what was enqueued before it.
    ///
    /// - Parameter patience: how long the call may wait for a turn that comes by itself. A wake-up is work of the caller, and
    ///   some of it where the loop's thread then runs; callers who cannot spare it at the moment say so.
    public func execute(within patience: Duration = .zero, _ closure: @escaping @Sendable () -> Void) {
        self.add(.closure(closure), within: patience)
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        self.add(.job(UnownedJob(job)), within: .zero)
    }

    /// Whether the loop is idle in its wait, or its present turn is younger than `limit`.
    public func isResponsive(within limit: Duration) -> Bool {
        let began = self.turnBegan.load(ordering: .acquiring)
        guard began != 0 else { return true }
        return .nanoseconds(self.nanoseconds(at: .now) - began) < limit
    }

    private func add(_ work: Work, within patience: Duration) {
        let wakes = self.incoming.withLock { incoming in
            incoming.work.append(work)
            if patience > .zero, let end = incoming.waitEnds, SuspendingClock.now.duration(to: end) <= patience {
                // It wakes by itself; somebody less patient may wake it before.
                return false
            }
            defer { incoming.needsWakeUp = false }
            return incoming.needsWakeUp
        }
        if wakes {
            self.wakeUp()
        }
    }

    private func wakeUp() {
        var one: UInt64 = 1
        // EAGAIN means that the counter is full of wake-ups already.
        _ = write(self.wake, &one, 8)
    }

    public func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        UnownedSerialExecutor(ordinary: self)
    }

    public func isSameExclusiveExecutionContext(other: EventLoop) -> Bool {
        self === other
    }

    public func checkIsolated() {
        self.preconditionOnLoop()
    }

    public var isCurrent: Bool {
        self.owner.load(ordering: .acquiring) == pthread_self()
    }

    private func preconditionOnLoop() {
        precondition(self.isCurrent, "a call for the loop \(self.name) from another thread")
    }

    private func nanoseconds(at instant: SuspendingClock.Instant) -> Int64 {
        let (seconds, attoseconds) = self.origin.duration(to: instant).components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
