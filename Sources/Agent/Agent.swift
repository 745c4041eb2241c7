import Configuration
import ControlAPI
import Glibc
import History
import Keeper
import LinuxSystem
import Logging
import Output
import Supervision

/// All rooms of the agent, wired together. Belongs to the main thread, which becomes the supervision loop's.
final class Agent {
    /// How long the first commit is waited for before requests are answered.
    private static let longestOpening = Duration.seconds(2)
    /// How long what nobody waits for may wait for the supervision loop to wake up for something else.
    static let patience = Duration.milliseconds(20)

    private static let keeperless = "the keeper has gone, and nobody else can start another binary"

    /// Those that mean something, and those that would end the agent and leave its workers behind.
    private static let signals = [
        SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGCHLD, SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM,
    ]

    let settings: Settings
    private let signals: SignalSource
    let loop: EventLoop
    let log: AgentLog
    let kernel: LinuxKernel
    let supervisor: Supervisor
    let history: HistoryRoom
    let output: OutputRoom
    private let link: KeeperLink
    private let survivors: [SurvivingRun]
    let records: RecordQueue
    /// While the keeper is gone and the agent waits for another one.
    var takeover: Takeover?
    /// Another keeper has the runs.
    var isHandedOver = false
    private let recovery: HistoryRecovery
    private let listeners = Listeners()
    let control: ControlServer

    /// Takes the lock, takes over what the keeper holds, makes the rooms and listens; starts no worker.
    ///
    /// - Parameter trouble: what is wrong with the settings, for `/v1/agent`.
    init(settings: Settings, trouble: String? = nil) throws(AgentStartFailure) {
        self.settings = settings
        // For clients that follow what happens; before anything is spawned, because children get what it was.
        DescriptorLimit.raise()
        let generation: Int64
        (self.signals, generation) = try Self.prepare(settings.agent)
        let (link, inherited) = try Self.connectToKeeper(generation)
        self.link = link
        let capabilities = try Self.capabilities()
        let controlLoop: EventLoop
        let historyLoop: EventLoop
        let capture: RunCapture
        do throws(Errno) {
            self.loop = try EventLoop(name: "reeve")
            controlLoop = try EventLoop(name: "control")
            historyLoop = try EventLoop(name: "history")
            self.log = AgentLog(writer: try LogWriter())
            let processes = try ProcessTable()
            let custody = Custody(
                link: link,
                journal: Self.journal(settings.agent.stateDirectory, self.log),
                processes: processes
            )
            self.output = try Self.output(
                in: settings.agent.logDirectory,
                transit: link.transit,
                log: self.log,
                released: Self.releaser(LoopBound(custody, to: self.loop), self.loop)
            )
            capture = RunCapture(room: self.output, workers: settings.workers)
            self.kernel = LinuxKernel(
                loop: self.loop,
                spawner: try Spawner(),
                environment: .ofThisProcess(),
                processes: processes,
                capture: capture,
                custody: custody
            )
        } catch {
            throw AgentStartFailure("cannot start: \(error)")
        }
        var system = SystemRandomNumberGenerator()
        self.supervisor = Supervisor(
            loop: self.loop,
            specifications: settings.workers,
            randomness: Randomness(seededBy: &system),
            kernel: LoopBound(self.kernel, to: self.loop)
        )
        self.history = Self.history(
            on: historyLoop,
            HistoryOptions(
                directory: settings.agent.stateDirectory,
                retention: HistoryRetention(settings.history),
                bootID: Self.bootID(),
                generation: generation
            ),
            telling: self.listeners,
            log: self.log,
            committed: Self.committer(self.supervisor, self.loop)
        )
        self.recovery = self.history.assumeIsolated { $0.begin() }
        let history = self.history
        self.records = RecordQueue(loop: self.loop, capture: capture) { history.submit($0) }
        self.survivors = self.kernel.adopt(Self.inheritance(inherited, of: link, settings, history))
        self.control = try ControlServer(
            settings: settings,
            generation: generation,
            bootID: Self.bootID(),
            capabilities: capabilities,
            loop: controlLoop,
            supervision: self.loop,
            supervisor: self.supervisor,
            history: self.history,
            recovery: self.recovery,
            output: self.output,
            keeper: link.welcome.keeperPID,
            trouble: trouble,
            log: self.log
        )
    }

