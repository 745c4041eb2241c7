import CLinux
import Glibc
import LinuxSystem

/// The keeper takes the program of a new binary by execve(2). Its children, zombies, pipes, pidfds and pending signals stay;
/// what it knows goes through a file in memory.
extension Keeper {
    /// How long a new binary may take to read the state.
    private static let checkLimit = Duration.seconds(10)

    /// Lets the new binary read the state in a process of its own first: after the exec there is no way back. When it cannot
    /// be, this process goes on as it is, with the new agent.
    func replaceItself() {
        guard self.replacementCheck == nil else { return }
        self.beginCheck()
        if self.replacementCheck == nil {
            self.tellAgent()
        }
    }

    private func beginCheck() {
        guard let file = self.writeState() else { return }
        let environment = CStrings(
            CStrings.environment(without: [KeeperEnvironment.state]) + ["\(KeeperEnvironment.check)=3"]
        )
        let arguments = CStrings(CommandLine.arguments)
        var program = cl_program(
            executable: self.executable,
            inherited: file.rawValue,
            argv: arguments.pointers,
            envp: environment.pointers,
            open_files: 0,
            oom_score_adjust: self.limits.outOfMemoryScore
        )
        var pidfd: Int32 = -1
        let pid = withExtendedLifetime((arguments, environment)) { cl_start_program(&program, &pidfd) }
        let error = Errno.current
        file.close()
        guard pid > 0 else {
            return self.log.write(.error, "cannot try the new keeper", ["error": "\(error)"])
        }
        let process = PIDFD(owning: pidfd)
        guard
            let watch = try? self.loop.register(pidfd, for: .readable, { [unowned self] _ in self.checkEnded(process) })
        else {
            // Nobody awaits it, so it is reaped as strangers are.
            kill(pid, SIGKILL)
            process.close()
            return self.log.write(.error, "cannot watch the new keeper")
        }
        self.replacementCheck = pid
        self.replacementWatch = watch
        self.loop.schedule(at: .now.advanced(by: Self.checkLimit)) { [unowned self] in
            if self.replacementCheck == pid {
                kill(pid, SIGKILL)
            }
        }
    }

    private func checkEnded(_ process: PIDFD) {
        guard let exit = (try? process.peek()) ?? nil else { return }
        if let watch = self.replacementWatch {
            self.loop.deregister(watch)
        }
        _ = try? process.reap()
        process.close()
        self.replacementCheck = nil
        self.replacementWatch = nil
        guard exit.waitStatus == 0 else {
            let how = Self.describe(exit.waitStatus)
            self.log.write(.error, "the new binary cannot take the keeper's place", ["how": how])
            return self.tellAgent()
        }
        self.execute()
        self.tellAgent()
    }

    private func execute() {
        let state = self.state
        guard let file = self.writeState() else { return }
        let kept = state.descriptors + [file.rawValue]
        for descriptor in kept {
            _ = cl_set_close_on_exec(descriptor, 0)
        }
        self.log.write(.notice, "replaces itself", ["runs": "\(self.custody.count)"])
        let environment = CStrings(
            CStrings.environment(without: [KeeperEnvironment.check])
                + ["\(KeeperEnvironment.state)=\(file.rawValue)"]
        )
        let arguments = CStrings(CommandLine.arguments)
        let error = withExtendedLifetime((arguments, environment)) {
            _ = cl_execute(self.executable, arguments.pointers, environment.pointers)
            return Errno.current
        }
        for descriptor in kept {
            _ = cl_set_close_on_exec(descriptor, 1)
        }
        file.close()
        self.log.write(.error, "cannot replace itself", ["error": "\(error)"])
    }

    // MARK: State

    private func writeState() -> Descriptor? {
        let number = cl_memory_file("reeve-keeper")
        guard number >= 0 else {
            self.log.write(.error, "cannot write the state down", ["error": "\(Errno.current)"])
            return nil
        }
        let file = Descriptor(owning: number)
        let bytes = self.state.bytes
        guard write(number, bytes, bytes.count) == bytes.count else {
            self.log.write(.error, "cannot write the state down", ["error": "\(Errno.current)"])
            file.close()
            return nil
        }
        return file
    }

