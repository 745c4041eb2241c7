import Glibc
import Keeper
import LinuxSystem

/// A small agent: keeps a number of slots busy with runs that end by themselves, and records each exit before it is reaped.
final class TestAgent {
    private final class Run {
        let key: RunKey
        let slot: Int
        let isAdopted: Bool
        var process: PIDFD?
        var watch: EventLoop.Registration?

        init(key: RunKey, slot: Int, isAdopted: Bool) {
            self.key = key
            self.slot = slot
            self.isAdopted = isAdopted
        }
    }

    private let directory: String
    private let slots: Int
    private let loop: EventLoop
    private let link: KeeperLink
    private let spawner: Spawner
    private let signals: SignalFD
    private var recorded: Set<String>
    private var runs: [RunKey: Run] = [:]
    private var busy: Set<Int> = []
    private var isEnding: Bool
    private var isUpgrading = false

    static func run(directory: String, slots: Int) -> Never {
        Self.misbehaveAtTheBegin()
        do {
            let signals = try SignalFD(signals: [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2])
            let generation = Int64(Lines.read("\(directory)/agents").count + 1)
            let (link, runs) = try KeeperLink.connect(generation: generation)
            let welcome = link.welcome
            // Each agent leaves a byte more there than the one before.
            let transit = link.transit?.count ?? -1
            if let pipe = link.transit?.writeEnd {
                write(pipe, "x", 1)
            }
            // Read before it says that it is there: whoever waits for that may change it.
            let behaviour = SmallFile.text("\(directory)/behaviour") ?? ""
            Lines.append(
                "agent \(getpid()) starts=\(welcome.starts) shutdown=\(welcome.shutdownSignal)"
                    + " previous=\(welcome.previousEnd) upgrade=\(welcome.upgrade) runs=\(runs.count)"
                    + " files=\(Self.openFiles) transit=\(transit) behaviour=\(Program.behaviour(of: []))",
                to: "\(directory)/agents"
            )
            let agent = try TestAgent(directory, slots, link, signals)
            try agent.begin(runs, behaviour)
            _ = Unmanaged.passRetained(agent)
            agent.loop.run()
            exit(70)
        } catch {
            Lines.append("agent \(getpid()) failed \(error)", to: "\(directory)/agents")
            exit(71)
        }
    }

    private static var openFiles: UInt64 {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return UInt64(limit.rlim_cur)
    }

    private static func misbehaveAtTheBegin() {
        switch Program.behaviour(of: []) {
        case "exits at once": exit(5)
        case "crashes soon":
            usleep(100_000)
            kill(getpid(), SIGKILL)
        case "hangs": pause()
        default: break
        }
    }

    private init(_ directory: String, _ slots: Int, _ link: KeeperLink, _ signals: consuming SignalFD) throws(Errno) {
        self.directory = directory
        self.slots = slots
        self.link = link
        self.isEnding = link.welcome.shutdownSignal != 0
        self.signals = signals
        self.loop = try EventLoop(name: "test-agent")
        self.spawner = try Spawner()
        self.recorded = Set(
            Lines.read("\(directory)/exits").compactMap { $0.split(separator: " ").first.map(String.init) }
        )
    }

    private func begin(_ inherited: [CustodyRun], _ behaviour: String) throws(Errno) {
        try self.link.attach(to: self.loop) { [unowned self] event in self.heard(event) }
        _ = try self.loop.register(self.signals.descriptor, for: .readable) { [unowned self] _ in self.signalsCame() }
        for run in inherited {
            self.adopt(run)
        }
        self.link.ready()
        if self.isEnding {
            self.link.shuttingDown()
        }
        self.fill()
        switch behaviour {
        case "silent": pause()
        case "crash": kill(getpid(), SIGSEGV)
        default: break
        }
    }

    // MARK: Runs

    private func adopt(_ inherited: CustodyRun) {
        let key = inherited.announcement.run
        for pipe in inherited.pipes {
            close(pipe.descriptor)
        }
        inherited.process?.close()
        let run = Run(key: key, slot: Int(inherited.announcement.instance), isAdopted: true)
        if let exit = inherited.exit {
            return self.ended(run, exit)
        }
        self.runs[key] = run
        if !self.busy.insert(run.slot).inserted {
            Lines.append("two runs of slot \(run.slot)", to: "\(self.directory)/faults")
        }
        Lines.append("adopted \(key) \(run.slot) \(inherited.announcement.pid)", to: "\(self.directory)/adoptions")
    }

    private func fill() {
        if self.isEnding || self.isUpgrading {
            guard self.isEnding, self.runs.isEmpty, self.busy.isEmpty else { return }
            self.link.leave(code: 0)
            Lines.append("ended \(getpid())", to: "\(self.directory)/agents")
            exit(0)
        }
        for slot in 0..<self.slots where self.busy.insert(slot).inserted {
            self.start(slot)
        }
    }

