/// Runs a task's parts on the spot, on the thread that makes them ready: a task that never waits is over when its creation
/// returns.
final class InlineExecutor: TaskExecutor {
    static let shared = InlineExecutor()

    func enqueue(_ job: consuming ExecutorJob) {
        UnownedJob(job).runSynchronously(on: self.asUnownedTaskExecutor())
    }
}
