import CLinux
import Glibc
import LinuxSystem

/// The life of the agent process.
extension Keeper {
    /// How long the children of a dead agent may take to become their programs.
    private static let execTime = Duration.milliseconds(100)
    /// How long those that do not may take to die.
    private static let killTime = Duration.seconds(1)
    /// How long one of them may take to stop.
    private static let stopTime = Duration.milliseconds(50)
    /// Starts in a row that failed, after which a shutdown goes on without the agent.
    private static let maximumShutdownFailures = 5

    // MARK: Start

    func startAgentNow() {
        if let restart = self.restart {
            self.loop.cancel(restart)
            self.restart = nil
        }
        guard self.agent == nil else { return }
        var ends: [Int32] = [-1, -1]
        guard cl_seqpacket_pair(&ends) == 0 else {
            return self.startFailed("cannot create a socket", Errno.current)
        }
        self.starts += 1
        let isOnTrial = self.candidate != nil
        var program = cl_program(
            executable: self.candidate ?? self.executable,
            inherited: ends[1],
            argv: self.arguments.pointers,
            envp: self.environment.pointers,
            open_files: self.limits.openFiles,
            oom_score_adjust: self.limits.outOfMemoryScore
        )
        var pidfd: Int32 = -1
        let pid = cl_start_program(&program, &pidfd)
        let error = Errno.current
        close(ends[1])
        guard pid > 0 else {
            close(ends[0])
            return self.startFailed("cannot create a process", error)
        }
        let now = SuspendingClock.now
        var agent = GuardedAgent(
            pid: pid,
            pidfd: PIDFD(owning: pidfd),
            socket: ends[0],
            startedAt: now,
            lastSign: now
        )
        agent.isOnTrial = isOnTrial
        self.agent = agent
        self.log.write(.notice, "started the agent", ["pid": "\(pid)", "start": "\(self.starts)"])
        self.watchAgent()
        self.checkSilence(at: now.advanced(by: self.options.silenceLimit))
        if isOnTrial {
            self.beginTrial()
        }
    }

    /// Watches the agent's process and socket.
    func watchAgent() {
        guard let agent = self.agent else { return }
        do throws(Errno) {
            self.agent?.processWatch = try self.loop.register(agent.pidfd.descriptor, for: .readable) {
                [unowned self] _ in
                self.agentEnded()
            }
            self.agent?.socketWatch = try self.loop.register(agent.socket, for: .readable) { [unowned self] events in
                self.socketReady(events)
            }
        } catch {
            // Only memory in the kernel can be missing. An agent that cannot be watched is none.
            self.log.write(.error, "cannot watch the agent", ["error": "\(error)"])
            _ = try? agent.pidfd.send(SIGKILL)
            self.agentEnded()
        }
    }

    private func startFailed(_ what: String, _ error: Errno) {
        self.log.write(.error, what, ["error": "\(error)"])
        self.startAgent(after: RestartDelay.End(wasReady: false, lived: .zero, wasKilled: false))
    }

    private func startAgent(after end: RestartDelay.End) {
        let delay = self.restartDelay.delay(after: end)
        if self.shutdownSignal != 0, self.restartDelay.failures >= Self.maximumShutdownFailures {
            return self.shutDownWithoutAgent()
        }
        guard delay > .zero else { return self.startAgentNow() }
        self.log.write(.notice, "starts the agent again", ["after": "\(delay)"])
        self.restart = self.loop.schedule(at: .now.advanced(by: delay)) { [unowned self] in
            self.restart = nil
            self.startAgentNow()
        }
    }

    // MARK: Sign of life

    func checkSilence(at instant: SuspendingClock.Instant) {
        if let check = self.silenceCheck {
            self.loop.cancel(check)
        }
        self.silenceCheck = self.loop.schedule(at: instant) { [unowned self] in
            self.silenceCheck = nil
            self.silenceMayBeOver(since: instant)
        }
    }

