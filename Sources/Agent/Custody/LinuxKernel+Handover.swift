import Glibc
import Keeper
import LinuxSystem
import Output
import Supervision

// The runs go to another keeper, whose agent goes on with them. What happens from then on is theirs to notice.

extension LinuxKernel {
    /// How long a start that is under way may take.
    private static let longestStart = Duration.seconds(2)
    private static let pause = Duration.milliseconds(5)

    /// Does nothing more to the runs, and calls `completion` when no process is being created any more: at once, or in a later
    /// turn.
    func stopActing(_ completion: @escaping () -> Void) {
        self.isHandedOver = true
        self.waitForStarts(until: SuspendingClock.now.advanced(by: Self.longestStart), completion)
    }

    private func waitForStarts(until limit: MonotonicInstant, _ completion: @escaping () -> Void) {
        let starting = self.runs.values.filter { $0.ticket != nil }
        guard !starting.isEmpty else { return completion() }
        let now = SuspendingClock.now
        if now >= limit {
            // One that hangs in its exec cannot be handed over.
            for run in starting {
                self.abortSpawn(of: run)
            }
            guard now < limit.advanced(by: Self.longestStart) else { return completion() }
        }
        self.loop.schedule(at: now.advanced(by: Self.pause)) { [unowned self] in
            self.waitForStarts(until: limit, completion)
        }
    }

    /// Says everything there is to say.
    ///
    /// - Parameter pipes: those that are open, by their runs. Closed here.
    func handOver(
        _ pipes: [RunID: [(stream: StandardStream, descriptor: Int32)]],
        to handover: Takeover.Handover
    ) {
        var pipes = pipes
        for (id, run) in self.runs {
            guard let process = run.pidfd else { continue }
            self.handOver(id, process, pipes.removeValue(forKey: id) ?? [], to: handover)
        }
        // Nothing but their pipes is left of these; their process stands for any.
        guard let own = try? PIDFD.open(pid: getpid()) else { return }
        for (id, ends) in pipes {
            self.handOver(id, own, ends, to: handover)
            _ = handover.committed(RunKey(id))
        }
        own.close()
        handover.finish()
    }

    private func handOver(
        _ id: RunID,
        _ process: PIDFD,
        _ pipes: [(stream: StandardStream, descriptor: Int32)],
        to handover: Takeover.Handover
    ) {
        let kinds = pipes.map { RunAnnouncement.Pipe($0.stream) }
        if let announcement = self.custody?.announcement(of: id, pipes: kinds) {
            _ = handover.announce(announcement, process: process, pipes: pipes.map(\.descriptor))
        }
        for pipe in pipes {
            close(pipe.descriptor)
        }
    }
}
