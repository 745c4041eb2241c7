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
    private var runs: [RunID: Held] = [:]

    init(link: KeeperLink) {
        self.link = link
    }

    // MARK: The runs of this agent

    /// What is to be known of a run from now on; before its process is asked for, and whenever it changes.
    func note(_ note: RunNote, outOfMemoryKills: @autoclosure () -> Int64?) {
        let id = note.runID
        guard var held = self.runs[id] else {
            self.runs[id] = Held(note: CustodyNote(note, outOfMemoryKills: outOfMemoryKills()))
            return
        }
        guard held.note.note != note else { return }
        held.note.note = note
        self.runs[id] = held
        if held.isAnnounced {
            self.link.update(held.note.announcement(pid: held.pid, pipes: held.pipes))
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
        let announcement = held.note.announcement(pid: pid, pipes: held.pipes)
        if introduced == nil {
            self.link.announce(announcement, process: process, descriptors: pipes.map(\.descriptor))
        } else if introduced?.note != held.note.note {
            self.link.update(announcement)
        }
    }

    /// There is no process, though it may have announced itself.
    func failed(_ run: RunID) {
        guard self.runs.removeValue(forKey: run) != nil else { return }
        self.link.forget(RunKey(run))
    }

    // MARK: The runs of the agent before

    func adopt(_ run: CustodyRun, note: CustodyNote) {
        self.runs[note.note.runID] = Held(
            note: note,
            pid: run.announcement.pid,
            pipes: run.announcement.pipes,
            isAnnounced: true,
            isCommitted: run.isCommitted,
            hasOpenPipes: !run.pipes.isEmpty
        )
    }

    // MARK: The end of a run

    /// Its exit is recorded, and nothing but its pipes can be left.
    func committed(_ run: RunID) {
        guard let held = self.runs[run] else { return }
        guard held.hasOpenPipes else { return self.failed(run) }
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