    private func silenceMayBeOver(since due: SuspendingClock.Instant) {
        // What the agent has said and not rung for is a sign of life too.
        self.hearAll()
        guard let agent = self.agent else { return }
        let now = self.loop.now
        let limit = self.options.silenceLimit
        let end = agent.lastSign.advanced(by: limit)
        guard now >= end else { return self.checkSilence(at: end) }
        // A keeper that comes late was stopped, and the agent perhaps with it: a frozen container, a suspended machine.
        guard due.duration(to: now) < limit / 4 else { return self.checkSilence(at: now.advanced(by: limit)) }
        self.log.write(
            .error,
            "kills the agent, which gave no sign of life",
            ["pid": "\(agent.pid)", "for": "\(limit)"]
        )
        self.agent?.wasSilent = true
        _ = try? agent.pidfd.send(SIGKILL)
    }

    // MARK: End

    func agentEnded() {
        guard let agent = self.agent, let exit = self.waitForAgent(agent) else { return }
        // Its children that have not become their programs yet hold its socket too, and announce themselves there.
        self.hearOut(agent)
        if let watch = agent.processWatch {
            self.loop.deregister(watch)
        }
        for watch in [self.agent?.socketWatch, self.agent?.bellWatch] {
            if let watch {
                self.loop.deregister(watch)
            }
        }
        for deadline in [self.silenceCheck, self.trialEnd, self.retryTelling] {
            if let deadline {
                self.loop.cancel(deadline)
            }
        }
        (self.silenceCheck, self.trialEnd, self.retryTelling) = (nil, nil, nil)
        _ = try? agent.pidfd.reap()
        // What it said last was heard only now.
        let ended = self.agent ?? agent
        self.agent = nil
        agent.pidfd.close()
        close(agent.socket)
        if ended.bell >= 0 {
            close(ended.bell)
        }
        self.adoptAll()
        self.reapStrangers()
        self.follow(ended, exit.waitStatus)
    }

    private func waitForAgent(_ agent: GuardedAgent) -> PIDFD.PeekedExit? {
        do throws(Errno) {
            return try agent.pidfd.peek()
        } catch {
            // ECHILD cannot be: nobody else reaps our child.
            self.log.write(.error, "cannot look at the agent's end", ["error": "\(error)"])
            return PIDFD.PeekedExit(
                pid: agent.pid,
                waitStatus: SIGKILL,
                usage: ProcessUsage(user: .zero, system: .zero, maximumResidentBytes: 0)
            )
        }
    }

    /// Reads what a dead agent and its children have said, until nobody is left who could say more.
    private func hearOut(_ agent: GuardedAgent) {
        let begin = SuspendingClock.now
        var hasKilled = false
        while self.receiveAll(from: agent.socket) {
            let waited = begin.duration(to: .now)
            if waited > Self.execTime, !hasKilled {
                hasKilled = true
                self.killUnfinishedChildren()
            }
            guard waited < Self.killTime else {
                self.log.write(.error, "a child of the dead agent holds its socket still")
                return
            }
            var watched = pollfd(fd: agent.socket, events: Int16(POLLIN), revents: 0)
            poll(&watched, 1, 10)
        }
    }

    /// Kills the dead agent's children that hang before their exec: nobody is left who could be told what becomes of them.
    private func killUnfinishedChildren() {
        var own = stat()
        guard fstat(self.executable, &own) == 0 else { return }
        for pid in self.processes.orphans() where pid != self.agent?.pid {
            guard let process = self.processes.stat(of: pid), process.neverExecuted, !process.hasEnded else { continue }
            var image = stat()
            // One that was announced is the agent's child for sure; others are when they have its program.
            let isKept = self.custody.keeps(pid: pid)
            let isImage =
                stat("/proc/\(pid)/exe", &image) == 0 && image.st_ino == own.st_ino && image.st_dev == own.st_dev
            if isKept || isImage {
                self.killUnlessExecuted(pid)
            }
        }
    }

