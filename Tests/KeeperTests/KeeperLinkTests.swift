import CLinux
import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import Keeper

/// The agent's side, with a keeper that is played by the test.
@Suite(.serialized, .timeLimit(.minutes(1))) final class KeeperLinkTests {
    private let near: Int32
    private var far: Int32

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

    private func say(_ message: [UInt8], _ descriptors: [Int32] = []) throws {
        let count = UInt32(descriptors.count)
        try #require(cl_send_message(self.far, message, UInt32(message.count), descriptors, count) == 0)
    }

    /// What the agent said, and how many descriptors came with it.
    private func heard() -> (bytes: [UInt8], descriptors: Int)? {
        var buffer = [UInt8](repeating: 0, count: HandoverProtocol.maximumMessage)
        var received = cl_received()
        guard cl_receive_message(self.far, &buffer, UInt32(buffer.count), &received) == 1 else { return nil }
        let count = Int(received.descriptor_count)
        cl_close_received(&received)
        return (Array(buffer[..<Int(received.length)]), count)
    }

    private func connect() throws -> (link: KeeperLink, runs: [CustodyRun]) {
        try self.say(KeeperMessage.welcome(Samples.welcome))
        try self.say(KeeperMessage.custodyEnd(0))
        let connected = try KeeperLink.connect(descriptor: self.near, generation: 9)
        #expect(self.heard()?.bytes == AgentMessage.hello(9))
        return connected
    }

    /// Turns the loop until it has nothing more to do at once.
    private func turn(_ loop: EventLoop, while isWaiting: @escaping () -> Bool = { false }) {
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
        #expect(throws: KeeperLinkError.self) { try KeeperLink.connect(descriptor: self.near, generation: 1) }
        #expect(fcntl(self.near, F_GETFD) == -1)
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

    /// The eventfd of the message that the agent begins with, which belongs to the caller.
    private func bell() throws -> Int32 {
        var buffer = [UInt8](repeating: 0, count: HandoverProtocol.maximumMessage)
        var received = cl_received()
        try #require(cl_receive_message(self.far, &buffer, UInt32(buffer.count), &received) == 1)
        #expect(Array(buffer[..<Int(received.length)]) == AgentMessage.plain(.bell))
        return received.descriptors.0
    }

    /// How often it was rung since the last look.
    private func rings(_ bell: Int32) -> UInt64 {
        var count: UInt64 = 0
        return read(bell, &count, 8) == 8 ? count : 0
    }

    @Test func theBellRingsAMomentAfterSomethingWasSaid() throws {
        let loop = try EventLoop(name: "link")
        let (link, _) = try self.connect()
        try link.attach(to: loop) { _ in }
        let bell = try self.bell()
        defer { close(bell) }
        #expect(self.rings(bell) == 0)
        var count: UInt64 = 0
        var hasIntroduced = false
        self.turn(loop) {
            count += self.rings(bell)
            if count == 1, !hasIntroduced {
                // What a process says of itself, many together.
                for _ in 0..<10 {
                    link.ringSoon()
                }
                hasIntroduced = true
                #expect(self.rings(bell) == 0, "not at once")
            }
            return count < 2
        }
        #expect(count == 2)
        link.ready()
        link.forget(Samples.run)
        link.leave(code: 0)
        #expect(self.rings(bell) == 1, "nothing follows that could wait")
        link.detach()
    }

    /// Without privileges no more descriptors may be on their way than a process may have (unix(7)), and poll(2) does not wait for
    /// that.
    @Test func tooManyDescriptorsOnTheirWayPassWhenTheKeeperReads() async {
        await #expect(processExitsWith: .success) {
            var ends: [Int32] = [-1, -1]
            try #require(cl_seqpacket_pair(&ends) == 0)
            let far = ends[1]
            let messages: [[UInt8]] = [KeeperMessage.welcome(Samples.welcome), KeeperMessage.custodyEnd(0)]
            for message in messages {
                try #require(cl_send_message(far, message, UInt32(message.count), [], 0) == 0)
            }
            let loop = try EventLoop(name: "link")
            let (link, _) = try KeeperLink.connect(descriptor: ends[0], generation: 1)
            var delays = 0
            try link.attach(to: loop) { event in
                if case .delayed = event { delays += 1 }
            }
            var limit = rlimit(rlim_cur: 64, rlim_max: 64)
            try #require(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
            if geteuid() == 0 {
                try #require(setuid(65534) == 0)
            }
            let count = 40
            try SystemThread.start(name: "keeper") {
                var buffer = [UInt8](repeating: 0, count: HandoverProtocol.maximumMessage)
                var announcements = 0
                // Long after all the tries of somebody who does not wait.
                usleep(100_000)
                while announcements < count {
                    var received = cl_received()
                    if cl_receive_message(far, &buffer, UInt32(buffer.count), &received) == 1 {
                        announcements += received.descriptor_count == 9 ? 1 : 0
                        cl_close_received(&received)
                    } else {
                        usleep(1_000)
                    }
                }
                _exit(0)
            }
            let process = try PIDFD.open(pid: getpid())
            var announcement = RunAnnouncement(run: Samples.run, worker: "w", instance: 0, startedAt: 0)
            announcement.pipes = Array(repeating: .standardOutput, count: 8)
            for _ in 0..<count where delays == 0 {
                link.announce(announcement, process: process, descriptors: Array(repeating: far, count: 8))
            }
            #expect(delays == 1, "there was room for all")
            // The rest by the other way.
            let handover = Takeover.Handover(socket: ends[0])
            link.leave(code: 0)
            for _ in 0..<count {
                #expect(handover.announce(announcement, process: process, pipes: Array(repeating: far, count: 8)))
            }
            sleep(20)
            _exit(1)
        }
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

    @Test func theSignOfLifeComesByItself() throws {
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
            return signs < 5
        }
        #expect(signs >= 5)
        link.detach()
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
