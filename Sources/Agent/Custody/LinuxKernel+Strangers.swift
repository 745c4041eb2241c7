import Glibc
import Keeper
import LinuxSystem
import Supervision

// Runs whose processes are children of neither this process nor its keeper: those of a keeper that is gone. Whoever reaps them,
// most likely init, tells nobody; see `StrangerEnd` for what can be known all the same.

extension LinuxKernel {
    /// How long a zombie whose status nobody may read is waited for.
    private static let longestZombie = Duration.seconds(2)

    /// The keeper is gone: its children are somebody else's, and their ends are looked for here.
    func keeperLost() {
        for run in self.runs.values {
            guard case .process = run.home else { continue }
            run.home = .anywhere
            if let pid = run.pid {
                self.processes.foreignLeaders.remove(pid)
            }
            if run.isEnded {
                if !run.isCleared {
                    self.keepLooking(at: run)
                }
            } else {
                self.watchStranger(run)
            }
        }
    }

    func watchStranger(_ run: Run) {
        guard let process = run.pidfd, run.registration == nil else { return }
        do throws(Errno) {
            run.registration = try self.loop.register(process.descriptor, for: [.readable, .edgeTriggered]) {
                [unowned self, unowned run] _ in
                self.strangerChanged(run, isLast: false)
            }
        } catch {
            // Only memory in the kernel can be missing. It is looked at from time to time then.
            self.lookAtStranger(run, after: .seconds(1))
            return
        }
        self.strangerChanged(run, isLast: false)
    }

    private func lookAtStranger(_ run: Run, after delay: Duration) {
        let id = run.plan.run
        self.loop.schedule(at: SuspendingClock.now.advanced(by: delay)) { [unowned self] in
            if let run = self.runs[id], !run.isEnded {
                self.strangerChanged(run, isLast: true)
            }
        }
    }

    private func strangerChanged(_ run: Run, isLast: Bool) {
        guard !run.isEnded, let process = run.pidfd, let pid = run.pid else { return }
        let status: Int32?
        switch StrangerEnd(process, pid: pid, in: self.processes) {
        case .alive: return
        case .ended(let known): status = known
        case .unknown: status = nil
        case .hidden:
            // Whoever is to reap it may never do so.
            guard isLast else { return self.lookAtStranger(run, after: Self.longestZombie) }
            status = nil
        }
        self.mainProcessEnded(run, InstanceStateMachine.Ended(status: status.map(WaitStatus.init(rawValue:))))
    }

    // MARK: Agent and keeper gone

    /// The runs of an agent that is gone with its keeper: with their processes, where they live.
    func runsOfTheJournal() -> [CustodyRun] {
        (self.custody?.journal?.inherited ?? []).map { entry in
            var announcement = entry.announcement
            // What was in the pipes is gone with their readers.
            announcement.pipes = []
            announcement.pid = entry.pid
            let process = self.process(of: entry)
            // Without a pid there never was a process; else it ended, and nobody was there to see how.
            let exit: CustodyExit = entry.pid == 0 ? .neverExecuted : .unknown
            return CustodyRun(
                announcement: announcement,
                process: process,
                pipes: [],
                exit: process == nil ? exit : nil,
                isCommitted: false
            )
        }
    }

    private func process(of entry: RunJournal.Entry) -> PIDFD? {
        if let identity = entry.identity {
            return identity.open(in: self.processes)
        }
        // Its parent died before it could write more down than the process itself did.
        guard entry.pid > 1, let process = try? PIDFD.open(pid: entry.pid) else { return nil }
        if self.processes.isLeader(entry.pid, ofRun: RunID(entry.announcement.run).description) {
            return process
        }
        process.close()
        return nil
    }
}
