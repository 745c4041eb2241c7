import CLinux
import Glibc
import LinuxSystem

/// Guards the agent: starts it, starts it again, inherits its workers meanwhile.
///
/// * The agent's processes become the keeper's children when the agent dies, because the keeper is a subreaper or PID 1. A
///   run in custody stays a zombie until the next agent says that its exit is recorded; whatever else ends is reaped.
/// * An agent ends on purpose when it said so before (`leaving`). Any other end is an accident, after which it is started
///   again, always from the file that was open from the begin: what lies on the disk by then may be half an upgrade.
/// * The one exception: an agent that ends by itself with an exit code before any agent was ever ready has told why it does
///   not start, and the keeper ends with that code.
/// * It does nothing while the agent is well but hear its sign of life.
final class Keeper {
    static let forwarded = [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2]
    /// Those that ask for the end.
    static let ending = [SIGTERM, SIGINT, SIGQUIT]
    /// Bytes: more than is in it at a time, also when they are spread over pages that are not full.
    private static let transitCapacity = 1 << 20

    let options: KeeperOptions
    let loop: EventLoop
    let log: KeeperLog
    let custody = CustodyTable()
    let processes: ProcessTable
    let notification: ServiceNotification?
    let arguments: CStrings
    let environment: CStrings
    let limits: InheritedLimits
    let buffer: UnsafeMutableRawBufferPointer
    let isInit: Bool
    private let signals: SignalFD

    /// The file of the binary that is trusted.
    var executable: Int32
    /// The one of the upgrade that is under way.
    var candidate: Int32?
    var agent: GuardedAgent?
    var restartDelay = RestartDelay()
    var starts: UInt32 = 0
    var wasEverReady = false
    /// The signal that asked for the end, 0 for none.
    var shutdownSignal: Int32 = 0
    var lostAnnouncements: UInt32 = 0
    var previousEnd = KeeperWelcome.PreviousEnd.none
    /// Told to each agent until one is ready.
    var upgradeNews = KeeperWelcome.Upgrade.none
    /// The new binary is trusted. The agent is told so when this process is replaced too, or stays as it is; and every agent
    /// after it, until one says that it has written that down.
    var isUpgradeUnconfirmed = false
    var silenceCheck: EventLoop.Deadline?
    var restart: EventLoop.Deadline?
    var trialEnd: EventLoop.Deadline?
    var retryTelling: EventLoop.Deadline?
    /// The process in which a new binary reads this one's state.
    var replacementCheck: Int32?
    var replacementWatch: EventLoop.Registration?
    /// Through which the agent moves much output; what is in it when it dies is for the next one.
    private(set) var transit: TransitPipe?
    /// Messages that are read before signals and ends have their turn, where the socket is watched.
    var messagesInATurn = 512
    /// keeper.lock, -1 without one.
    var lock: Int32
    private(set) var exitCode: Int32 = 0

    init(
        options: KeeperOptions,
        executable: Int32,
        lock: Int32,
        limits: InheritedLimits,
        transit: TransitPipe? = nil,
        log: KeeperLog
    ) throws(Errno) {
        self.options = options
        self.executable = executable
        self.lock = lock
        self.limits = limits
        self.log = log
        self.transit = transit
        do throws(Errno) {
            if transit == nil {
                self.transit = try TransitPipe(capacity: Self.transitCapacity)
            }
        } catch {
            // Only slower.
            log.write(.warning, "cannot make a pipe for output on its way", ["error": "\(error)"])
        }
        // SIGPIPE and SIGALRM only so that nobody ends the keeper with them.
        self.signals = try SignalFD(signals: Self.forwarded + [SIGCHLD, SIGPIPE, SIGALRM])
        self.loop = try EventLoop(name: "reeve-keeper")
        self.isInit = getpid() == 1
        if !self.isInit {
            try Subreaper.become()
        }
        self.processes = try ProcessTable()
        self.notification = ServiceNotification { name in getenv(name).map { String(cString: $0) } }
        self.arguments = CStrings(options.agentArguments)
        self.environment = CStrings(CStrings.environment(without: KeeperEnvironment.ownVariables))
        self.buffer = .allocate(byteCount: HandoverProtocol.maximumMessage, alignment: 16)
    }

    /// Guards until there is nothing more to guard; answers the exit code.
    func run(begin: (Keeper) -> Void) throws(Errno) -> Int32 {
        _ = try self.loop.register(self.signals.descriptor, for: .readable) { [unowned self] _ in self.signalsCame() }
        begin(self)
        // What ended before there was a watch.
        self.reapStrangers()
        self.loop.run()
        return self.exitCode
    }

    func finish(_ code: Int32) {
        self.notification?.stopping()
        self.log.write(.notice, "ended", ["code": "\(code)"])
        self.exitCode = code
        self.loop.stop()
    }

    // MARK: Signals

    private func signalsCame() {
        let received = (try? self.signals.drain()) ?? []
        for signal in received where Self.forwarded.contains(signal.number) {
            self.forward(signal.number)
        }
        // One record may stand for any number of ended children.
        self.reapStrangers()
    }

    private func forward(_ number: Int32) {
        if Self.ending.contains(number), self.shutdownSignal == 0 {
            self.shutdownSignal = number
            self.notification?.stopping()
        }
        guard let agent = self.agent else {
            self.log.write(.warning, "a signal came while there is no agent", ["signal": "\(number)"])
            if Self.ending.contains(number) {
                self.endWithoutAgent()
            }
            return
        }
        do throws(Errno) {
            try agent.pidfd.send(number)
            self.log.write(.info, "passed a signal on", ["signal": "\(number)", "pid": "\(agent.pid)"])
        } catch {
            self.log.write(.error, "cannot pass a signal on", ["signal": "\(number)", "error": "\(error)"])
        }
    }

    /// Told to end while it waits for the next start.
    private func endWithoutAgent() {
        guard self.custody.count > 0 else { return self.finish(0) }
        // There are runs to stop, which is the agent's part.
        self.startAgentNow()
    }

    // MARK: Strangers

    /// Ends the zombies that belong to nobody: what was reparented to this process and is in no custody.
    func reapStrangers() {
        while true {
            let pid = cl_peek_any()
            guard pid > 0 else { return }
            guard self.isStranger(pid) else { return self.reapStrangersBehindKeptZombies() }
            _ = cl_reap_pid(pid)
        }
    }

    /// The kernel names the same zombie again until it is reaped, so that those behind one that must wait are looked for one
    /// by one.
    private func reapStrangersBehindKeptZombies() {
        for pid in self.processes.orphans() where self.processes.stat(of: pid)?.hasEnded == true && self.isStranger(pid)
        {
            _ = cl_reap_pid(pid)
        }
    }

    /// Whether nobody looks at the end of this zombie.
    ///
    /// What waits in the agent's socket is heard before: a run announces itself before it becomes its program. That the agent
    /// lives says nothing, because its threads end one after the other, and their children come here before its own end shows.
    private func isStranger(_ pid: Int32) -> Bool {
        guard !self.isAwaited(pid) else { return false }
        self.hearAll()
        return !self.isAwaited(pid)
    }

    /// Whether somebody here looks at the end of this child.
    private func isAwaited(_ pid: Int32) -> Bool {
        pid == self.agent?.pid || pid == self.replacementCheck || self.custody.keeps(pid: pid)
    }
}
