import Keeper
import LinuxSystem
import Supervision

/// What the keeper is told of the runs, so that it can hand them to the agent that comes after this one. Belongs to the
/// supervision loop.
///
/// A run is announced by its own process, between clone and exec; what changes later is told as an update. It is kept there until
/// its exit is committed and its pipes are closed. An adopted run is the keeper's child, so the keeper reaps it when it hears
/// of the commit.
final class Custody {
    /// What has to be known to say it again.
    private struct Held {
        var note: CustodyNote
        var pid: Int32 = 0
        /// In the order of the announcement; empty when they are closed.
        var pipes: [RunAnnouncement.Pipe] = []
        /// Its process exists, and what it said of itself is with the keeper.
        var isAnnounced = false
        var isCommitted = false
        var hasOpenPipes = false
    }

    let link: KeeperLink
    /// `nil` when the file cannot be used: then the runs are lost should agent and keeper die both.
    let journal: RunJournal?
    private let processes: ProcessTable
    private var runs: [RunID: Held] = [:]

    init(link: KeeperLink, journal: RunJournal?, processes: ProcessTable) {
        self.link = link
        self.journal = journal
        self.processes = processes
    }

    // MARK: The runs of this agent

    /// What is to be known of a run from now on; before its process is asked for, and whenever it changes.
    func note(_ note: RunNote, outOfMemoryKills: @autoclosure () -> Int64?) {
        let id = note.runID
        guard var held = self.runs[id] else {
            let held = Held(note: CustodyNote(note, outOfMemoryKills: outOfMemoryKills()))
            self.runs[id] = held
            self.journal?.write(held.note.announcement(pipes: []), of: id)
            return
        }
        guard held.note.note != note else { return }
        held.note.note = note
        self.runs[id] = held
        let announcement = held.note.announcement(pid: held.pid, pipes: held.pipes)
        self.journal?.write(announcement, of: id)
        if held.isAnnounced {
            self.link.update(announcement)
        }
    }

    /// What the process of a run is to say of itself; `nil` when nobody hears it.
    func introduction(of run: RunID) -> Introduction? {
        guard let announcer = self.link.announcer, let held = self.runs[run] else { return nil }
        return Introduction(announcer: announcer, note: held.note)
    }

    /// How the process of a run tells of itself. On any thread.
    struct Introduction: Sendable {
        let announcer: KeeperLink.Announcer
        var note: CustodyNote

        func announcement(pipes: [RunAnnouncement.Pipe], descriptors: [Int32]) -> SpawnAnnouncement {
            self.announcer.announcement(of: self.note.announcement(pipes: pipes), descriptors: descriptors)
        }
    }

    /// The process of a run exists.
    ///
    /// - Parameters:
    ///   - introduced: what it said of itself; `nil` when it was not asked to, or could not.
    ///   - pipes: the read ends of its pipes, which stay the caller's.
    func began(
        _ run: RunID,
        pid: Int32,
        process: PIDFD,
        introduced: CustodyNote?,
        pipes: [(kind: RunAnnouncement.Pipe, descriptor: Int32)]
    ) {
        guard var held = self.runs[run] else { return }
        held.pid = pid
        held.pipes = pipes.map(\.kind)
        held.hasOpenPipes = !pipes.isEmpty
        held.isAnnounced = true
        held.note.mergesError = introduced?.mergesError ?? held.note.mergesError
        self.runs[run] = held
        if let identity = ProcessIdentity(process, pid: pid, in: self.processes) {
            self.journal?.began(run, identity)
        }
        let announcement = held.note.announcement(pid: pid, pipes: held.pipes)
        if introduced == nil {
            self.link.announce(announcement, process: process, descriptors: pipes.map(\.descriptor))
        } else if introduced?.note != held.note.note {
            self.link.update(announcement)
        } else {
            self.link.ringSoon()
        }
    }

    /// There is no process, though it may have announced itself.
    func failed(_ run: RunID) {
        guard self.runs.removeValue(forKey: run) != nil else { return }
        self.journal?.remove(run)
        self.link.forget(RunKey(run))
    }

    // MARK: The runs of the agent before

    /// - Parameter isKept: whether the keeper has it; else it is told of it.
    func adopt(_ run: CustodyRun, note: CustodyNote, isKept: Bool) {
        if !run.isCommitted {
            self.journal?.write(run.announcement, of: note.note.runID)
            if let process = run.process,
                let identity = ProcessIdentity(process, pid: run.announcement.pid, in: self.processes)
            {
                self.journal?.began(note.note.runID, identity)
            }
        }
        if !isKept, let process = run.process {
            self.link.announce(run.announcement, process: process, descriptors: run.pipes.map(\.descriptor))
        }
        self.runs[note.note.runID] = Held(
            note: note,
            pid: run.announcement.pid,
            pipes: run.announcement.pipes,
            isAnnounced: true,
            isCommitted: run.isCommitted,
            hasOpenPipes: !run.pipes.isEmpty
        )
    }

    /// All are adopted; what the journal has besides is not there any more.
    func adoptionEnded() {
        self.journal?.keepOnly(Set(self.runs.keys))
    }

    // MARK: Another keeper

    /// What is to be said of a run to the next keeper, with the pipes that are open.
    func announcement(of run: RunID, pipes: [RunAnnouncement.Pipe]) -> RunAnnouncement? {
        guard let held = self.runs[run] else { return nil }
        return held.note.announcement(pid: held.pid, pipes: pipes)
    }

    // MARK: The end of a run

    /// Its exit is recorded, and nothing but its pipes can be left.
    func committed(_ run: RunID) {
        guard let held = self.runs[run] else { return }
        guard held.hasOpenPipes else { return self.failed(run) }
        self.journal?.remove(run)
        self.runs[run]?.isCommitted = true
        self.link.committed(RunKey(run))
    }

    /// Nobody writes to the run's pipes any more, or nobody reads them.
    func pipesClosed(_ run: RunID) {
        guard let held = self.runs[run] else { return }
        self.runs[run]?.hasOpenPipes = false
        if held.isCommitted {
            self.failed(run)
        }
    }
}
