import Configuration
import ControlAPI
import Glibc
import History
import LinuxSystem
import Logging
import Output
import Supervision

/// All rooms of the agent, wired together. Belongs to the main thread, which becomes the supervision loop's.
final class Agent {
    /// How long answers that were queued last may take to leave when the agent ends.
    private static let farewell = Duration.milliseconds(50)
    /// How long the first commit is waited for before requests are answered.
    private static let longestOpening = Duration.seconds(2)

    /// Those that mean something, and those that would end the agent and leave its workers behind.
    private static let signals = [
        SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGCHLD, SIGPIPE, SIGUSR1, SIGUSR2, SIGALRM,
    ]

    private let settings: Settings
    private let signals: SignalSource
    private let loop: EventLoop
    private let log: AgentLog
    private let kernel: LinuxKernel
    private let supervisor: Supervisor
    private let history: HistoryRoom
    private let output: OutputRoom
    private let capture: RunCapture
    private let recovery: HistoryRecovery
    private let listeners = Listeners()
    private let control: ControlServer

    /// Takes the lock, makes the rooms and listens; starts no worker.
    init(settings: Settings) throws(AgentStartFailure) {
        self.settings = settings
        // For clients that follow what happens; before anything is spawned, because children get what it was.
        DescriptorLimit.raise()
        let state = settings.agent.stateDirectory
        // The order matters: the lock is held before anything is touched that another agent could be using, and signals
        // are blocked before there are threads that could take them.
        try Self.makeDirectories(settings.agent)
        try Self.takeLock(in: state)
        let generation: Int64
        do throws(Errno) {
            self.signals = try SignalSource(Self.signals)
            try Subreaper.become()
            generation = try StateDirectory(path: state).nextGeneration()
        } catch {
            throw AgentStartFailure("cannot use the state directory \(state): \(error)")
        }
        let capabilities = Capabilities.detect()
        guard capabilities.pidfd, capabilities.pidfdSendSignal else {
            throw AgentStartFailure(
                "this system has no pidfds, without which no worker can be watched: "
                    + "Linux 5.4 or later is needed, and a seccomp filter that allows them"
            )
        }
        let controlLoop: EventLoop
        let historyLoop: EventLoop
        do throws(Errno) {
            self.loop = try EventLoop(name: "reeve")
            controlLoop = try EventLoop(name: "control")
            historyLoop = try EventLoop(name: "history")
            self.log = AgentLog(writer: try LogWriter())
            self.output = try Self.output(in: settings.agent.logDirectory, log: self.log)
            self.capture = RunCapture(room: self.output, workers: settings.workers)
            self.kernel = LinuxKernel(
                loop: self.loop,
                spawner: try Spawner(),
                environment: .ofThisProcess(),
                processes: try ProcessTable(),
                capture: self.capture
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
                directory: state,
                retention: HistoryRetention(settings.history),
                bootID: Self.bootID(),
                generation: generation
            ),
            telling: self.listeners,
            log: self.log,
            committed: Self.committer(self.supervisor, self.loop)
        )
        self.recovery = self.history.assumeIsolated { $0.begin() }
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
            log: self.log
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
        self.log.logger.notice(
            "starting",
            metadata: [
                "version": "\(Product.version)", "pid": "\(getpid())", "config": "\(self.settings.files.first ?? "")",
                "listening": "\(self.control.addresses.joined(separator: " "))",
            ]
        )
        self.begin(self.supervisor, self.control, self.history, self.loop)
        self.loop.run()
        self.log.logger.notice("ended")
        self.log.flush()
        return Int32(self.supervisor.assumeIsolated { $0.exitStatus })
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
        self.listeners.add { _ in control.start() }
        let recovery = WorkerRoster.Recovery(
            memories: self.recovery.memories,
            workers: self.recovery.workers,
            bootID: Self.bootID(),
            unfinishedOperations: self.recovery.unfinishedOperations,
            lastExits: self.recovery.lastExits
        )
        let output = self.output
        let records = LoopBound(
            RecordQueue(loop: loop, capture: self.capture) { history.submit($0) },
            to: loop
        )
        supervisor.assumeIsolated { supervisor in
            supervisor.begin(
                after: recovery,
                record: { records.take().submit($0) },
                ended: {
                    records.take().finish {
                        output.loop.execute { output.assumeIsolated { $0.close() } }
                        history.loop.execute {
                            history.assumeIsolated { $0.close() }
                            control.stop(after: Self.farewell) { loop.stop() }
                        }
                    }
                }
            )
        }
        history.loop.start()
        output.loop.start()
        // A disk that hangs does not keep the control server from answering.
        loop.schedule(at: SuspendingClock.now.advanced(by: Self.longestOpening)) { control.start() }
    }

