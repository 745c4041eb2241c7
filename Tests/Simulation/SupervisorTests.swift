import History
import LinuxSystem
import Supervision
import Synchronization
import Testing

@testable import Agent

/// The shell on a simulated kernel: what it asks for, in which order, and what it tells.
@Suite
struct SupervisorTests {
    /// A supervisor whose loop never runs: the test's thread made it, so the test stands in for it.
    private struct World {
        let kernel = SimulatedKernel()
        let loop: EventLoop
        let supervisor: Supervisor
        let stream = Stream()

        init(_ workers: [WorkerSpecification]) throws {
            self.loop = try EventLoop(name: "simulated")
            self.supervisor = Supervisor(
                loop: self.loop,
                specifications: workers,
                randomness: Randomness(seed: 1),
                kernel: LoopBound(self.kernel, to: self.loop)
            )
            let stream = self.stream
            self.supervisor.assumeIsolated { supervisor in
                supervisor.begin(record: { stream.record($0) }, ended: { stream.end() })
            }
            self.endTurn()
        }

        /// Has what was decided recorded, as the shell does a moment after the turn, and its zombies reaped.
        func endTurn() {
            let stream = self.stream
            self.supervisor.assumeIsolated { supervisor in
                supervisor.tell()
                supervisor.committed(stream.takeCommitted())
            }
        }

        func submit(_ action: OperationAction, _ name: String, grace: Duration? = nil) -> OperationSubmission {
            var request = OperationRequest(action: action, workers: [name], requestedBy: "uid:0")
            request.grace = grace
            let complete = request
            let submission = self.supervisor.assumeIsolated { $0.submitAtOnce(complete) }
            self.endTurn()
            return submission
        }
    }

    /// Stands in for the history: gives numbers, and has all that it is given.
    private final class Stream: Sendable {
        private struct State {
            var transitions: [Transition] = []
            var memories: [InstanceID: InstanceMemory] = [:]
            var exits: Int64 = 0
            var committed: [RunID] = []
            var completions: [@Sendable (HistoryOutcome) -> Void] = []
            var hasEnded = false
        }

        private let state = Mutex(State())

        func takeCompletions() -> [@Sendable (HistoryOutcome) -> Void] {
            self.state.withLock { state in
                defer { state.completions = [] }
                return state.completions
            }
        }

        func record(_ submission: HistorySubmission) {
            self.state.withLock { state in
                for var transition in submission.transitions {
                    transition.id = Int64(state.transitions.count) + 1
                    if case .exit(var record) = transition.change {
                        state.exits += 1
                        record.seq = state.exits
                        state.committed.append(record.runID)
                        transition.change = .exit(record)
                    }
                    state.transitions.append(transition)
                }
                for memory in submission.memories {
                    state.memories[memory.id] = memory
                }
                if let completion = submission.completion {
                    state.completions.append(completion)
                }
            }
        }

        func takeCommitted() -> [RunID] {
            self.state.withLock { state in
                defer { state.committed = [] }
                return state.committed
            }
        }

        func memory(_ id: InstanceID) -> InstanceMemory? {
            self.state.withLock { $0.memories[id] }
        }

        func end() {
            self.state.withLock { $0.hasEnded = true }
        }

        var hasEnded: Bool { self.state.withLock { $0.hasEnded } }
        var transitions: [Transition] { self.state.withLock { $0.transitions } }

        var exits: [ExitRecord] {
            self.transitions.compactMap { if case .exit(let record) = $0.change { record } else { nil } }
        }

        func last(_ id: InstanceID) -> InstanceStatus? {
            for transition in self.transitions.reversed() {
                if case .instance(let change) = transition.change, change.status.id == id {
                    return change.status
                }
            }
            return nil
        }

        func operation(_ id: OperationID) -> Operation? {
            for transition in self.transitions.reversed() {
                if case .operation(let operation) = transition.change, operation.id == id {
                    return operation
                }
            }
            return nil
        }
    }

