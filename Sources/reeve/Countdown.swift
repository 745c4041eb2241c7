import Glibc

/// Waits until something has happened so many times, on whatever threads. The corresponding C function is `sem_wait`.
//
// Unchecked: a semaphore is made to be shared; its memory stays where it is until deinit.
final class Countdown: @unchecked Sendable {
    private let semaphore: UnsafeMutablePointer<sem_t>
    private let count: Int

    init(_ count: Int) {
        self.count = count
        self.semaphore = .allocate(capacity: 1)
        self.semaphore.initialize(to: sem_t())
        sem_init(self.semaphore, 0, 0)
    }

    deinit {
        sem_destroy(self.semaphore)
        self.semaphore.deallocate()
    }

    func countDown() {
        sem_post(self.semaphore)
    }

    /// Once, by one thread.
    func wait() {
        for _ in 0..<self.count {
            while sem_wait(self.semaphore) == -1, errno == EINTR {}
        }
    }
}