    /// Kills a child of ours that hangs before its exec. It is stopped first, so that it cannot become its program between
    /// the look and the signal. Its number is its own: nobody else reaps it.
    private func killUnlessExecuted(_ pid: Int32) {
        kill(pid, SIGSTOP)
        let limit = SuspendingClock.now.advanced(by: Self.stopTime)
        // One that waits for a disk does not stop, nor can it go on once it is told to die.
        while let process = self.processes.stat(of: pid), process.state != UInt8(ascii: "T"), !process.hasEnded,
            SuspendingClock.now < limit
        {
            usleep(500)
        }
        guard self.processes.stat(of: pid)?.neverExecuted == true else {
            kill(pid, SIGCONT)
            return
        }
        self.log.write(.warning, "kills a child that the dead agent left before its exec", ["pid": "\(pid)"])
        kill(pid, SIGKILL)
    }

    /// Decides what follows an agent's end.
    private func follow(_ agent: GuardedAgent, _ waitStatus: Int32) {
        let how = Self.describe(waitStatus)
        let wasReady = agent.phase == .ready
        switch agent.leaving {
        case .ended(let code):
            self.log.write(.notice, "the agent has ended", ["pid": "\(agent.pid)", "how": how])
            return self.finish(Int32(code))
        case .replaced where self.candidate != nil:
            self.log.write(.notice, "the agent gives way to a new binary", ["pid": "\(agent.pid)", "how": how])
            self.previousEnd = .ended(waitStatus: waitStatus)
            self.upgradeNews = .onTrial
            return self.startAgentNow()
        case .replaced, nil: break
        }
        self.previousEnd = agent.wasSilent ? .silent : .ended(waitStatus: waitStatus)
        let code = waitStatus & 0x7f == 0 ? waitStatus >> 8 & 0xff : nil
        if agent.isOnTrial {
            self.rollBack(because: self.trialFailure(agent, waitStatus))
            return self.startAgentNow()
        }
        self.dropCandidate()
        if let code, !self.wasEverReady, self.starts == 1 {
            // It has said why on standard error.
            self.log.write(.error, "the agent does not start", ["how": how])
            return self.finish(code)
        }
        self.notification?.status("The agent died (\(how)) and is started again.")
        self.log.write(.error, "the agent died", ["pid": "\(agent.pid)", "how": how, "runs": "\(self.custody.count)"])
        let killers = [SIGKILL, SIGTERM, SIGINT, SIGQUIT, SIGHUP]
        self.startAgent(
            after: RestartDelay.End(
                wasReady: wasReady,
                lived: agent.startedAt.duration(to: .now),
                wasKilled: killers.contains(waitStatus & 0x7f) && !agent.wasSilent
            )
        )
    }

    static func describe(_ waitStatus: Int32) -> String {
        let signal = waitStatus & 0x7f
        guard signal == 0 else { return "signal \(signal)" }
        let code = waitStatus >> 8 & 0xff
        let error = Errno(rawValue: cl_program_error())
        return code == 127 && error.rawValue != 0 ? "cannot be executed: \(error)" : "exit code \(code)"
    }

    // MARK: Last resort

    /// The agent was told to shut down and cannot even come up. What is in custody is ended here, as well as that can be
    /// done without knowing anything of it: told to end, killed ten seconds later.
    private func shutDownWithoutAgent() {
        self.log.write(.error, "shuts down without an agent", ["runs": "\(self.custody.count)"])
        self.signalRuns(SIGTERM)
        self.signalRuns(SIGCONT)
        let limit = SuspendingClock.now.advanced(by: .seconds(10))
        self.endRuns(killingAt: limit)
    }

    private func endRuns(killingAt limit: SuspendingClock.Instant) {
        if SuspendingClock.now >= limit {
            self.signalRuns(SIGKILL)
        }
        let isAlive = (0..<self.custody.end).contains { self.custody[$0].isUsed && self.custody[$0].exit == nil }
        guard isAlive else { return self.finish(1) }
        self.loop.schedule(at: .now.advanced(by: .milliseconds(100))) { [unowned self] in self.endRuns(killingAt: limit)
        }
    }

    /// To the groups of all runs; each leader is a child of this process that is not reaped, so the number is its group's.
    private func signalRuns(_ signal: Int32) {
        for index in 0..<self.custody.end {
            let slot = self.custody[index]
            if slot.isUsed, slot.isAdopted, !slot.isCommitted, slot.pid > 1, slot.exit == nil || slot.isZombie {
                kill(-slot.pid, signal)
            }
        }
    }
}
