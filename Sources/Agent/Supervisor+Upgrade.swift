import History
import LinuxSystem
import Supervision

/// The replacement of this process by the binary on disk. The keeper is asked for it, and this process leaves when it has it.
///
/// Nothing is handed over: the next agent recovers what this one committed and what the keeper holds, as after a crash. So it
/// does no harm that supervision goes on until the last moment.
extension Supervisor {
    /// The keeper says that the agent stays, and why.
    func upgradeRefused(_ reason: String) {
        self.roster.upgradeRefused(reason, at: self.kernel.now())
        self.tell()
    }

    /// The keeper says that this process is the new binary and trusted now.
    ///
    /// - Parameter recorded: called on the loop when that is committed, however long it waits in memory for a disk.
    func upgradeSucceeded(_ recorded: @escaping @Sendable () -> Void) {
        self.roster.upgradeSucceeded(at: self.kernel.now())
        self.tell(untilCommitted: recorded)
    }

    /// How long after a failed commit it is asked again whether there is one.
    private static let nextQuestion = Duration.seconds(1)

    private func tell(untilCommitted committed: @escaping @Sendable () -> Void) {
        let loop = self.loop
        self.tell { outcome in
            guard outcome != .committed else { return loop.execute(committed) }
            loop.execute {
                loop.schedule(at: SuspendingClock.now.advanced(by: Self.nextQuestion)) {
                    self.assumeIsolated { $0.tell(untilCommitted: committed) }
                }
            }
        }
    }

    /// The keeper has the new binary. Leaves when what was decided until now is committed and its answers are on their way;
    /// not when the upgrade is not wanted any more.
    func upgradeGranted() {
        guard self.roster.isUpgrading, !self.isLeaving else { return }
        let loop = self.loop
        let committed: @Sendable () -> Void = {
            // The second turn, because those who waited for the same commit go on in it, and before this.
            loop.execute { loop.execute { self.assumeIsolated { $0.leave() } } }
        }
        loop.schedule(at: SuspendingClock.now.advanced(by: Self.longestCommit), committed)
        self.tell { _ in committed() }
    }

    private func leave() {
        // A shutdown may have come meanwhile.
        guard self.roster.isUpgrading, !self.isLeaving else { return }
        self.isLeaving = true
        self.leaving()
    }
}
