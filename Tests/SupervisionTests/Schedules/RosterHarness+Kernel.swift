@testable import Supervision

/// What the simulated kernel does. Each move changes the truth and puts what is to be told of it into the inbox.
extension RosterHarness {
    mutating func create(_ id: RunID) {
        guard self.runs[id]?.process == .asked else { return }
        self.moved("created", id)
        self.runs[id]?.process = .alive
        self.inbox.append(Report(kind: .outcome, run: id))
    }

    mutating func refuse(_ id: RunID, _ error: StartError) {
        guard self.runs[id]?.process == .asked else { return }
        self.moved("not created: \(error.errnoName)", id)
        self.runs[id]?.process = .failed(error)
        self.inbox.append(Report(kind: .outcome, run: id))
    }

    /// The main process ends; what else there is of the run lives on.
    mutating func end(_ id: RunID, _ status: WaitStatus?) {
        guard self.runs[id]?.process == .alive else { return }
        self.moved("ended with status \(status.map { String($0.rawValue) } ?? "unknown")", id)
        self.runs[id]?.process = .ended(status)
        self.inbox.append(Report(kind: .exit, run: id))
    }

    mutating func fork(_ id: RunID) {
        guard self.runs[id]?.process == .alive else { return }
        self.runs[id]?.hasRest = true
    }

    mutating func endRest(_ id: RunID) {
        guard let run = self.runs[id], run.hasRest else { return }
        self.moved("its rest ended", id)
        self.runs[id]?.hasRest = false
        if run.owesCleared {
            self.runs[id]?.owesCleared = false
            self.inbox.append(Report(kind: .cleared, run: id))
        }
    }

    /// What a signal that was sent does at last, if it does anything.
    mutating func obey(_ id: RunID) {
        guard let run = self.runs[id] else { return }
        guard run.killSent || run.terminateSent && !run.ignoresTerm else { return }
        self.end(id, WaitStatus(signal: run.killSent ? .kill : .terminate))
        if !run.killSent || run.killsNeeded <= 0 {
            self.endRest(id)
        }
    }

    // MARK: For scripts: the present run of an instance, and at once

    func run(of id: InstanceID) -> RunID? {
        self.roster.status(of: id)?.runID
    }

    mutating func tellAll() throws(Violation) {
        while let report = self.inbox.first {
            try self.tell(report)
        }
    }

    mutating func bringUp(_ id: InstanceID) throws(Violation) {
        guard let run = self.run(of: id) else { throw Violation("\(id) has no run to bring up") }
        self.create(run)
        try self.tellAll()
    }

    mutating func refuse(_ id: InstanceID, _ error: StartError) throws(Violation) {
        guard let run = self.run(of: id) else { throw Violation("\(id) has no run to refuse") }
        self.refuse(run, error)
        try self.tellAll()
    }

    mutating func end(_ id: InstanceID, _ status: WaitStatus?, leavesRest: Bool = false) throws(Violation) {
        guard let run = self.run(of: id) else { throw Violation("\(id) has no run to end") }
        if leavesRest {
            self.fork(run)
        }
        self.end(run, status)
        try self.tellAll()
    }

    /// Ends what was told to end.
    mutating func obey() throws(Violation) {
        for id in self.runs.keys.sorted() {
            self.obey(id)
        }
        try self.tellAll()
    }

    mutating func bringAllUp() throws(Violation) {
        for id in self.runs.keys.sorted() {
            self.create(id)
        }
        try self.tellAll()
    }

    func status(_ id: InstanceID) -> InstanceStatus {
        self.roster.status(of: id) ?? InstanceStatus(id: id)
    }
}
