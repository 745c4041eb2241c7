import ControlMessages
import Glibc
import TestSupport
import Testing

/// What every init must do with the service, told once.
extension PrivateMachine {
    /// Kills what the init supervises, and expects that another one is there soon, with the workers under it.
    ///
    /// The workers themselves outlive it where there is a keeper: `on_keeper_death` is "keep" by default.
    func expectItIsBackAfterAKill() throws {
        let before = try self.waitUntilReady()
        let runs = try self.runs()
        let old = try #require(self.supervised)
        sendSignal(SIGKILL, to: old)
        try self.eventually("something else is supervised than \(old)") {
            self.supervised.map { $0 != old } ?? false
        }
        _ = try self.waitUntilReady(after: before.generation)
        if Sources.hasKeeper {
            #expect(try self.runs() == runs, "the workers of \"keep\" go on in the same runs")
        } else {
            self.killOrphans()
        }
        try self.eventually("no worker runs beside its successor") { self.workersAreThereOnce }
    }

    /// Whether there are as many processes as the configuration makes.
    private var workersAreThereOnce: Bool {
        // 1 plain, 1 graceful with a sleep of a moment, 2 × 4 scattered: the shell becomes setsid(1), which waits.
        (10...11).contains(self.workerProcesses.count)
    }

    /// Without a keeper the workers of a killed agent are nobody's.
    private func killOrphans() {
        for process in self.workerProcesses where self.isOrphan(process) {
            sendSignal(SIGKILL, to: process.pid)
        }
    }

    private func isOrphan(_ process: ProcessEntry) -> Bool {
        var process = process
        while process.pid != self.pid {
            if process.pid == self.supervised { return false }
            guard let parent = ProcessEntry(pid: process.parent) else { return true }
            process = parent
        }
        return true
    }

    /// Waits until nothing of the service is left.
    func expectNothingIsLeft() throws {
        try self.eventually("no process of the service is left") {
            self.supervised == nil && self.workerProcesses.isEmpty
        }
    }

    /// Starts it once more after it was stopped, and expects the history to tell that everything was stopped, nothing killed.
    func expectAllWereStopped() throws {
        _ = try self.waitUntilReady()
        let exits: ExitsMessage = try self.get("/v1/exits?limit=100").decode()
        let last = exits.exits.prefix(4)
        #expect(Set(last.map(\.cause)) == ["stopped"])
        #expect(Set(last.map { "\($0.worker).\($0.instance)" }).count == 4)
        #expect(last.allSatisfy { !$0.escalated && $0.requestedBy == "signal:SIGTERM" })
    }

    /// A configuration that is refused, and the right one again.
    func breakTheConfiguration() throws {
        try self.expect("mv /etc/reeve/reeve.toml /etc/reeve/right && echo wrong >/etc/reeve/reeve.toml")
    }

    func repairTheConfiguration() throws {
        try self.expect("mv /etc/reeve/right /etc/reeve/reeve.toml")
    }
}
