internal import CLinux
internal import Glibc

/// A mutex with two conditions, on CLOCK_MONOTONIC. `Synchronization.Mutex` has no conditions.
//
// Unchecked: the pthread objects are made for use from many threads; their memory stays where it is until deinit.
final class Monitor: @unchecked Sendable {
    enum Condition: Int {
        case lanes
        case spare
    }

    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let conditions: UnsafeMutablePointer<pthread_cond_t>
    private static let conditionCount = 2

    init() {
        self.mutex = .allocate(capacity: 1)
        self.mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(self.mutex, nil)
        self.conditions = .allocate(capacity: Self.conditionCount)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        for index in 0..<Self.conditionCount {
            (self.conditions + index).initialize(to: pthread_cond_t())
            pthread_cond_init(self.conditions + index, &attributes)
        }
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        for index in 0..<Self.conditionCount {
            pthread_cond_destroy(self.conditions + index)
        }
        pthread_mutex_destroy(self.mutex)
        self.conditions.deallocate()
        self.mutex.deallocate()
    }

    func lock() {
        pthread_mutex_lock(self.mutex)
    }

    func unlock() {
        pthread_mutex_unlock(self.mutex)
    }

    /// Waits for a wake-up, which may be a spurious one; the caller holds the lock.
    func wait(_ condition: Condition) {
        pthread_cond_wait(self.conditions + condition.rawValue, self.mutex)
    }

    /// The same, for `duration` at most.
    func wait(_ condition: Condition, atMost duration: Duration) {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let (seconds, attoseconds) = duration.components
        // A nanosecond more, so that it does not wake too early and wait again.
        let nanoseconds = Int64(time.tv_nsec) + attoseconds / 1_000_000_000 + 1
        time.tv_sec += Int(seconds + nanoseconds / 1_000_000_000)
        time.tv_nsec = Int(nanoseconds % 1_000_000_000)
        pthread_cond_timedwait(self.conditions + condition.rawValue, self.mutex, &time)
    }

    func wakeOne(_ condition: Condition) {
        pthread_cond_signal(self.conditions + condition.rawValue)
    }

    func wakeAll(_ condition: Condition) {
        pthread_cond_broadcast(self.conditions + condition.rawValue)
    }
}