    /// The order matters: the lock is held before anything is touched that another agent could be using, and signals are
    /// blocked before there are threads that could take them.
    private static func prepare(
        _ agent: AgentSettings
    ) throws(AgentStartFailure) -> (signals: SignalSource, generation: Int64) {
        let state = agent.stateDirectory
        try Self.makeDirectories(agent)
        try Self.takeLock(in: state)
        do throws(Errno) {
            let signals = try SignalSource(Self.signals)
            try Subreaper.become()
            return (signals, try StateDirectory(path: state).nextGeneration())
        } catch {
            throw AgentStartFailure("cannot use the state directory \(state): \(error)")
        }
    }

    private static func capabilities() throws(AgentStartFailure) -> Capabilities {
        let capabilities = Capabilities.detect()
        guard capabilities.pidfd, capabilities.pidfdSendSignal else {
            throw AgentStartFailure(
                "this system has no pidfds, without which no worker can be watched: "
                    + "Linux 5.4 or later is needed, and a seccomp filter that allows them"
            )
        }
        return capabilities
    }

    private static func inheritance(
        _ runs: [CustodyRun],
        of link: KeeperLink,
        _ settings: Settings,
        _ history: HistoryRoom
    ) -> LinuxKernel.Inheritance {
        LinuxKernel.Inheritance(
            runs: runs,
            keeper: link.welcome.keeperPID,
            specifications: Dictionary(uniqueKeysWithValues: settings.workers.map { ($0.name, $0) }),
            endsAbandoned: settings.agent.onKeeperDeath == .kill,
            isRecorded: { run in history.assumeIsolated { (try? $0.exit(ofRun: run)) ?? nil } != nil }
        )
    }

    /// Supervises until a shutdown has ended every worker; answers the exit status.
    func run() throws(AgentStartFailure) -> Int32 {
        do throws(Errno) {
            _ = try self.loop.register(self.signals.descriptor, for: .readable) { [unowned self] _ in self.signalsCame()
            }
        } catch {
            throw AgentStartFailure("cannot watch signals: \(error)")
        }
        do throws(Errno) {
            try self.link.attach(to: self.loop) { [unowned self] in self.heard($0) }
        } catch {
            throw AgentStartFailure("cannot watch the keeper: \(error)")
        }
        self.log.logger.notice(
            "starting",
            metadata: [
                "version": "\(Product.version)", "pid": "\(getpid())", "keeper": "\(self.link.welcome.keeperPID)",
                "adopted": "\(self.survivors.count)", "config": "\(self.settings.files.first ?? "")",
                "listening": "\(self.control.addresses.joined(separator: " "))",
            ]
        )
        self.begin(self.supervisor, self.control, self.history, self.loop)
        if self.link.welcome.shutdownSignal != 0 {
            self.shutDown(self.link.welcome.shutdownSignal)
        }
        self.loop.run()
        guard !self.isHandedOver else {
            self.log.flush()
            return 0
        }
        guard !self.supervisor.assumeIsolated({ $0.isLeaving }) else {
            self.log.logger.notice("gives way to the binary on disk")
            self.log.flush()
            self.link.leaveForUpgrade()
            return 0
        }
        self.kernel.custody?.journal?.discard()
        self.log.logger.notice("ended")
        self.log.flush()
        let code = self.supervisor.assumeIsolated { $0.exitStatus }
        self.link.leave(code: code)
        return Int32(code)
    }

    /// Takes its rooms as arguments, because the closures that cross to other threads must not hold the agent.
    private func begin(
        _ supervisor: Supervisor,
        _ control: ControlServer,
        _ history: HistoryRoom,
        _ loop: EventLoop
    ) {
        self.listeners.add { control.room.apply($0) }
        self.listeners.addForDurable { control.room.madeDurable($0) }
        self.listeners.add { [log = self.log] in log.apply($0) }
        // What is configured waits in the room's queue when the server starts, so no client ever finds it empty.
        let link = LoopBound(self.link, to: loop)
        let isUp: @Sendable () -> Void = {
            if control.start() {
                loop.execute { link.take().ready() }
            }
        }
        self.listeners.add { _ in isUp() }
        let recovery = WorkerRoster.Recovery(
            memories: self.recovery.memories,
            workers: self.recovery.workers,
            bootID: Self.bootID(),
            unfinishedOperations: self.recovery.unfinishedOperations,
            survivors: self.survivors,
            isContinuation: self.link.welcome.starts > 1 || self.link.welcome.previousEnd != .none
                || !self.survivors.isEmpty,
            lastExits: self.recovery.lastExits,
            upgrade: WorkerRoster.UpgradeNews(self.link.welcome.upgrade)
        )
        let output = self.output
        let records = LoopBound(self.records, to: loop)
        let close: @Sendable () -> Void = {
            history.loop.execute {
                history.assumeIsolated { $0.close() }
                control.stop(afterTurns: ControlServer.farewellTurns) { loop.stop() }
            }
        }
        supervisor.assumeIsolated { running in
            running.begin(
                after: recovery,
                record: { records.take().submit($0) },
                shuttingDown: { link.take().shuttingDown() },
                upgrading: {
                    guard !link.take().isClosed else {
                        return supervisor.assumeIsolated { $0.upgradeRefused(Self.keeperless) }
                    }
                    link.take().requestUpgrade()
                },
                leaving: { records.take().finish(close) },
                ended: {
                    records.take().finish {
                        output.loop.execute { output.assumeIsolated { $0.close() } }
                        close()
                    }
                }
            )
        }
        // What they do of an end can wait until what follows it has begun.
        history.loop.start(inBackground: true)
        output.loop.start(inBackground: true)
        // A disk that hangs does not keep the control server from answering.
        loop.schedule(at: SuspendingClock.now.advanced(by: Self.longestOpening), isUp)
    }

