internal import CLinux
internal import Glibc
public import LinuxSystem

/// The agent's side of the hand-over. Belongs to one event loop; nothing here waits for the keeper but `connect`.
///
/// When the keeper does not read, what is to be said waits in a bounded list and custody is degraded, which is told once each
/// time. When the keeper is gone, everything said goes nowhere, and the agent can go on without it.
public final class KeeperLink {
    /// The descriptor under which an agent finds the socket.
    public static let inheritedDescriptor: Int32 = 3
    /// How many messages wait for a keeper that does not read; beyond it they are lost.
    public static let maximumWaiting = 4096
    /// How long `connect` waits for the next message.
    private static let patience: Int32 = 10_000
    /// How long the keeper may be left unaware of what was said: a process that tells of itself needs the processor itself, and many
    /// that start at once are heard together.
    private static let ringingDelay = Duration.milliseconds(1)

    /// What is told of the link, on its loop.
    public enum Event: Sendable {
        /// An adopted run ended. It stays a zombie until `committed`.
        case exited(RunKey, CustodyExit)
        /// The answer to `requestUpgrade`: why it cannot be, or `nil` when the agent may leave.
        case upgradeAnswer(refusal: String?)
        /// The trial of this agent's binary is over, and it is trusted. Told to every agent until `confirmUpgrade`.
        case upgraded
        /// Custody is degraded: the keeper does not read, and what it must know waits.
        case delayed
        /// It knows everything again, but for so many messages that were lost.
        case caughtUp(lost: Int)
        /// The keeper has gone.
        case closed
    }

    private struct Waiting {
        var message: [UInt8]
        /// Duplicates, which are closed once they are sent.
        var descriptors: [Int32]
    }

    public let welcome: KeeperWelcome
    /// The pipe for output on its way into a file, which the keeper holds too; `nil` when it has none.
    public let transit: TransitPipe?
    private let socket: Int32
    private var loop: EventLoop?
    private var watch: EventLoop.Registration?
    private var deliver: ((Event) -> Void)?
    private var sign: EventLoop.Deadline?
    /// Written when there is something to hear; -1 when there was none to be had, and the keeper watches the socket.
    private var bell: Int32 = -1
    private var ringing: EventLoop.Deadline?
    private var waiting: [Waiting] = []
    private var lost = 0
    public private(set) var isClosed = false

    private init(socket: Int32, welcome: KeeperWelcome, transit: TransitPipe?) {
        self.socket = socket
        self.welcome = welcome
        self.transit = transit
    }

    deinit {
        precondition(self.watch == nil, "a link to the keeper was dropped while it is watched")
        Glibc.close(self.socket)
        if self.bell >= 0 {
            Glibc.close(self.bell)
        }
    }

    // MARK: Begin

    /// Says hello and takes over what the keeper holds. Waits for that, so it belongs to the agent's start. The descriptor is
    /// the link's from then on, whatever comes of it.
    public static func connect(
        descriptor: Int32 = KeeperLink.inheritedDescriptor,
        generation: Int64
    ) throws(KeeperLinkError) -> (link: KeeperLink, runs: [CustodyRun]) {
        guard cl_is_seqpacket(descriptor) == 1 else { throw .noKeeper }
        _ = cl_set_close_on_exec(descriptor, 1)
        var reader = CustodyReader(socket: descriptor)
        do throws(KeeperLinkError) {
            let hello = AgentMessage.hello(generation)
            guard cl_send_message(descriptor, hello, UInt32(hello.count), nil, 0) == 0 else {
                throw .system(Errno.current)
            }
            let welcome = try reader.read(waiting: Self.patience)
            return (KeeperLink(socket: descriptor, welcome: welcome, transit: reader.transit), reader.runs)
        } catch {
            reader.abandon()
            Glibc.close(descriptor)
            throw error
        }
    }

    /// From now on events are delivered and signs of life given. Once, on the loop.
    public func attach(to loop: EventLoop, deliver: @escaping (Event) -> Void) throws(Errno) {
        precondition(self.loop == nil, "a link has one loop")
        self.loop = loop
        self.deliver = deliver
        // What was said before may wait for room.
        let events: EventLoop.Events = self.waiting.isEmpty ? .readable : [.readable, .writable]
        self.watch = try loop.register(self.socket, for: events) { [unowned self] events in self.ready(events) }
        self.hangBell()
        self.say(AgentMessage.plain(.alive))
        self.scheduleSign()
    }

