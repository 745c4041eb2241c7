internal import CLinux
internal import Glibc
internal import Synchronization

/// What the lanes of a `Spawner` share: the queue, and who does what.
//
// Unchecked: every variable is guarded by `monitor`; a slot's lane memory belongs to its thread, but for cl_spawn_abort,
// which is called under the monitor while a spawn is marked as under way.
final class SpawnPool: @unchecked Sendable {
    /// One lane's place in the pool.
    //
    // Unchecked: as the pool's own variables.
    final class Slot: @unchecked Sendable {
        let lane: OpaquePointer
        /// The job's number, 0 while the lane is idle.
        fileprivate var ticket: UInt64 = 0
        fileprivate var began: SuspendingClock.Instant = .now
        fileprivate var isSpawning = false
        fileprivate var isAborted = false
        /// Whether the lane has looked how signals are treated since its last spawn.
        fileprivate var knowsSignals = false

        init(nullDescriptor: Int32) throws(Errno) {
            guard let lane = cl_spawn_lane_create(nullDescriptor) else { throw Errno.current }
            self.lane = lane
        }

        deinit {
            cl_spawn_lane_destroy(self.lane)
        }
    }

    private struct Job {
        var number: UInt64
        var run: @Sendable (SpawnLane) -> Void
    }

    /// The thread that waits for the moment when another lane is needed, and then becomes it. It is started when a job
    /// has to wait for the first time.
    private enum Spare {
        case none
        /// Without a time limit, until a job has to wait.
        case asleep
        case awake
    }

    let nullDescriptor: Int32
    private let name: String
    private let growsAfter: Duration
    private let maximumLanes: Int
    private let monitor: Monitor
    private var slots: [Slot] = []
    private var queue: [Job] = []
    /// The place in `queue` of the first job that has not begun.
    private var first = 0
    private var idle = 0
    /// Lanes that were woken for a job that is about to come, and look for it without sleeping.
    private var expecting = 0
    private var isAlerted = false
    /// Counts the jobs, for lanes that look without the lock.
    private let arrivals = Atomic<UInt64>(0)
    /// How long a lane looks for a job that was announced.
    private static let expectation = Duration.microseconds(200)
    /// With one processor the lane would keep away the very thread that it waits for.
    private let canExpect = sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1
    private var spare = Spare.none
    private var nextNumber: UInt64 = 1
    private var isStopping = false

    init(name: String, growsAfter: Duration, maximumLanes: Int) throws(Errno) {
        self.name = name
        self.growsAfter = growsAfter
        self.maximumLanes = maximumLanes
        self.monitor = Monitor()
        self.nullDescriptor = try Descriptor.open("/dev/null", O_RDWR).take()
    }

    deinit {
        close(self.nullDescriptor)
    }

    func startFirstLane() throws(Errno) {
        let slot = try Slot(nullDescriptor: self.nullDescriptor)
        self.slots = [slot]
        try SystemThread.start(name: self.name) { self.runLane(slot) }
    }

    func stop() {
        self.monitor.lock()
        self.isStopping = true
        self.monitor.unlock()
        self.monitor.wakeAll(.lanes)
        self.monitor.wakeAll(.spare)
    }

    // MARK: From any thread

    func submit(_ run: @escaping @Sendable (SpawnLane) -> Void) -> Spawner.Ticket {
        self.monitor.lock()
        let number = self.nextNumber
        self.nextNumber += 1
        self.queue.append(Job(number: number, run: run))
        self.arrivals.add(1, ordering: .releasing)
        let hasIdle = self.idle > 0 && self.queue.count - self.first > self.expecting
        let wakesSpare = self.mustWait && self.spare == .asleep
        let startsSpare = self.mustWait && self.spare == .none && self.slots.count < self.maximumLanes
        if startsSpare {
            self.spare = .awake
        }
        self.monitor.unlock()
        // After the unlock, so that the thread that wakes does not wait for the lock at once.
        if hasIdle {
            self.monitor.wakeOne(.lanes)
        }
        if wakesSpare {
            self.monitor.wakeOne(.spare)
        }
        if startsSpare {
            self.startSpare()
        }
        return Spawner.Ticket(number: number)
    }

    /// A job is about to come: wakes a lane, which on a sleeping processor takes as long as deciding on the job.
    func alert() {
        guard self.canExpect else { return }
        self.monitor.lock()
        let wakes = self.idle > 0 && self.first == self.queue.count && !self.isAlerted && self.expecting == 0
        self.isAlerted = self.isAlerted || wakes
        self.monitor.unlock()
        if wakes {
            self.monitor.wakeOne(.lanes)
        }
    }

    func abort(_ ticket: Spawner.Ticket) -> Spawner.Abortion {
        self.monitor.lock()
        defer { self.monitor.unlock() }
        if let index = self.queue[self.first...].firstIndex(where: { $0.number == ticket.number }) {
            self.queue.remove(at: index)
            return .dropped
        }
        guard let slot = self.slots.first(where: { $0.ticket == ticket.number }) else { return .ended }
        slot.isAborted = true
        if slot.isSpawning {
            cl_spawn_abort(slot.lane)
        }
        return .requested
    }

