import CLinux
import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import Keeper

// What is said when, and when there is no room for it.
extension KeeperLinkTests {
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
            let isFull = Locked(false)
            try SystemThread.start(name: "keeper") {
                var buffer = [UInt8](repeating: 0, count: HandoverProtocol.maximumMessage)
                var announcements = 0
                while !isFull.withLock({ $0 }) { usleep(1_000) }
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
            isFull.withLock { $0 = true }
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

    /// As an agent does that announces what the journal of its predecessor has.
    @Test func whatWasSaidBeforeThereIsALoopArrivesToo() throws {
        let loop = try EventLoop(name: "link")
        let (link, _) = try self.connect()
        let count: UInt64 = 4000
        for number in 0..<count {
            link.forget(RunKey(high: 0, low: number))
        }
        try link.attach(to: loop) { _ in }
        var said: [UInt64] = []
        self.turn(loop) {
            while let heard = self.heard() {
                if case .forget(let run)? = try? agentMessage(heard.bytes) { said.append(run.low) }
            }
            return UInt64(said.count) < count
        }
        #expect(said.count == Int(count))
        #expect(said.elementsEqual(0..<count), "in their order")
        link.detach()
    }

    /// The keeper sleeps until it is rung for.
    @Test func anAgentThatLeavesRingsUntilAllIsSaid() throws {
        let loop = try EventLoop(name: "link")
        let (link, _) = try self.connect()
        var delays = 0
        try link.attach(to: loop) { event in
            if case .delayed = event { delays += 1 }
        }
        let bell = try self.bell()
        defer { close(bell) }
        var said: UInt64 = 0
        while delays == 0 {
            link.forget(RunKey(high: 0, low: said))
            said += 1
        }
        // More than the list has places for.
        for number in said..<(said + 5000) {
            link.forget(RunKey(high: 0, low: number))
        }
        let far = self.far
        let heard = Locked<[[UInt8]]>([])
        let ownBell = dup(bell)
        let ownSocket = dup(far)
        try SystemThread.start(name: "keeper") {
            var buffer = [UInt8](repeating: 0, count: HandoverProtocol.maximumMessage)
            while true {
                var count: UInt64 = 0
                guard read(ownBell, &count, 8) == 8 else {
                    usleep(1_000)
                    continue
                }
                var received = cl_received()
                while cl_receive_message(ownSocket, &buffer, UInt32(buffer.count), &received) == 1 {
                    cl_close_received(&received)
                    let bytes = Array(buffer[..<Int(received.length)])
                    heard.withLock { $0.append(bytes) }
                    guard bytes != AgentMessage.leaving(.ended(code: 0)) else {
                        close(ownBell)
                        close(ownSocket)
                        return
                    }
                }
            }
        }
        link.leave(code: 0)
        try eventually("the end is heard") {
            heard.withLock { $0.last } == AgentMessage.leaving(.ended(code: 0))
        }
        // The sign of life, what was said, what waited, and the end.
        #expect(heard.withLock { $0.count } == 1 + Int(said) - 1 + KeeperLink.maximumWaiting + 1)
        link.detach()
    }
}
