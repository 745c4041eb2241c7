import CLinux
import Glibc
import LinuxSystem

/// The replacement of the agent by the binary that is on the disk now.
///
/// The agent asks whether there is one, writes down where it is, and leaves. The new binary is on trial until it is ready and
/// has stayed up for a moment; when it fails, the old one, whose file was never closed, is started again. When it does not,
/// the keeper replaces itself too.
extension Keeper {
    /// Opens the file and answers whether it can be tried.
    func prepareUpgrade() {
        // An agent of a build that does not confirm it would not ask before it has written the last one down.
        self.confirmUpgrade()
        guard self.agent?.isOnTrial != true, !self.isUpgradeUnconfirmed else {
            // An agent that knows of it does not ask.
            _ = self.send(KeeperMessage.upgradeAnswer("another upgrade is under way"))
            return
        }
        self.dropCandidate()
        let path = self.options.binary ?? ""
        let opened = cl_open_program(path)
        var refusal: String?
        if opened < 0 {
            refusal = "cannot open \(path): \(Errno.current)"
        } else if let reason = Self.unfitness(of: opened) {
            refusal = "cannot execute \(path): \(reason)"
            close(opened)
        } else {
            self.candidate = opened
        }
        if let refusal {
            self.log.write(.error, "no upgrade", ["reason": refusal])
        }
        _ = self.send(KeeperMessage.upgradeAnswer(refusal))
    }

    /// What became of the upgrade, of which this agent was told, is in the history.
    func confirmUpgrade() {
        guard self.isUpgradeUnconfirmed, self.agent?.knowsOfUpgrade == true else { return }
        self.isUpgradeUnconfirmed = false
        self.upgradeNews = .none
    }

    private static func unfitness(of file: Int32) -> String? {
        var status = stat()
        guard fstat(file, &status) == 0 else { return "\(Errno.current)" }
        guard status.st_mode & S_IFMT == S_IFREG else { return "it is no regular file" }
        guard access("/proc/self/fd/\(file)", X_OK) == 0 else { return "\(Errno.current)" }
        return nil
    }

    func dropCandidate() {
        if let candidate = self.candidate {
            close(candidate)
            self.candidate = nil
        }
    }

    func beginTrial() {
        self.trialEnd = self.loop.schedule(at: .now.advanced(by: self.options.upgradeLimit)) { [unowned self] in
            self.trialEnd = nil
            guard let agent = self.agent else { return }
            self.log.write(.error, "the new binary is not ready in time", ["pid": "\(agent.pid)"])
            _ = try? agent.pidfd.send(SIGKILL)
        }
    }

    /// It is ready; now it must stay.
    func observeTrial() {
        if let trialEnd = self.trialEnd {
            self.loop.cancel(trialEnd)
        }
        self.trialEnd = self.loop.schedule(at: .now.advanced(by: self.options.upgradeObservation)) { [unowned self] in
            self.trialEnd = nil
            self.trialSucceeded()
        }
    }

    private func trialSucceeded() {
        guard let candidate = self.candidate else { return }
        self.agent?.isOnTrial = false
        self.isUpgradeUnconfirmed = true
        close(self.executable)
        self.executable = candidate
        self.candidate = nil
        self.log.write(.notice, "the upgrade is done", ["pid": "\(self.agent?.pid ?? 0)"])
        self.replaceItself()
    }

    /// Why a new binary did not come up.
    func trialFailure(_ agent: GuardedAgent, _ waitStatus: Int32) -> String {
        let how = Self.describe(waitStatus)
        if agent.phase == .ready {
            return "the new binary came up and then ended: \(how)"
        }
        return agent.startedAt.duration(to: .now) >= self.options.upgradeLimit
            ? "the new binary was not ready within \(self.options.upgradeLimit)"
            : "the new binary ended before it was ready: \(how)"
    }

    func rollBack(because reason: String) {
        self.dropCandidate()
        self.upgradeNews = .rolledBack(reason: reason)
        self.log.write(.error, "starts the old binary again", ["reason": reason])
    }
}