    var hasWaitingJobs: Bool {
        self.monitor.lock()
        defer { self.monitor.unlock() }
        return self.first < self.queue.count
    }

    var load: Spawner.Load {
        self.monitor.lock()
        defer { self.monitor.unlock() }
        let now = SuspendingClock.now
        let busy = self.slots.filter { $0.ticket != 0 }
        return Spawner.Load(
            lanes: self.slots.count,
            busy: busy.count,
            hung: busy.count { $0.began.duration(to: now) > self.growsAfter },
            waiting: self.queue.count - self.first
        )
    }

    // MARK: On a lane

    private func runLane(_ slot: Slot) {
        let lane = SpawnLane(pool: self, slot: slot)
        while let job = self.nextJob(slot) {
            job.run(lane)
        }
    }

    /// Ends the lane's present job and waits for the next one; `nil` when the pool stops.
    private func nextJob(_ slot: Slot) -> Job? {
        self.monitor.lock()
        defer { self.monitor.unlock() }
        slot.ticket = 0
        slot.isAborted = false
        while self.first == self.queue.count {
            guard !self.isStopping else { return nil }
            if self.isAlerted {
                self.isAlerted = false
                self.expectJob(slot)
                continue
            }
            if !slot.knowsSignals {
                // Now, where nobody waits for it.
                self.monitor.unlock()
                cl_spawn_note_signals(slot.lane)
                slot.knowsSignals = true
                self.monitor.lock()
                continue
            }
            self.idle += 1
            self.monitor.wait(.lanes)
            self.idle -= 1
        }
        self.isAlerted = false
        let job = self.queue[self.first]
        self.first += 1
        if self.first == self.queue.count {
            self.queue.removeAll(keepingCapacity: self.queue.count <= 64)
            self.first = 0
        }
        slot.ticket = job.number
        slot.began = .now
        return job
    }

    /// Looks for the announced job for a moment; the caller holds the lock, which is given back meanwhile.
    private func expectJob(_ slot: Slot) {
        self.expecting += 1
        let seen = self.arrivals.load(ordering: .acquiring)
        self.monitor.unlock()
        let end = SuspendingClock.now.advanced(by: Self.expectation)
        while self.arrivals.load(ordering: .acquiring) == seen, SuspendingClock.now < end {}
        self.monitor.lock()
        self.expecting -= 1
    }

    /// `false` when the job was aborted: nothing must be spawned.
    func beginSpawn(_ slot: Slot) -> Bool {
        if !slot.knowsSignals {
            cl_spawn_note_signals(slot.lane)
        }
        slot.knowsSignals = false
        self.monitor.lock()
        defer { self.monitor.unlock() }
        guard !slot.isAborted else { return false }
        cl_spawn_prepare(slot.lane)
        slot.isSpawning = true
        return true
    }

    /// From here on nobody kills the child through the lane, so its pidfd may be handed on.
    func endSpawn(_ slot: Slot) {
        self.monitor.lock()
        slot.isSpawning = false
        self.monitor.unlock()
    }

    // MARK: On the spare thread

    private var mustWait: Bool {
        self.queue.count - self.first > self.idle + self.expecting
    }

    private func startSpare() {
        do throws(Errno) {
            try SystemThread.start(name: "\(self.name)-spare") { self.runSpare() }
        } catch {
            // At a limit of threads: the jobs wait, and the next one that has to tries again.
            self.monitor.lock()
            self.spare = .none
            self.monitor.unlock()
        }
    }

    private func runSpare() {
        guard let (slot, number) = self.waitUntilNeeded() else { return }
        if number < self.maximumLanes {
            // More jobs may wait than this new lane can take, and nobody may submit another one.
            self.startSpare()
        }
        cl_set_thread_name("\(self.name)-\(number)")
        self.runLane(slot)
    }

    /// Returns the new lane's slot and number when every lane has been at its job for longer than the growth time and a
    /// job waits; `nil` when the pool stops.
    private func waitUntilNeeded() -> (Slot, Int)? {
        self.monitor.lock()
        defer { self.monitor.unlock() }
        while !self.isStopping {
            guard self.mustWait else {
                self.spare = .asleep
                self.monitor.wait(.spare)
                self.spare = .awake
                continue
            }
            let now = SuspendingClock.now
            let due = (self.slots.map { $0.ticket == 0 ? now : $0.began }.max() ?? now) + self.growsAfter
            guard now >= due else {
                self.monitor.wait(.spare, atMost: now.duration(to: due))
                continue
            }
            guard let slot = try? Slot(nullDescriptor: self.nullDescriptor) else {
                // No memory for a stack now: the next growth time may find some.
                self.monitor.wait(.spare, atMost: self.growsAfter)
                continue
            }
            self.slots.append(slot)
            self.spare = self.slots.count < self.maximumLanes ? .awake : .none
            return (slot, self.slots.count)
        }
        return nil
    }
}