    private var state: KeeperState {
        var runs: [KeeperState.Run] = []
        // The next slot of which the agent is to be told, counted as it will be read back: without the free ones.
        var cursor: UInt32 = 0
        for index in 0..<self.custody.end where self.custody[index].isUsed {
            let slot = self.custody[index]
            if index < self.agent?.cursor ?? 0 {
                cursor += 1
            }
            runs.append(
                KeeperState.Run(
                    pid: slot.pid,
                    pidfd: slot.pidfd,
                    pipes: (0..<slot.pipeCount).map { slot.pipes[$0] },
                    body: Array(self.custody.body(of: index)),
                    isAdopted: slot.isAdopted,
                    exit: slot.exit,
                    isZombie: slot.isZombie,
                    isCommitted: slot.isCommitted,
                    isTold: slot.isTold
                )
            )
        }
        return KeeperState(
            options: self.options,
            executable: self.executable,
            lock: self.lock,
            limits: self.limits,
            transit: self.transit?.descriptors ?? [],
            starts: self.starts,
            shutdownSignal: self.shutdownSignal,
            lostAnnouncements: self.lostAnnouncements,
            agent: self.agent.map { agent in
                KeeperState.Agent(
                    pid: agent.pid,
                    pidfd: agent.pidfd.descriptor,
                    socket: agent.socket,
                    bell: agent.bell,
                    phase: agent.phase.rawValue,
                    leaving: agent.leaving,
                    cursor: cursor,
                    told: agent.told
                )
            },
            runs: runs
        )
    }

    /// Goes on where the program before this one was.
    func resume(_ state: KeeperState) {
        self.starts = state.starts
        self.wasEverReady = true
        self.shutdownSignal = state.shutdownSignal
        self.lostAnnouncements = state.lostAnnouncements
        // The agent waits for it, and one that is started before it is told has to go on waiting.
        self.isUpgradeUnconfirmed = true
        self.upgradeNews = .onTrial
        for run in state.runs {
            self.resume(run)
        }
        self.log.write(.notice, "goes on as the new binary", ["pid": "\(getpid())", "runs": "\(self.custody.count)"])
        guard let agent = state.agent else { return self.startAgentNow() }
        let now = SuspendingClock.now
        var guarded = GuardedAgent(
            pid: agent.pid,
            pidfd: PIDFD(owning: agent.pidfd),
            socket: agent.socket,
            startedAt: now,
            lastSign: now
        )
        guarded.phase = GuardedAgent.Phase(rawValue: agent.phase) ?? .ready
        guarded.leaving = agent.leaving
        guarded.cursor = Int(agent.cursor)
        guarded.told = agent.told
        guarded.bell = agent.bell
        self.agent = guarded
        self.watchBell()
        self.watchAgent()
        self.watchSocket()
        self.checkSilence(at: now.advanced(by: self.options.silenceLimit))
        for index in 0..<self.custody.end where self.custody[index].isUsed {
            let slot = self.custody[index]
            if slot.isAdopted, slot.exit == nil, slot.pidfd >= 0 {
                self.watch(index)
            }
        }
        self.tellAgent()
    }

    private func resume(_ run: KeeperState.Run) {
        let index = run.body.withUnsafeBytes { body -> Int? in
            var reader = MessageReader(body)
            guard let outline = try? AnnouncementOutline(from: &reader) else { return nil }
            return self.custody.insert(outline, body: body, pidfd: run.pidfd, pipes: run.pipes.span)
        }
        guard let index else { return }
        self.custody[index].pid = run.pid
        self.custody[index].isAdopted = run.isAdopted
        self.custody[index].exit = run.exit
        self.custody[index].isZombie = run.isZombie
        self.custody[index].isCommitted = run.isCommitted
        self.custody[index].isTold = run.isTold
    }
}