    // MARK: The keeper

    private func heard(_ event: KeeperLink.Event) {
        switch event {
        case .exited(let run, let exit): self.kernel.adoptedRunEnded(run, exit)
        case .upgradeAnswer(let refusal?): self.supervisor.assumeIsolated { $0.upgradeRefused(refusal) }
        case .upgradeAnswer(nil): self.supervisor.assumeIsolated { $0.upgradeGranted() }
        case .upgraded:
            let link = LoopBound(self.link, to: self.loop)
            self.supervisor.assumeIsolated { $0.upgradeSucceeded { link.take().confirmUpgrade() } }
        case .delayed:
            self.log.logger.warning("the keeper does not read: should this agent die now, it knows less of the runs")
        case .caughtUp(let lost):
            let level: Logger.Level = lost > 0 ? .error : .notice
            self.log.logger.log(level: level, "the keeper knows the runs again", metadata: ["lost": "\(lost)"])
        case .closed:
            self.supervisor.assumeIsolated { $0.upgradeRefused(Self.keeperless) }
            self.keeperLost()
        }
    }

    private func shutDown(_ signal: Int32) {
        let name = Signal(signal).description
        self.supervisor.assumeIsolated { supervisor in
            _ = supervisor.submitAtOnce(
                OperationRequest(action: .shutdown, workers: [], requestedBy: "signal:\(name)")
            )
        }
    }

    static func bootID() -> String {
        (SmallFile.text("/proc/sys/kernel/random/boot_id") ?? "").filter { !$0.isWhitespace }
    }

    private func signalsCame() {
        let received = self.signals.drain()
        if received.contains(where: { $0.number == SIGCHLD }) {
            self.kernel.childrenChanged()
        }
        for signal in received {
            switch signal.number {
            case SIGTERM, SIGINT, SIGQUIT: self.shutDown(signal.number)
            case SIGHUP:
                self.log.logger.warning("SIGHUP does nothing: reload is not supported yet")
            case SIGUSR1, SIGUSR2, SIGALRM:
                self.log.logger.warning("a signal does nothing", metadata: ["signal": "\(Signal(signal.number))"])
            default: break
            }
        }
    }

    static func makeDirectories(_ agent: AgentSettings) throws(AgentStartFailure) {
        for (key, path) in [("state_dir", agent.stateDirectory), ("log_dir", agent.logDirectory)] {
            do throws(Errno) {
                try StateDirectory.make(path, mode: key == "state_dir" ? 0o700 : 0o755)
            } catch {
                let what = error.rawValue == EPERM ? "it belongs to another user" : "\(error)"
                throw AgentStartFailure(
                    "cannot use \(path): \(what); make it a directory of this user's or name another \(key)"
                )
            }
        }
    }

    private static func takeLock(in directory: String) throws(AgentStartFailure) {
        do throws(LockFile.Failure) {
            try LockFile(path: directory + "/agent.lock").keep()
        } catch {
            switch error {
            case .held(let pid):
                let who = pid.map { " (pid \($0))" } ?? ""
                throw AgentStartFailure(
                    "another agent\(who) is running with the state directory \(directory); "
                        + "stop it or name another state_dir"
                )
            case .notAFile:
                throw AgentStartFailure("cannot lock \(directory)/agent.lock: it is no regular file")
            case .cannotOpen(let error), .cannotLock(let error):
                throw AgentStartFailure("cannot lock \(directory)/agent.lock: \(error)")
            }
        }
    }
}

extension HistoryRetention {
    init(_ settings: HistorySettings) {
        self.init(
            age: settings.age,
            exits: settings.records,
            exitsPerWorker: settings.recordsPerWorker,
            size: settings.size
        )
    }
}
