import CLinux
import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import Keeper

/// The agent's side, with a keeper that is played by the test.
@Suite(.serialized, .timeLimit(.minutes(10))) final class KeeperLinkTests {
    let near: Int32
    private(set) var far: Int32

    init() throws {
        var ends: [Int32] = [-1, -1]
        try #require(cl_seqpacket_pair(&ends) == 0)
        self.near = ends[0]
        self.far = ends[1]
    }

    deinit {
        self.leave()
    }

    private func leave() {
        if self.far >= 0 {
            close(self.far)
            self.far = -1
        }
    }

    func say(_ message: [UInt8], _ descriptors: [Int32] = []) throws {
        let count = UInt32(descriptors.count)
        try #require(cl_send_message(self.far, message, UInt32(message.count), descriptors, count) == 0)
    }

    /// What the agent said, and how many descriptors came with it.
    func heard() -> (bytes: [UInt8], descriptors: Int)? {
        var buffer = [UInt8](repeating: 0, count: HandoverProtocol.maximumMessage)
        var received = cl_received()
        guard cl_receive_message(self.far, &buffer, UInt32(buffer.count), &received) == 1 else { return nil }
        let count = Int(received.descriptor_count)
        cl_close_received(&received)
        return (Array(buffer[..<Int(received.length)]), count)
    }

    func connect() throws -> (link: KeeperLink, runs: [CustodyRun]) {
        try self.say(KeeperMessage.welcome(Samples.welcome))
        try self.say(KeeperMessage.custodyEnd(0))
        let connected = try KeeperLink.connect(descriptor: self.near, generation: 9)
        #expect(self.heard()?.bytes == AgentMessage.hello(9))
        return connected
    }

    /// Turns the loop until it has nothing more to do at once.
    func turn(_ loop: EventLoop, while isWaiting: @escaping () -> Bool = { false }) {
        let limit = SuspendingClock.now.advanced(by: .seconds(20))
        var turns = 0
        loop.endOfTurn = {
            turns += 1
            if turns > 3, !isWaiting() || SuspendingClock.now > limit {
                loop.stop()
            }
        }
        loop.longestWait = { .milliseconds(1) }
        loop.run()
    }

    @Test func itTakesOverWhatIsInCustody() throws {
        let process = try PIDFD.open(pid: getpid())
        let pipe = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { close(pipe) }
        let body = Array(AgentMessage.announce(Samples.announcement()).dropFirst(HandoverProtocol.headerLength))
        let custody = body.withUnsafeBytes {
            KeeperMessage.custody(exit: nil, isCommitted: false, hasProcess: true, pipeCount: 2, announcement: $0)
        }
        try self.say(KeeperMessage.welcome(Samples.welcome))
        try self.say(custody, [process.descriptor, pipe, pipe])
        // It ended while the list was on its way.
        try self.say(KeeperMessage.exited(Samples.announcement().run, .ended(waitStatus: 9, usage: nil)))
        try self.say(KeeperMessage.custodyEnd(1))
        process.close()
        let (link, runs) = try KeeperLink.connect(descriptor: self.near, generation: 1)
        #expect(link.welcome == Samples.welcome)
        try #require(runs.count == 1)
        #expect(runs[0].announcement == Samples.announcement())
        #expect(runs[0].exit == .ended(waitStatus: 9, usage: nil))
        #expect(runs[0].pipes.map(\.kind) == [.standardOutput, .standardError])
        #expect(runs[0].pipes.allSatisfy { fcntl($0.descriptor, F_GETFD) == FD_CLOEXEC })
        #expect(try runs[0].process?.send(0) == true)
        runs[0].process?.close()
        for pipe in runs[0].pipes {
            close(pipe.descriptor)
        }
    }

    @Test func thePipeForOutputOnItsWayIsTheKeepersToo() throws {
        let transit = try TransitPipe(capacity: 4096)
        try transit.write(note: "whose")
        try self.say(KeeperMessage.welcome(Samples.welcome))
        try self.say(KeeperMessage.transit(), transit.descriptors)
        try self.say(KeeperMessage.custodyEnd(0))
        let (link, _) = try KeeperLink.connect(descriptor: self.near, generation: 1)
        let received = try #require(link.transit)
        #expect(received.descriptors.allSatisfy { fcntl($0, F_GETFD) == FD_CLOEXEC })
        #expect(received.note == "whose")
        #expect(write(transit.writeEnd, "12345", 5) == 5)
        #expect(received.count == 5)
    }

    @Test func aNewerKeeperMaySayMoreInTheHandOver() throws {
        try self.say(KeeperMessage.welcome(Samples.welcome))
        try self.say(MessageWriter(type: 200).finish(), [0])
        try self.say(KeeperMessage.custodyEnd(0))
        let (link, _) = try KeeperLink.connect(descriptor: self.near, generation: 1)
        #expect(link.welcome == Samples.welcome)
        #expect(link.transit == nil)
    }

    @Test func whatIsNoKeeperIsRefused() {
        let file = open("/dev/null", O_RDWR | O_CLOEXEC)
        #expect(throws: KeeperLinkError.noKeeper) { try KeeperLink.connect(descriptor: file, generation: 1) }
        close(file)
        close(self.near)
    }

    @Test func aKeeperThatGoesDuringTheHandOverIsTold() throws {
        try self.say(KeeperMessage.welcome(Samples.welcome))
        self.leave()
        var status = stat()
        try #require(fstat(self.near, &status) == 0)
        let socket = status.st_ino
        #expect(throws: KeeperLinkError.self) { try KeeperLink.connect(descriptor: self.near, generation: 1) }
        // Another suite may have got the number by now.
        #expect(fstat(self.near, &status) != 0 || status.st_ino != socket)
    }

    @Test func aKeeperThatSpeaksOtherwiseIsRefused() throws {
        try self.say([1, 2, 3])
        #expect(throws: KeeperLinkError.refused(.noMessage)) {
            try KeeperLink.connect(descriptor: self.near, generation: 1)
        }
    }

    @Test func exitsAndAnswersAreDelivered() throws {
        let loop = try EventLoop(name: "link")
        let (link, _) = try self.connect()
        var events: [String] = []
        try link.attach(to: loop) { events.append("\($0)") }
        try self.say(KeeperMessage.exited(Samples.run, .neverExecuted))
        // From a keeper of another build.
        try self.say([0x72, 0x76, 1, 99, 0, 0, 0, 0])
        try self.say(KeeperMessage.upgradeAnswer("no"))
        self.turn(loop) { events.count < 2 }
        #expect(events.count == 2 && events[0].hasPrefix("exited") && events[1].hasPrefix("upgradeAnswer"))
        link.detach()
    }

    @Test func whatIsSaidArrivesInItsOrder() throws {
        let loop = try EventLoop(name: "link")
        let (link, _) = try self.connect()
        try link.attach(to: loop) { _ in }
        link.ready()
        let process = try PIDFD.open(pid: getpid())
        let announcement = RunAnnouncement(run: Samples.run, worker: "w", instance: 0, startedAt: 0)
        link.announce(announcement, process: process, descriptors: [])
        process.close()
        link.committed(Samples.run)
        link.forget(Samples.run)
        link.shuttingDown()
        link.leave(code: 3)
        let expected = [
            AgentMessage.plain(.bell), AgentMessage.plain(.alive), AgentMessage.plain(.ready),
            AgentMessage.announce(announcement),
            AgentMessage.committed(Samples.run), AgentMessage.forget(Samples.run), AgentMessage.plain(.shuttingDown),
            AgentMessage.leaving(.ended(code: 3)),
        ]
        for bytes in expected {
            let said = try #require(self.heard())
            #expect(said.bytes == bytes)
            let hasDescriptor = [AgentMessage.plain(.bell), AgentMessage.announce(announcement)].contains(bytes)
            #expect(said.descriptors == (hasDescriptor ? 1 : 0))
        }
        link.detach()
    }

    @Test func aKeeperThatDoesNotReadIsNotWaitedForAndCatchesUp() throws {
        let loop = try EventLoop(name: "link")
        let (link, _) = try self.connect()
        var delayed = 0
        var caughtUp: [Int] = []
        try link.attach(to: loop) { event in
            if case .delayed = event { delayed += 1 }
            if case .caughtUp(let lost) = event { caughtUp.append(lost) }
        }
        var count: UInt64 = 0
        while delayed == 0 {
            link.forget(RunKey(high: 0, low: count))
            count += 1
        }
        let process = try PIDFD.open(pid: getpid())
        let announcement = RunAnnouncement(run: Samples.run, worker: "w", instance: 0, startedAt: 0)
        link.announce(announcement, process: process, descriptors: [])
        process.close()
        for _ in 0..<10 {
            link.forget(RunKey(high: 0, low: count))
            count += 1
        }
        var said: [UInt64] = []
        var announcements = 0
        self.turn(loop) {
            while let heard = self.heard() {
                if case .forget(let run)? = try? agentMessage(heard.bytes) { said.append(run.low) }
                announcements += heard.bytes == AgentMessage.announce(announcement) ? heard.descriptors : 0
            }
            return UInt64(said.count) < count
        }
        #expect(said == Array(0..<count) && announcements == 1)
        #expect(delayed == 1 && caughtUp == [0])
        link.detach()
    }

    @Test func whatDoesNotFitIntoTheListIsCounted() throws {
        let loop = try EventLoop(name: "link")
        let (link, _) = try self.connect()
        var delayed = 0
        var lost: Int?
        try link.attach(to: loop) { event in
            if case .delayed = event { delayed += 1 }
            if case .caughtUp(let count) = event { lost = count }
        }
        while delayed == 0 {
            link.forget(Samples.run)
        }
        for _ in 0..<(KeeperLink.maximumWaiting + 6) {
            link.forget(Samples.run)
        }
        self.turn(loop) {
            while self.heard() != nil {}
            return lost == nil
        }
        // One waited when the list began.
        #expect(lost == 7)
        link.detach()
    }

    /// Also of an agent that says much else: the service manager's watchdog lives on it.
    @Test(arguments: [false, true]) func theSignOfLifeComesByItself(isChatty: Bool) throws {
        let loop = try EventLoop(name: "link")
        var welcome = Samples.welcome
        welcome.signIntervalMilliseconds = 10
        try self.say(KeeperMessage.welcome(welcome))
        try self.say(KeeperMessage.custodyEnd(0))
        let (link, _) = try KeeperLink.connect(descriptor: self.near, generation: 1)
        try link.attach(to: loop) { _ in }
        var signs = 0
        self.turn(loop) {
            while let heard = self.heard() {
                signs += heard.bytes == AgentMessage.plain(.alive) ? 1 : 0
            }
            if isChatty {
                link.forget(Samples.run)
            }
            return signs < 5
        }
        #expect(signs >= 5)
        link.detach()
    }

    /// Where this process has no descriptors left it can do without the pipe.
    @Test func aPipeThatWasLostOnItsWayIsNone() async {
        await #expect(processExitsWith: .success) {
            var ends: [Int32] = [-1, -1]
            try #require(cl_seqpacket_pair(&ends) == 0)
            let transit = try TransitPipe(capacity: 4096)
            let welcome: [UInt8] = KeeperMessage.welcome(Samples.welcome)
            let end: [UInt8] = KeeperMessage.custodyEnd(0)
            for (message, descriptors) in [(welcome, []), (KeeperMessage.transit(), transit.descriptors), (end, [])] {
                let count = UInt32(descriptors.count)
                try #require(cl_send_message(ends[1], message, UInt32(message.count), descriptors, count) == 0)
            }
            let first = dup(0)
            close(first)
            var limit = rlimit(rlim_cur: rlim_t(first) + 1, rlim_max: rlim_t(first) + 1)
            try #require(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
            let (link, _) = try KeeperLink.connect(descriptor: ends[0], generation: 1)
            #expect(link.transit == nil)
            // The test's own machinery may have a file open for a moment.
            try eventually("no descriptor was kept") {
                let again = dup(0)
                close(again)
                return (0...first).contains(again)
            }
        }
    }

    @Test func aKeeperThatIsGoneIsToldOnceAndTheAgentGoesOn() throws {
        let loop = try EventLoop(name: "link")
        let (link, _) = try self.connect()
        var closed = 0
        try link.attach(to: loop) { event in
            if case .closed = event { closed += 1 }
        }
        self.leave()
        self.turn(loop) { closed == 0 }
        #expect(closed == 1 && link.isClosed)
        link.forget(Samples.run)
        let announcement = RunAnnouncement(run: Samples.run, worker: "w", instance: 0, startedAt: 0)
        #expect(link.announcement(of: announcement, descriptors: []) == nil)
        #expect(closed == 1)
        link.detach()
    }
}
