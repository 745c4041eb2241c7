import CLinux
import Glibc
import LinuxSystem

/// The begin of a keeper whose predecessor is gone. An agent that lives on hands over what it has and ends; one that does not
/// answer is ended, and what becomes of its runs is the next agent's to find out.
extension Keeper {
    private static let pause: UInt32 = 20_000
    /// How long a message of the hand-over may take, in milliseconds.
    private static let longestMessage: Int32 = 10_000

    /// Starts the agent, when there is none any more.
    func begin() {
        if let directory = self.options.stateDirectory {
            self.takeOver(directory)
        }
        self.startAgentNow()
    }

    private func takeOver(_ directory: String) {
        let limit = SuspendingClock.now.advanced(by: self.options.silenceLimit)
        var holder: Int32?
        while let pid = Self.living(directory) {
            if holder == nil {
                self.log.write(.notice, "an agent lives on without its keeper", ["pid": "\(pid)"])
            }
            holder = pid
            if let socket = Self.connect(directory) {
                self.listen(to: socket)
                close(socket)
            } else if SuspendingClock.now >= limit {
                guard pid > 1 else {
                    // The agent that follows will say that it cannot have the lock.
                    return self.log.write(.error, "the agent of the former keeper does not answer, and cannot be found")
                }
                self.end(pid, directory)
            }
            usleep(Self.pause)
        }
        guard holder != nil else { return }
        self.adoptAll()
        // What was under way goes on.
        self.previousEnd = .ended(waitStatus: 0)
        self.log.write(.notice, "has taken over", ["runs": "\(self.custody.count)"])
    }

    /// The agent that holds the lock; `nil` when there is none. 0 where neither the kernel nor the file tells.
    private static func living(_ directory: String) -> Int32? {
        do throws(LockFile.Failure) {
            try LockFile(path: directory + "/agent.lock").unlock()
            return nil
        } catch {
            if case .held(let pid) = error { return pid ?? 0 }
            // The agent will say what is wrong with it.
            return nil
        }
    }

    private static func connect(_ directory: String) -> Int32? {
        guard let opened = try? Descriptor.open(directory, O_RDONLY | O_DIRECTORY) else { return nil }
        let socket = cl_seqpacket_connect(opened.rawValue, Takeover.name)
        opened.close()
        return socket >= 0 ? socket : nil
    }

    /// Takes what it says into custody, to the end.
    private func listen(to socket: Int32) {
        while self.receiveAll(from: socket) {
            var watched = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            guard poll(&watched, 1, Self.longestMessage) == 1 else {
                return self.log.write(.error, "the agent of the former keeper says nothing more")
            }
        }
    }

    /// One that neither hands over nor ends hangs.
    private func end(_ pid: Int32, _ directory: String) {
        guard pid > 1, let process = try? PIDFD.open(pid: pid) else { return }
        // The number is still its own when it holds the lock after the descriptor was opened.
        if Self.living(directory) == pid {
            self.log.write(.error, "kills the agent of the former keeper, which does not answer", ["pid": "\(pid)"])
            _ = try? process.send(SIGKILL)
        }
        process.close()
    }
}
