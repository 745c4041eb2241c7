import CLinux
import Glibc
import LinuxSystem

/// The runs of a dead agent.
extension Keeper {
    /// The agent is dead: what it had announced is this process's own now.
    func adoptAll() {
        for index in 0..<self.custody.end where self.custody[index].isUsed {
            self.custody[index].isTold = false
            if !self.custody[index].isAdopted, !self.custody[index].isCommitted {
                self.adopt(index)
            }
        }
    }

    private func adopt(_ index: Int) {
        self.custody[index].isAdopted = true
        let pid = self.custody[index].pid
        if self.custody[index].pidfd < 0, pid > 0, self.processes.stat(of: pid)?.parent == getpid() {
            // Its pidfd was lost on the way. It is our child and not reaped, so the number is its own.
            self.custody[index].pidfd = cl_pidfd_open(pid)
        }
        guard self.custody[index].pidfd >= 0 else {
            self.custody[index].exit = .unknown
            return
        }
        self.watch(index)
    }

    /// Watches a run's pidfd. The edge is the one of its end, and another one comes when somebody reaps it.
    func watch(_ index: Int) {
        let run = self.custody[index].run
        do throws(Errno) {
            let events: EventLoop.Events = [.readable, .edgeTriggered]
            self.custody[index].registration = try self.loop.register(self.custody[index].pidfd, for: events) {
                [unowned self] _ in
                if let index = self.custody.index(of: run) {
                    self.lookAt(index)
                }
            }
        } catch {
            self.log.write(.error, "cannot watch a run", ["run_id": "\(run)", "error": "\(error)"])
        }
        self.lookAt(index)
    }

    /// Whether the run has ended. It stays a zombie.
    private func lookAt(_ index: Int) {
        let slot = self.custody[index]
        guard slot.exit == nil, slot.pidfd >= 0 else { return }
        var found = cl_exit()
        if cl_peek(slot.pidfd, &found) == 0 {
            guard found.pid != 0 else { return }
            self.custody[index].isZombie = true
            self.custody[index].exit =
                self.processes.stat(of: found.pid)?.neverExecuted == true ? .neverExecuted : CustodyExit(found)
        } else {
            // No child of this process: a former keeper's, whose workers have gone to init, or one that was reaped.
            guard let exit = self.exitOfStranger(slot) else { return }
            self.custody[index].exit = exit
        }
        self.endWatch(index)
        self.custody[index].isTold = false
        self.tellAgent()
    }

    /// How a process ended that is no child of this one; `nil` while it lives or hides how it ended.
    private func exitOfStranger(_ slot: CustodyTable.Slot) -> CustodyExit? {
        switch StrangerEnd(descriptor: slot.pidfd, pid: slot.pid, in: self.processes) {
        case .alive, .hidden: nil
        case .ended(let status): .ended(waitStatus: status, usage: nil)
        case .unknown: .unknown
        }
    }

    func endWatch(_ index: Int) {
        if let registration = self.custody[index].registration {
            self.loop.deregister(registration)
            self.custody[index].registration = nil
        }
    }

    /// The exit of the run is recorded for good.
    func commit(_ run: RunKey) {
        guard let index = self.custody.index(of: run) else { return }
        self.release(index)
        if self.custody[index].pipeCount == 0 {
            self.custody.remove(index)
        }
    }

    /// Nothing of the run is needed any more.
    func forget(_ run: RunKey) {
        guard let index = self.custody.index(of: run) else { return }
        self.release(index)
        self.custody.remove(index)
    }

    private func release(_ index: Int) {
        self.endWatch(index)
        if self.custody[index].isZombie {
            _ = cl_reap(self.custody[index].pidfd)
            self.custody[index].isZombie = false
        }
        self.custody[index].isCommitted = true
        self.custody.closeProcess(index)
    }
}

extension CustodyExit {
    init(_ found: cl_exit) {
        let status = found.code == Int32(CLD_EXITED) ? (found.status & 0xff) << 8 : found.status & 0x7f
        self = .ended(
            waitStatus: found.code == Int32(CLD_DUMPED) ? status | 0x80 : status,
            usage: ProcessUsage(
                user: .nanoseconds(found.user_nanoseconds),
                system: .nanoseconds(found.system_nanoseconds),
                maximumResidentBytes: found.maximum_resident_kibibytes * 1024
            )
        )
    }
}
