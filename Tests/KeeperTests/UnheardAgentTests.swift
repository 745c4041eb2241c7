import CLinux
import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import Keeper

/// What an agent had said when it died, and the keeper had not heard yet. Each test has a process of its own, because the
/// keeper in it becomes a subreaper and blocks signals.
@Suite(.serialized, .timeLimit(.minutes(10))) struct UnheardAgentTests {
    struct Fixture {
        let keeper: Keeper
        /// The keeper's end of the socket.
        let near: Int32
        let far: Int32

        init() throws {
            self.keeper = try Keeper(
                options: KeeperOptions(stateDirectory: nil, agentArguments: ["agent"]),
                executable: -1,
                lock: -1,
                limits: InheritedLimits(openFiles: 0, outOfMemoryScore: -2000),
                log: KeeperLog()
            )
            // It lives as long as its process.
            _ = Unmanaged.passRetained(self.keeper)
            var ends: [Int32] = [-1, -1]
            try #require(cl_seqpacket_pair(&ends) == 0)
            (self.near, self.far) = (ends[0], ends[1])
        }

        func announce(_ run: RunKey, pid: Int32) throws {
            let process = try PIDFD.open(pid: pid)
            let announcement = RunAnnouncement(run: run, pid: pid, worker: "w", instance: 0, startedAt: 0)
            let message = AgentMessage.announce(announcement)
            try #require(cl_send_message(self.far, message, UInt32(message.count), [process.descriptor], 1) == 0)
            process.close()
        }
    }

    @Test func everythingIsHeardOfAnAgentThatHadNotReadEverything() async {
        await #expect(processExitsWith: .success) {
            let fixture = try Fixture()
            for number in 1...3 {
                try fixture.announce(RunKey(high: 0, low: UInt64(number)), pid: getpid())
            }
            let message: [UInt8] = KeeperMessage.custodyEnd(0)
            try #require(cl_send_message(fixture.near, message, UInt32(message.count), [], 0) == 0)
            close(fixture.far)
            #expect(!fixture.keeper.receiveAll(from: fixture.near), "the end was not found")
            #expect(fixture.keeper.custody.count == 3)
        }
    }

    /// It is not woken by a process that tells of itself, but by the agent.
    @Test(arguments: [false, true]) func anAgentThatRingsIsNotHeardBefore(isResumed: Bool) async {
        await #expect(processExitsWith: .success) { [isResumed = isResumed as Bool] in
            let fixture = try Fixture()
            let keeper = fixture.keeper
            // Less than what a socket holds without privileges.
            keeper.messagesInATurn = 100
            let now = SuspendingClock.now
            let bell = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
            let process = try PIDFD.open(pid: getpid())
            if isResumed {
                // As after the replacement of the keeper's program.
                var state = Samples.state
                state.agent?.pid = getpid()
                state.agent?.pidfd = dup(process.descriptor)
                process.close()
                state.agent?.socket = fixture.near
                state.agent?.bell = dup(bell)
                state.runs = []
                keeper.resume(state)
            } else {
                keeper.agent = GuardedAgent(
                    pid: getpid(),
                    pidfd: process,
                    socket: fixture.near,
                    startedAt: now,
                    lastSign: now
                )
                keeper.watchAgent()
            }
            func say(_ message: [UInt8], _ descriptors: [Int32] = []) {
                let count = UInt32(descriptors.count)
                #expect(cl_send_message(fixture.far, message, UInt32(message.count), descriptors, count) == 0)
            }
            func announce(_ number: UInt64) {
                #expect(throws: Never.self) { try fixture.announce(RunKey(high: 0, low: number), pid: getpid()) }
            }
            func ring() {
                var one: UInt64 = 1
                #expect(write(bell, &one, 8) == 8)
            }
            // How many runs it knows a hundred turns after each of these.
            var steps: [(known: Int, after: () -> Void)] = [
                (1, { announce(1) }),
                (1, { say(AgentMessage.plain(.bell), [bell]) }),
                (1, { announce(2) }),
                (2, { ring() }),
                (2, { announce(3) }),
                (2, { announce(4) }),
                (4, { ring() }),
                // However much it is, it is rung for once.
                (
                    4,
                    {
                        for _ in 0..<(keeper.messagesInATurn + 8) {
                            say(AgentMessage.plain(.alive))
                        }
                    }
                ),
                (4, { announce(5) }),
                (5, { ring() }),
            ]
            if isResumed {
                steps[0...1] = [(0, { announce(1) }), (1, { ring() })]
            }
            var turns = 0
            keeper.loop.longestWait = { .microseconds(100) }
            keeper.loop.endOfTurn = {
                let (step, turn) = turns.quotientAndRemainder(dividingBy: 100)
                turns += 1
                guard turn == 0 else { return }
                if step > 0 {
                    #expect(keeper.custody.count == steps[step - 1].known, "after step \(step)")
                }
                step < steps.count ? steps[step].after() : keeper.loop.stop()
            }
            keeper.loop.run()
            // A sign of life that was not rung for is one.
            let before = try #require(keeper.agent?.lastSign)
            say(AgentMessage.plain(.alive))
            keeper.hearAll()
            #expect(keeper.agent.map { $0.lastSign > before } == true)
        }
    }

    /// The threads of an agent end one after the other, and its children fall to the keeper before its own end can be seen.
    @Test func aRunThatADyingAgentHadAnnouncedIsNoStranger() async {
        await #expect(processExitsWith: .success) {
            let fixture = try Fixture()
            let keeper = fixture.keeper
            #expect(try run(["/bin/sh", "-c", "sleep 1000 & sh -c 'exit 7' &"]).code == 0)
            let agent = try eventuallySome("an agent") {
                keeper.processes.orphans().first { ProcessEntry(pid: $0)?.command == "sleep" }
            }
            let child = try eventuallySome("the zombie of its run") {
                keeper.processes.orphans().first { ProcessEntry(pid: $0)?.isAlive == false }
            }
            keeper.agent = GuardedAgent(
                pid: agent,
                pidfd: try PIDFD.open(pid: agent),
                socket: fixture.near,
                startedAt: .now,
                lastSign: .now
            )
            try fixture.announce(Samples.run, pid: child)
            keeper.reapStrangers()
            #expect(ProcessEntry(pid: child)?.state == "Z")
            sendSignal(SIGKILL, to: agent)
            keeper.agent?.pidfd.close()
        }
    }

    /// A zombie that was announced, and whose announcement waits in the socket.
    ///
    /// - Parameter isAgentNamed: whether the kernel names the dead agent before its run; otherwise there is nothing but the
    ///   run's zombie to find.
    @Test(arguments: [true, false])
    func aRunThatADeadAgentHadAnnouncedIsNoStranger(isAgentNamed: Bool) async {
        await #expect(processExitsWith: .success) { [isAgentNamed] in
            let fixture = try Fixture()
            let keeper = fixture.keeper
            // An orphan too, so that both are children of the same thread: the kernel names them in the order in which they came.
            let script = "sh -c 'sh -c \"exit 7\" & exec sleep 1000' &"
            #expect(try run(["/bin/sh", "-c", script]).code == 0)
            let agent = try eventuallySome("an agent that has a run") {
                keeper.processes.orphans().first { ProcessEntry(pid: $0)?.command == "sleep" }
            }
            let process = try PIDFD.open(pid: agent)
            try process.send(SIGKILL)
            let child = try eventuallySome("the zombie of its run") {
                keeper.processes.orphans().first { $0 != agent && ProcessEntry(pid: $0)?.isAlive == false }
            }
            try eventually("its own zombie") { try process.peek() != nil }
            if !isAgentNamed {
                try process.reap()
            }
            keeper.agent = GuardedAgent(
                pid: agent,
                pidfd: process,
                socket: fixture.near,
                startedAt: .now,
                lastSign: .now
            )
            // Nothing is to follow.
            keeper.agent?.leaving = .ended(code: 0)
            try fixture.announce(Samples.run, pid: child)
            close(fixture.far)

            keeper.reapStrangers()
            keeper.agentEnded()
            let index = try #require(keeper.custody.index(of: Samples.run))
            guard case .ended(let status, let usage) = keeper.custody[index].exit else {
                Issue.record("the exit is \(String(describing: keeper.custody[index].exit))")
                return
            }
            // Of one that was reaped the kernel tells the status at most.
            #expect(status == 7 << 8 && usage != nil)
        }
    }
}