    private func start(_ slot: Int) {
        let key = RunKey(high: .random(in: 0 ... .max), low: .random(in: 0 ... .max))
        let announcement = RunAnnouncement(
            run: key,
            worker: "w",
            instance: UInt32(slot),
            startedAt: WallClock.nanosecondsSinceEpoch,
            details: [UInt8](repeating: 7, count: 300)
        )
        let end = Bool.random() ? Int32.random(in: 0...255) : [-SIGKILL, -SIGTERM, -SIGUSR1][Int.random(in: 0..<3)]
        let request = SpawnRequest(
            executable: "/proc/self/exe",
            arguments: [
                "w", "worker", self.directory, "\(slot)", "\(key)", "\(Int.random(in: 0...250))", "\(end)",
            ],
            environment: [],
            announcement: self.link.announcement(of: announcement, descriptors: [])
        )
        let run = Run(key: key, slot: slot, isAdopted: false)
        let loop = self.loop
        // Only touched on the loop, where the closure below runs.
        nonisolated(unsafe) let agent = self
        // And this one too.
        nonisolated(unsafe) let started = run
        self.spawner.submit { lane in
            let result = Result { () throws(SpawnFailure) in try lane.spawn(request) }
            loop.execute { agent.spawned(started, result, announcement) }
        }
    }

    private func spawned(_ run: Run, _ result: Result<Spawned, SpawnFailure>, _ announcement: RunAnnouncement) {
        do {
            let spawned = try result.get()
            run.process = spawned.pidfd
            self.runs[run.key] = run
            if spawned.announcementError != nil {
                var announcement = announcement
                announcement.pid = spawned.pid
                self.link.announce(announcement, process: spawned.pidfd, descriptors: [])
            }
            self.link.ringSoon()
            run.watch = try self.loop.register(spawned.pidfd.descriptor, for: .readable) { [unowned self] _ in
                guard let exit = (try? run.process?.peek()) ?? nil else { return }
                self.ended(run, .ended(waitStatus: exit.waitStatus, usage: exit.usage))
            }
        } catch {
            Lines.append("cannot start \(run.slot): \(error)", to: "\(self.directory)/faults")
            self.link.forget(run.key)
            self.busy.remove(run.slot)
        }
    }

    private func ended(_ run: Run, _ exit: CustodyExit) {
        if self.recorded.insert("\(run.key)").inserted {
            switch exit {
            case .ended(let status, let usage):
                Lines.append(
                    "\(run.key) \(run.slot) \(status & ~0x80) \(usage == nil ? "no-usage" : "usage")",
                    to: "\(self.directory)/exits"
                )
            case .neverExecuted: break
            case .unknown: Lines.append("\(run.key) \(run.slot) unknown no-usage", to: "\(self.directory)/exits")
            }
        }
        self.runs[run.key] = nil
        self.busy.remove(run.slot)
        if run.isAdopted {
            self.link.committed(run.key)
        } else {
            if let watch = run.watch {
                self.loop.deregister(watch)
            }
            _ = try? run.process?.reap()
            run.process?.close()
            self.link.forget(run.key)
        }
        self.loop.schedule(at: .now) { [unowned self] in self.fill() }
    }

    /// A process that nobody is told of.
    private func startStranger() {
        let directory = self.directory
        self.spawner.submit { lane in
            let request = SpawnRequest(executable: "/bin/sleep", arguments: ["sleep", "1000"], environment: [])
            if let spawned = try? lane.spawn(request) {
                Lines.append("\(spawned.pid)", to: "\(directory)/stranger")
                spawned.pidfd.close()
            }
        }
    }

    // MARK: Events

    private func heard(_ event: KeeperLink.Event) {
        switch event {
        case .exited(let key, let exit):
            if let run = self.runs[key] {
                self.ended(run, exit)
            } else {
                Lines.append("an exit of a run that is not here: \(key)", to: "\(self.directory)/faults")
            }
        case .upgradeAnswer(let refusal):
            Lines.append("upgrade \(refusal ?? "can be")", to: "\(self.directory)/agents")
            guard refusal == nil else { return }
            self.link.leaveForUpgrade()
            exit(0)
        case .upgraded:
            // One that is killed before it has written it down anywhere else.
            if Program.behaviour(of: []) == "dies when told", Lines.read("\(self.directory)/told").isEmpty {
                Lines.append("told", to: "\(self.directory)/told")
                Lines.append("upgraded \(getpid())", to: "\(self.directory)/agents")
                kill(getpid(), SIGKILL)
            }
            self.link.confirmUpgrade()
            Lines.append("upgraded \(getpid())", to: "\(self.directory)/agents")
        case .delayed, .caughtUp: Lines.append("\(event)", to: "\(self.directory)/custody")
        case .closed: Lines.append("the keeper has gone", to: "\(self.directory)/agents")
        }
    }

    private func signalsCame() {
        for signal in (try? self.signals.drain()) ?? [] {
            Lines.append("signal \(getpid()) \(signal.number)", to: "\(self.directory)/agents")
            switch signal.number {
            case SIGTERM:
                self.isEnding = true
                self.link.shuttingDown()
                self.fill()
            case SIGUSR1: self.link.requestUpgrade()
            case SIGUSR2: self.startStranger()
            default: break
            }
        }
    }
}