    private static func output(in directory: String, log: AgentLog) throws(Errno) -> OutputRoom {
        let logger = log.logger
        let room = try OutputRoom(
            loop: EventLoop(name: "output"),
            directory: directory,
            notice: { notice in
                logger.log(
                    level: notice.isWarning ? .warning : .notice,
                    "output",
                    metadata: ["stream": "\(notice.stream)", "what": "\(notice.message)"]
                )
            },
            now: {
                Moment(
                    monotonic: SuspendingClock.now,
                    wall: Timestamp(nanosecondsSinceEpoch: WallClock.nanosecondsSinceEpoch)
                )
            }
        )
        let failure = room.assumeIsolated { room -> Errno? in
            do throws(Errno) {
                try room.begin()
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
        return room
    }

    private static func history(
        on loop: EventLoop,
        _ options: HistoryOptions,
        telling listeners: Listeners,
        log: AgentLog,
        committed: @escaping @Sendable ([RunID]) -> Void
    ) -> HistoryRoom {
        let logger = log.logger
        return HistoryRoom(
            loop: loop,
            options: options,
            handlers: HistoryHandlers(
                publish: { listeners.tell($0) },
                reap: committed,
                madeDurable: { listeners.tellDurable($0) },
                notice: { notice in
                    logger.log(
                        level: notice.isWarning ? .warning : .notice,
                        "history",
                        metadata: ["what": "\(notice.message)"]
                    )
                }
            ),
            now: {
                Moment(
                    monotonic: SuspendingClock.now,
                    wall: Timestamp(nanosecondsSinceEpoch: WallClock.nanosecondsSinceEpoch)
                )
            }
        )
    }

    private static func committer(_ supervisor: Supervisor, _ loop: EventLoop) -> @Sendable ([RunID]) -> Void {
        { runs in
            loop.execute { supervisor.assumeIsolated { $0.committed(runs) } }
        }
    }

    private static func bootID() -> String {
        (SmallFile.text("/proc/sys/kernel/random/boot_id") ?? "").filter { !$0.isWhitespace }
    }

    private func signalsCame() {
        let received = self.signals.drain()
        if received.contains(where: { $0.number == SIGCHLD }) {
            self.kernel.childrenChanged()
        }
        for signal in received {
            switch signal.number {
            case SIGTERM, SIGINT, SIGQUIT:
                let name = Signal(signal.number).description
                self.supervisor.assumeIsolated { supervisor in
                    _ = supervisor.submitAtOnce(
                        OperationRequest(action: .shutdown, workers: [], requestedBy: "signal:\(name)")
                    )
                }
            case SIGHUP:
                self.log.logger.warning("SIGHUP does nothing: reload is not supported yet")
            case SIGUSR1, SIGUSR2, SIGALRM:
                self.log.logger.warning("a signal does nothing", metadata: ["signal": "\(Signal(signal.number))"])
            default: break
            }
        }
    }

    private static func makeDirectories(_ agent: AgentSettings) throws(AgentStartFailure) {
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
