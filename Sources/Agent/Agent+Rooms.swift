import Glibc
import History
import Keeper
import LinuxSystem
import Logging
import Output
import Supervision

/// How the rooms are made and told of each other.
extension Agent {
    static func connectToKeeper(
        _ generation: Int64
    ) throws(AgentStartFailure) -> (link: KeeperLink, runs: [CustodyRun]) {
        do throws(KeeperLinkError) {
            return try KeeperLink.connect(generation: generation)
        } catch {
            throw AgentStartFailure("\(error)")
        }
    }

    static func journal(_ stateDirectory: String, _ log: AgentLog) -> RunJournal? {
        let path = RunJournal.path(stateDirectory: stateDirectory)
        do throws(Errno) {
            let owner = RunJournal.owner(stateDirectory: stateDirectory, bootID: self.bootID())
            return try RunJournal(path: path, owner: owner)
        } catch {
            log.logger.warning(
                "cannot write the runs down: they are lost should agent and keeper die both",
                metadata: ["path": "\(path)", "error": "\(error)"]
            )
            return nil
        }
    }

    /// How the output tells that it needs the pipes of a run no longer. Nothing waits for that.
    static func releaser(_ custody: LoopBound<Custody>, _ loop: EventLoop) -> @Sendable (RunID) -> Void {
        { run in
            loop.execute(within: Self.patience) { custody.take().pipesClosed(run) }
        }
    }

    static func output(
        in directory: String,
        transit: TransitPipe?,
        log: AgentLog,
        released: @escaping @Sendable (RunID) -> Void
    ) throws(Errno) -> OutputRoom {
        let logger = log.logger
        let room = try OutputRoom(
            loop: EventLoop(name: "output"),
            directory: directory,
            transit: transit,
            notice: { notice in
                logger.log(
                    level: notice.isWarning ? .warning : .notice,
                    "output",
                    metadata: ["stream": "\(notice.stream.map { "\($0)" } ?? "-")", "what": "\(notice.message)"]
                )
            },
            released: released,
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

    static func history(
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

    static func committer(_ supervisor: Supervisor, _ loop: EventLoop) -> @Sendable ([RunID]) -> Void {
        { runs in
            loop.execute { supervisor.assumeIsolated { $0.committed(runs) } }
        }
    }
}

extension WorkerRoster.UpgradeNews {
    init(_ upgrade: KeeperWelcome.Upgrade) {
        switch upgrade {
        case .none: self = .none
        case .onTrial: self = .onTrial
        case .rolledBack(let reason): self = .rolledBack(reason: reason)
        }
    }
}