    /// Without one, the keeper is woken by everything that is said.
    private func hangBell() {
        let number = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        guard number >= 0 else { return }
        if self.send(AgentMessage.plain(.bell), [number]) {
            self.bell = number
        } else {
            Glibc.close(number)
        }
    }

    /// Ends the watch, so that the link may go.
    public func detach() {
        if let watch = self.watch {
            self.loop?.deregister(watch)
            self.watch = nil
        }
        if let sign = self.sign {
            self.loop?.cancel(sign)
            self.sign = nil
        }
        if self.ringing != nil {
            self.ring()
        }
    }

    private func scheduleSign() {
        let interval = Duration.milliseconds(Int64(self.welcome.signIntervalMilliseconds))
        // Also when much else is said: the service manager's watchdog lives on it.
        self.sign = self.loop?.schedule(at: .now.advanced(by: interval)) { [unowned self] in
            self.sign = nil
            self.say(AgentMessage.plain(.alive))
            // One wake-up is enough.
            self.ring()
            if !self.isClosed {
                self.scheduleSign()
            }
        }
    }

    // MARK: Runs

    /// Puts together what children say of themselves, on whatever thread creates them. It is good for as long as the link is.
    public struct Announcer: Sendable {
        let socket: Int32

        /// What the child that becomes the run is to say between clone and exec.
        ///
        /// - Parameter descriptors: those of `announcement.pipes`; they stay the caller's.
        public func announcement(of announcement: RunAnnouncement, descriptors: [Int32]) -> SpawnAnnouncement {
            precondition(descriptors.count == announcement.pipes.count, "an announcement of other descriptors")
            return SpawnAnnouncement(
                socket: self.socket,
                message: AgentMessage.announce(announcement),
                pidOffset: HandoverProtocol.pidOffset,
                descriptors: descriptors
            )
        }
    }

    /// `nil` when nobody is there to hear it.
    public var announcer: Announcer? {
        self.isClosed ? nil : Announcer(socket: self.socket)
    }

    /// What the child that becomes the run is to say between clone and exec; `nil` when nobody is there to hear it.
    ///
    /// - Parameter descriptors: those of `announcement.pipes`; they stay the caller's.
    public func announcement(of announcement: RunAnnouncement, descriptors: [Int32]) -> SpawnAnnouncement? {
        self.announcer?.announcement(of: announcement, descriptors: descriptors)
    }

    /// Says in the child's place what it could not say (`Spawned.announcementError`).
    public func announce(_ announcement: RunAnnouncement, process: PIDFD, descriptors: [Int32]) {
        precondition(descriptors.count == announcement.pipes.count, "an announcement of other descriptors")
        self.say(AgentMessage.announce(announcement), [process.descriptor] + descriptors)
    }

    /// What is to be known of a run that was announced is something else now; its descriptors stay as they are.
    public func update(_ announcement: RunAnnouncement) {
        self.say(AgentMessage.update(announcement))
    }

    /// The exit of a run is recorded: the keeper may reap an adopted one, and keeps nothing but its pipes.
    public func committed(_ run: RunKey) {
        self.say(AgentMessage.committed(run))
    }

    /// Nothing of the run is needed any more.
    public func forget(_ run: RunKey) {
        self.say(AgentMessage.forget(run))
    }

    // MARK: The agent itself

    /// The agent is up: everything is recovered, and it answers.
    public func ready() {
        self.say(AgentMessage.plain(.ready))
    }

    public func reloading() {
        self.say(AgentMessage.plain(.reloading))
    }

    /// From now on an agent that dies comes back in its shutdown.
    public func shuttingDown() {
        self.say(AgentMessage.plain(.shuttingDown))
    }

    /// Asks for the binary on the disk; `upgradeAnswer` follows.
    public func requestUpgrade() {
        self.say(AgentMessage.plain(.upgradeRequest))
    }

    /// What became of the upgrade is recorded: no other agent has to be told.
    public func confirmUpgrade() {
        self.say(AgentMessage.plain(.upgradeConfirmed))
    }

    /// The agent is about to end on purpose; the keeper ends with the same code. Waits for a keeper that does not read, two
    /// seconds at most, because nothing follows that could wait.
    public func leave(code: UInt8) {
        self.say(AgentMessage.leaving(.ended(code: code)), isLast: true)
        self.flush()
    }

    /// The agent is about to end so that the new binary takes its place.
    public func leaveForUpgrade() {
        self.say(AgentMessage.leaving(.replaced), isLast: true)
        self.flush()
    }