    private static let web = InstanceID(worker: "web", index: 0)

    private func web(_ change: (inout WorkerSpecification) -> Void = { _ in }) -> WorkerSpecification {
        var worker = WorkerSpecification(name: "web", command: ["/bin/web"])
        worker.backoff.jitter = 0
        change(&worker)
        return worker
    }

    @Test
    func aKilledWorkerIsStartedAgainBeforeItsExitIsCommitted() throws {
        let world = try World([self.web()])
        world.kernel.finishSpawn(Self.web)
        _ = world.kernel.takeCalls()
        world.kernel.end(Self.web, WaitStatus(signal: .kill))
        #expect(world.kernel.takeCalls() == ["spawn web.0"])
        #expect(world.stream.exits.isEmpty, "nothing is told at once")
        world.endTurn()
        let exit = try #require(world.stream.exits.first)
        #expect(exit.seq == 1)
        #expect(exit.cause == .killed)
        #expect(exit.waitStatus?.rawValue == 9)
    }

    @Test
    func whatIsLeftOfARunIsKilledBeforeAnotherFollows() throws {
        let world = try World([self.web()])
        world.kernel.finishSpawn(Self.web)
        _ = world.kernel.takeCalls()
        world.kernel.end(Self.web, WaitStatus(signal: .kill), leavesProcesses: true)
        world.endTurn()
        #expect(world.kernel.takeCalls() == ["kill web.0", "committed web.0"])
        #expect(world.stream.last(Self.web)?.state == .stopping)
        world.kernel.advance(by: .seconds(2))
        #expect(world.kernel.takeCalls() == ["kill web.0", "kill web.0"])
        world.kernel.clear(Self.web)
        #expect(world.kernel.takeCalls() == ["spawn web.0"])
    }

    @Test
    func exitsAreNumberedWithoutGapsInTheOrderOfTheStream() throws {
        let world = try World([self.web { $0.instances = 3 }])
        let ids = (0..<3).map { InstanceID(worker: "web", index: $0) }
        for id in ids {
            world.kernel.finishSpawn(id)
        }
        for id in ids.reversed() {
            world.kernel.end(id, WaitStatus(exitCode: 1))
        }
        world.endTurn()
        #expect(world.stream.exits.map(\.seq) == [1, 2, 3])
        #expect(world.stream.exits.map(\.instance) == ids.reversed())
        let numbers = world.stream.transitions.map(\.id)
        #expect(numbers == Array(1...Int64(numbers.count)))
    }

    @Test
    func aCrashLoopFollowsTheFormulaAndGivesUp() throws {
        let world = try World([self.web { $0.restartLimit = RestartLimit(restarts: 5, within: .seconds(600)) }])
        var waits: [Duration] = []
        for _ in 0..<6 {
            world.kernel.finishSpawn(Self.web)
            let before = world.kernel.time
            world.kernel.end(Self.web, WaitStatus(exitCode: 1))
            world.endTurn()
            if let instant = world.kernel.timers[.instance(Self.web)] {
                waits.append(before.duration(to: instant))
                world.kernel.advance(by: before.duration(to: instant))
            }
        }
        #expect(waits == [.milliseconds(100), .milliseconds(200), .milliseconds(400), .milliseconds(800)])
        #expect(world.stream.last(Self.web)?.state == .failed)
        #expect(world.stream.exits.last?.decision.action == .giveUp)
        _ = world.submit(.reset, "web")
        #expect(world.stream.last(Self.web)?.state == .stopped)
        _ = world.kernel.takeCalls()
        _ = world.submit(.start, "web")
        #expect(world.kernel.takeCalls() == ["spawn web.0"])
    }

