internal import Glibc

/// A value behind a mutex.
///
/// In place of `Synchronization.Mutex`, whose locking on Linux is hidden from the thread sanitizer in the standard library,
/// so that it reports a race for each use. The corresponding C function is `pthread_mutex_lock`.
//
// Unchecked: the value is reached under the mutex only; the memory of both stays where it is until deinit.
public final class Locked<Value: Sendable>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private var value: Value

    public init(_ value: Value) {
        self.mutex = .allocate(capacity: 1)
        self.mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(self.mutex, nil)
        self.value = value
    }

    deinit {
        pthread_mutex_destroy(self.mutex)
        self.mutex.deallocate()
    }

    /// Calls `body` while nobody else can reach the value. It must be short, and take no other lock but in one order everywhere.
    public func withLock<Result, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        pthread_mutex_lock(self.mutex)
        defer { pthread_mutex_unlock(self.mutex) }
        return try body(&self.value)
    }
}
