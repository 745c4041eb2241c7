internal import Glibc

extension ProcessTable {
    /// Signals the process group of a run, which its leader pins: the number cannot be another group's before the leader
    /// is reaped, alive or a zombie. Returns how many living processes the group had; the call itself reaches all of them,
    /// those included that appeared meanwhile.
    ///
    /// The corresponding C function is `kill` with a negative number.
    @discardableResult
    public func signalGroup(
        leader: Int32,
        runID: String,
        leaderAlive: Bool,
        signal: Int32,
        home: Home = .own
    ) throws(Errno) -> Int {
        let members = self.runMembers(leader: leader, runID: runID, leaderAlive: leaderAlive, home: home)
        guard home.pinsLeader(isAlive: leaderAlive) else {
            // The number may be another group's.
            for member in members {
                self.send(signal, to: member)
            }
            return members.count
        }
        let count = members.count { $0.group == leader }
        do throws(Errno) {
            try systemCall("kill") { Glibc.kill(-leader, signal) }
        } catch {
            // Every member is gone, the leader too.
            guard error.rawValue == ESRCH else { throw error }
        }
        return count
    }

    /// Tells the group to end: the signal, and SIGCONT after it, because a stopped process acts on neither SIGTERM nor a
    /// handler before it is continued. Returns as `signalGroup` does.
    @discardableResult
    public func terminate(
        leader: Int32,
        runID: String,
        leaderAlive: Bool,
        signal: Int32,
        home: Home = .own
    ) throws(Errno) -> Int {
        let count = try self.signalGroup(
            leader: leader,
            runID: runID,
            leaderAlive: leaderAlive,
            signal: signal,
            home: home
        )
        if signal != SIGKILL, home.pinsLeader(isAlive: leaderAlive) {
            // It went well a moment ago; a group that has vanished needs nothing more.
            _ = Glibc.kill(-leader, SIGCONT)
        }
        return count
    }

    /// Tells the members of a run that have left its group to end, as `terminate` tells the group. Returns how many they are.
    @discardableResult
    public func terminateOutsideGroup(leader: Int32, runID: String, signal: Int32, home: Home = .own) -> Int {
        let members = self.runMembers(leader: leader, runID: runID, leaderAlive: false, home: home)
            .filter { $0.group != leader }
        for member in members {
            self.send(signal, to: member)
            if signal != SIGKILL {
                self.send(SIGCONT, to: member)
            }
        }
        return members.count
    }

    /// SIGKILL to everything of a run that lives: to the group, and to each process that the scan finds, by a pidfd that
    /// was checked to be that process. Returns how many there were; the caller repeats it until `hasRemains` says no, because
    /// a process may fork while this looks.
    @discardableResult
    public func killAll(leader: Int32, runID: String, leaderAlive: Bool, home: Home = .own) -> Int {
        let members = self.runMembers(leader: leader, runID: runID, leaderAlive: leaderAlive, home: home)
        let isPinned = home.pinsLeader(isAlive: leaderAlive)
        if isPinned {
            // Even when none was found, since it costs little: one may have been forked just now.
            _ = Glibc.kill(-leader, SIGKILL)
        }
        for member in members where member.group != leader || !isPinned {
            self.send(SIGKILL, to: member)
        }
        return members.count
    }

    /// A signal to one process, unless its number is another one's by now.
    private func send(_ signal: Int32, to member: ProcessStat) {
        // In this order: once the pidfd is open, a process that ends and whose number is used again cannot be hit.
        guard let process = try? PIDFD.open(pid: member.pid) else {
            return self.sendWithoutDescriptor(signal, to: member)
        }
        if let present = self.stat(of: member.pid), present.isSameProcess(as: member) {
            // ESRCH is a normal outcome; EPERM, a process that changed its user, shows in the next scan.
            _ = try? process.send(signal)
        }
        process.close()
    }

    /// A signal to an orphan when there is no descriptor for it: its number is its own, because only this table reaps it.
    /// Processes that are no orphans yet become some when those above them end.
    private func sendWithoutDescriptor(_ signal: Int32, to member: ProcessStat) {
        guard let present = self.stat(of: member.pid), present.isSameProcess(as: member),
            present.parent == self.ownPID
        else { return }
        _ = Glibc.kill(member.pid, signal)
    }
}
