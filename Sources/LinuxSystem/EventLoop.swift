internal import CLinux
internal import Glibc
internal import Synchronization

/// One thread and one epoll(7): waits, reads the clock once, turns readiness into calls, fires what is due, runs the jobs
/// of the actors that live on it. It is their `SerialExecutor` and `TaskExecutor`.
///
/// Everything but `execute`, `enqueue`, `stop`, `start` and `isResponsive` belongs to the loop's own thread; a call from
/// elsewhere traps. Before `run` began, the thread that made the loop may use it.
//
// Unchecked: `queue`, `stopping`, `owner` and `turnBegan` are locked or atomic, `owner` guards all the rest.
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
    private let queue = Mutex<[Work]>([])
    private let stopping = Atomic<Bool>(false)
    private let owner: Atomic<pthread_t>
    /// Nanoseconds of CLOCK_MONOTONIC at the begin of the turn that runs, 0 while the loop waits.
    private let turnBegan = Atomic<Int64>(0)

    private enum Work {
        case job(UnownedJob)
        case closure(@Sendable () -> Void)
    }

    private var handlers: [UInt64: (Events) -> Void] = [:]
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
            cl_epoll_ctl(epoll, EPOLL_CTL_ADD, wake, EPOLLIN.rawValue, 0)
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
        return Registration(number: number, descriptor: descriptor)
    }

    /// Changes what a registered descriptor is watched for.
    public func modify(_ registration: Registration, for events: Events) throws(Errno) {
        self.preconditionOnLoop()
        guard self.handlers[registration.number] != nil else { return }
        try systemCall("epoll_ctl") {
            cl_epoll_ctl(self.epoll, EPOLL_CTL_MOD, registration.descriptor, events.rawValue, registration.number)
        }
    }

    /// Ends the watch; events that already wait for this registration are dropped. A second call does nothing.
    public func deregister(_ registration: Registration) {
        self.preconditionOnLoop()
        guard self.handlers.removeValue(forKey: registration.number) != nil else { return }
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
            let timeout = self.timeout()
            self.turnBegan.store(0, ordering: .releasing)
            let count = cl_epoll_wait(self.epoll, &events, 64, timeout)
            self.now = SuspendingClock.now
            self.turnBegan.store(Self.monotonicNanoseconds(), ordering: .releasing)
            if count > 0 {
                self.dispatch(events[0..<Int(count)])
            }
            self.fireDue()
            self.runQueued()
            self.endOfTurn?()
        }
    }

    private func timeout() -> Int64 {
        guard self.queue.withLock({ $0.isEmpty }) else { return 0 }
        var longest: Duration? = self.longestWait?()
        if let instant = self.deadlines.earliest(where: { self.actions[$0] != nil }) {
            let left = SuspendingClock.now.duration(to: instant)
            longest = longest.map { min($0, left) } ?? left
        }
        guard let longest else { return -1 }
        guard longest > .zero else { return 0 }
        let (seconds, attoseconds) = longest.components
        return seconds > 1_000_000 ? 1_000_000_000_000_000 : seconds * 1_000_000_000 + attoseconds / 1_000_000_000 + 1
    }

    private func dispatch(_ events: ArraySlice<cl_epoll_event>) {
        for event in events {
            if event.data == 0 {
                var count: UInt64 = 0
                _ = read(self.wake, &count, 8)
            } else {
                self.handlers[event.data]?(Events(rawValue: event.events))
            }
        }
    }

    private func fireDue() {
        while let number = self.deadlines.popDue(at: self.now) {
            self.actions.removeValue(forKey: number)?()
        }
    }

    private func runQueued() {
        let work = self.queue.withLock { queue in
            let work = queue
            queue.removeAll(keepingCapacity: true)
            return work
        }
        for item in work {
            switch item {
            case .job(let job):
                job.runSynchronously(
                    isolatedTo: self.asUnownedSerialExecutor(),
                    taskExecutor: self.asUnownedTaskExecutor()
                )
            case .closure(let closure): closure()
            }
        }
    }

    private func takeNumber() -> UInt64 {
        defer { self.nextNumber += 1 }
        return self.nextNumber
    }

    // MARK: From any thread

    /// Starts a thread that runs the loop.
    public func start() {
        // Unmanaged, because pthread_create takes a C function; the thread's closure takes the reference over.
        let box = Unmanaged.passRetained(self).toOpaque()
        var thread = pthread_t()
        let error = pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<EventLoop>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            },
            box
        )
        precondition(error == 0, "cannot start the thread \(self.name): \(Errno(rawValue: error))")
        pthread_detach(thread)
    }

    /// Ends `run` after its present turn.
    public func stop() {
        self.stopping.store(true, ordering: .releasing)
        self.wakeUp()
    }

    /// Calls `closure` on the loop, after what was enqueued before it.
    public func execute(_ closure: @escaping @Sendable () -> Void) {
        self.add(.closure(closure))
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        self.add(.job(UnownedJob(job)))
    }

    /// Whether the loop is idle in its wait, or its present turn is younger than `limit`.
    public func isResponsive(within limit: Duration) -> Bool {
        let began = self.turnBegan.load(ordering: .acquiring)
        guard began != 0 else { return true }
        return .nanoseconds(Self.monotonicNanoseconds() - began) < limit
    }

    private func add(_ work: Work) {
        let isFirst = self.queue.withLock { queue in
            queue.append(work)
            return queue.count == 1
        }
        if isFirst {
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

    private static func monotonicNanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