    @Test
    func aStopIsEscalatedAfterItsGraceAndSaysSo() throws {
        let world = try World([self.web()])
        world.kernel.finishSpawn(Self.web)
        _ = world.kernel.takeCalls()
        guard case .accepted(let operation, let budget) = world.submit(.stop, "web", grace: .seconds(3)) else {
            Issue.record("a stop was refused")
            return
        }
        #expect(budget == .seconds(3))
        #expect(world.kernel.takeCalls() == ["terminate web.0 SIGTERM"])
        world.kernel.advance(by: .milliseconds(2999))
        #expect(world.kernel.takeCalls() == [])
        world.kernel.advance(by: .milliseconds(1))
        #expect(world.kernel.takeCalls() == ["kill web.0"])
        world.kernel.end(Self.web, WaitStatus(signal: .kill))
        world.endTurn()
        let exit = try #require(world.stream.exits.first)
        #expect(exit.cause == .stopTimeout && exit.escalated && exit.operationID == operation.id)
        let done = try #require(world.stream.operation(operation.id))
        #expect(done.state == .succeeded)
        #expect(done.instances[0].outcome == .stopped)
        let lines = done.instances[0].transcript.map(\.text)
        #expect(lines.first == "SIGTERM sent to 2 processes")
        #expect(lines.contains("SIGKILL sent to 1 process"))
    }

    @Test
    func aShutdownEndsWhenNothingIsLeft() throws {
        let world = try World([self.web(), WorkerSpecification(name: "job", command: ["/bin/job"])])
        world.kernel.finishSpawn(Self.web)
        let job = InstanceID(worker: "job", index: 0)
        world.kernel.finishSpawn(job)
        _ = world.kernel.takeCalls()
        _ = world.submit(.shutdown, "web")
        #expect(world.kernel.takeCalls() == ["terminate job.0 SIGTERM", "terminate web.0 SIGTERM"])
        world.kernel.end(Self.web, WaitStatus(signal: .terminate))
        #expect(!world.stream.hasEnded)
        world.kernel.end(job, WaitStatus(exitCode: 0), leavesProcesses: true)
        #expect(!world.stream.hasEnded, "a process of the job is left")
        world.kernel.clear(job)
        #expect(world.stream.hasEnded)
        #expect(world.submit(.start, "web") == .busy("the agent is ending"))
    }

    /// The keeper tells the next agent of the upgrade unless its end is on the disk, which may take its time.
    @Test(arguments: [0, 2])
    func theEndOfAnUpgradeIsConfirmedWhenItIsCommitted(failures: Int) throws {
        let world = try World([self.web()])
        let isConfirmed = Locked(false)
        world.supervisor.assumeIsolated { supervisor in
            supervisor.upgradeSucceeded { isConfirmed.withLock { $0 = true } }
        }
        var asked = 0
        let end = SuspendingClock.now.advanced(by: .seconds(20))
        world.loop.longestWait = { .milliseconds(1) }
        world.loop.endOfTurn = {
            for completion in world.stream.takeCompletions() {
                #expect(!isConfirmed.withLock { $0 })
                completion(asked < failures ? .waiting(reason: "the disk is full") : .committed)
                asked += 1
            }
            if isConfirmed.withLock({ $0 }) || SuspendingClock.now > end {
                world.loop.stop()
            }
        }
        world.loop.run()
        #expect(isConfirmed.withLock { $0 })
        #expect(asked == failures + 1)
    }

    @Test
    func aProgramThatCannotBeExecutedIsGivenUpAndAnotherErrorIsNot() throws {
        let world = try World([self.web()])
        world.kernel.failSpawn(Self.web, "EAGAIN")
        world.kernel.failSpawn(Self.web, "EMFILE")
        world.endTurn()
        #expect(world.stream.last(Self.web)?.state == .backoff)
        world.kernel.advance(by: .milliseconds(100))
        world.kernel.failSpawn(Self.web, "ENOENT")
        world.endTurn()
        #expect(world.stream.last(Self.web)?.state == .failed)
        #expect(world.stream.exits.map(\.decision.action) == [.restart, .restart, .giveUp])
        #expect(world.stream.exits.allSatisfy { $0.outcome == .notStarted && $0.cause == .execFailed })
    }
}