    private func flush() {
        self.ring()
        for _ in 0..<200 where !self.waiting.isEmpty && !self.isClosed {
            // Not poll(2), which knows nothing of too many descriptors on their way.
            usleep(10_000)
            self.sayWaiting()
            self.ring()
        }
    }

    // MARK: Saying

    /// Lets the keeper hear, a moment later, what processes have said of themselves. What the agent itself says it hears anyway.
    public func ringSoon() {
        guard self.bell >= 0, self.ringing == nil, let loop = self.loop else { return }
        self.ringing = loop.schedule(at: .now.advanced(by: Self.ringingDelay)) { [unowned self] in self.ring() }
    }

    private func ring() {
        if let ringing = self.ringing {
            self.loop?.cancel(ringing)
            self.ringing = nil
        }
        var one: UInt64 = 1
        if self.bell >= 0 {
            // EAGAIN only after more rings than there will ever be.
            _ = write(self.bell, &one, MemoryLayout.size(ofValue: one))
        }
    }

    /// - Parameter isLast: nothing follows, so that it has its place in the list in any case.
    private func say(_ message: [UInt8], _ descriptors: [Int32] = [], isLast: Bool = false) {
        guard !self.isClosed else { return }
        self.ringSoon()
        guard self.waiting.isEmpty else { return self.wait(message, descriptors, isLast: isLast) }
        guard !self.send(message, descriptors), !self.isClosed else { return }
        self.wait(message, descriptors, isLast: isLast)
        self.deliver?(.delayed)
        self.watchForRoom(true)
    }

    /// In order after what waits already.
    private func wait(_ message: [UInt8], _ descriptors: [Int32], isLast: Bool) {
        guard self.waiting.count < Self.maximumWaiting || isLast else {
            self.lost += 1
            return
        }
        // The caller may close its own before there is room.
        let duplicates = descriptors.map { cl_duplicate($0) }
        guard duplicates.allSatisfy({ $0 >= 0 }) else {
            for duplicate in duplicates where duplicate >= 0 {
                Glibc.close(duplicate)
            }
            self.lost += 1
            return
        }
        self.waiting.append(Waiting(message: message, descriptors: duplicates))
    }

    private func sayWaiting() {
        var count = 0
        while count < self.waiting.count, self.send(self.waiting[count].message, self.waiting[count].descriptors) {
            self.closeAll(self.waiting[count].descriptors)
            count += 1
        }
        self.waiting.removeFirst(min(count, self.waiting.count))
        self.ringSoon()
        guard self.waiting.isEmpty, !self.isClosed else { return }
        self.watchForRoom(false)
        self.deliver?(.caughtUp(lost: self.lost))
        self.lost = 0
    }

    /// `false` when there is no room now, or nobody at the other end.
    private func send(_ message: [UInt8], _ descriptors: [Int32]) -> Bool {
        guard cl_send_message(self.socket, message, UInt32(message.count), descriptors, UInt32(descriptors.count)) != 0
        else { return true }
        let error = Errno.current.rawValue
        if error == EPIPE || error == ECONNRESET {
            self.close()
        }
        // ETOOMANYREFS and ENOBUFS pass as EAGAIN does, when the keeper has read.
        return false
    }

    private func watchForRoom(_ isWanted: Bool) {
        guard let watch = self.watch else { return }
        try? self.loop?.modify(watch, for: isWanted ? [.readable, .writable] : .readable)
    }

    private func close() {
        guard !self.isClosed else { return }
        self.isClosed = true
        for waiting in self.waiting {
            self.closeAll(waiting.descriptors)
        }
        self.waiting = []
        self.detach()
        self.deliver?(.closed)
    }

    private func closeAll(_ descriptors: [Int32]) {
        for descriptor in descriptors {
            Glibc.close(descriptor)
        }
    }

    // MARK: Hearing

    private func ready(_ events: EventLoop.Events) {
        if events.contains(.writable) {
            self.sayWaiting()
        }
        var reader = CustodyReader(socket: self.socket)
        while !self.isClosed {
            do throws(KeeperLinkError) {
                guard let message = try reader.next() else { return }
                self.heard(message)
            } catch {
                guard case .refused = error else { return self.close() }
                // A keeper of another build; what it means by it is no matter of life and death.
            }
        }
    }

    private func heard(_ message: KeeperMessage) {
        switch message {
        case .exited(let run, let exit): self.deliver?(.exited(run, exit))
        case .upgradeAnswer(let refusal): self.deliver?(.upgradeAnswer(refusal: refusal))
        case .upgradeDone: self.deliver?(.upgraded)
        case .welcome, .transit, .custody, .custodyEnd: break
        }
    }
}
