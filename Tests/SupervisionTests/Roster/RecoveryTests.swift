import Testing

@testable import Supervision

/// What an instance goes on with after the death of the agent, its orderly end, and a reboot.
@Suite
struct RecoveryTests {
    private static let web = InstanceID(worker: "web", index: 0)

    /// One life of the agent with one worker; what it remembers is handed to the next one.
    private struct Life {
        var roster: WorkerRoster
        var now: Moment
        var published: [Transition] = []
        var memory: InstanceMemory?
        var spawns: [RunID] = []
        var timer: MonotonicInstant?

        init(
            _ specification: WorkerSpecification,
            after memory: InstanceMemory? = nil,
            boot: String = "one",
            at now: Moment = .beginning,
            unfinished: [Operation] = []
        ) {
            self.roster = WorkerRoster(specifications: [specification], randomness: Randomness(seed: 1))
            self.now = now
            self.roster.begin(
                at: now,
                after: .init(
                    memories: memory.map { [$0] } ?? [],
                    bootID: boot,
                    unfinishedOperations: unfinished
                )
            )
            self.settle()
        }

        mutating func settle() {
            for effect in self.roster.takeEffects() {
                switch effect {
                case .spawn(_, let run): self.spawns.append(run)
                case .timer(.instance, let instant): self.timer = instant
                case .publish(let transition): self.published.append(transition)
                case .announce, .terminate, .kill, .signal, .timer, .upgrade, .ended: break
                }
            }
            self.memory = self.roster.takeMemories(at: self.now).last ?? self.memory
        }

        mutating func comeUp() {
            self.roster.spawned(RecoveryTests.web, self.spawns[self.spawns.count - 1], pid: 42, at: self.now)
            self.settle()
        }

        mutating func end(_ code: Int32) {
            let ended = InstanceStateMachine.Ended(status: WaitStatus(exitCode: code))
            self.roster.exited(RecoveryTests.web, self.spawns[self.spawns.count - 1], ended, at: self.now)
            self.settle()
        }

        mutating func ask(_ action: OperationAction, isPersistent: Bool = false) {
            var request = OperationRequest(action: action, workers: ["web"], requestedBy: "uid:0")
            request.isPersistent = isPersistent
            _ = self.roster.submit(request, at: self.now)
            self.settle()
        }

        var status: InstanceStatus? {
            self.roster.status(of: RecoveryTests.web)
        }

        var texts: [String] {
            self.published.compactMap { if case .instance(let change) = $0.change { change.text } else { nil } }
        }
    }

    @Test func whatAnOperatorStoppedStaysDown() throws {
        var first = Life(.web())
        first.comeUp()
        first.ask(.stop)
        let memory = try #require(first.memory)
        #expect(memory.isDecided && memory.desired == .down && !memory.isPersistent)
        let second = Life(.web(), after: memory)
        #expect(second.spawns.isEmpty)
        #expect(second.status?.state == .stopped && second.status?.desired == .down)
    }

    @Test func whatAnOperatorStartedComesUpWithoutAutostart() throws {
        let manual = WorkerSpecification.web { $0.autostart = false }
        var first = Life(manual)
        #expect(first.spawns.isEmpty)
        first.ask(.start)
        let second = Life(manual, after: first.memory)
        #expect(second.spawns.count == 1)
        #expect(second.status?.desired == .up)
    }

    @Test func aRebootForgetsADecisionAndSaysSo() throws {
        var first = Life(.web())
        first.ask(.stop)
        let second = Life(.web(), after: first.memory, boot: "two")
        #expect(second.spawns.count == 1)
        #expect(second.texts.contains { $0.contains("forgotten") })
        #expect(second.memory?.isDecided == false)
    }

    @Test func aPersistentDecisionOutlivesAReboot() throws {
        var first = Life(.web())
        first.ask(.stop, isPersistent: true)
        let second = Life(.web(), after: first.memory, boot: "two")
        #expect(second.spawns.isEmpty)
        #expect(second.memory?.isPersistent == true)
        let third = Life(.web(), after: second.memory, boot: "three")
        #expect(third.spawns.isEmpty)
    }

    @Test func aSecondStopMakesTheFirstPersistent() throws {
        var life = Life(.web())
        life.comeUp()
        life.ask(.stop)
        #expect(life.memory?.isPersistent == false)
        life.ask(.stop, isPersistent: true)
        #expect(life.memory?.isPersistent == true)
    }

    @Test func aShutdownDecidesNothing() throws {
        var first = Life(.web())
        first.comeUp()
        first.ask(.shutdown)
        first.end(0)
        #expect(first.status?.state == .stopped)
        let memory = try #require(first.memory)
        #expect(memory.desired == .up && !memory.isDecided)
        #expect(Life(.web(), after: memory).spawns.count == 1)
    }

    @Test func aBackoffGoesOnToItsEnd() throws {
        let specification = WorkerSpecification.web { $0.backoff.initial = .seconds(8) }
        var first = Life(specification)
        first.comeUp()
        first.end(1)
        first.comeUp()
        first.end(1)
        #expect(first.status?.state == .backoff)
        let later = Moment.beginning.later(by: .seconds(3))
        let second = Life(specification, after: first.memory, at: later)
        #expect(second.spawns.isEmpty)
        #expect(second.status?.state == .backoff)
        #expect(second.status?.consecutiveFailures == 2)
        #expect(second.timer == Moment.beginning.later(by: .seconds(8)).monotonic)
        let tooLate = Life(specification, after: first.memory, at: Moment.beginning.later(by: .seconds(9)))
        #expect(tooLate.spawns.count == 1)
    }

    @Test func aBackoffIsNeverLongerThanItsPolicyAllows() throws {
        let specification = WorkerSpecification.web { $0.backoff.initial = .seconds(8) }
        var first = Life(specification)
        first.comeUp()
        first.end(1)
        first.comeUp()
        first.end(1)
        // The wall clock was set back by a day in between.
        let back = Moment(
            monotonic: Moment.beginning.monotonic,
            wall: Moment.beginning.wall.advanced(by: .seconds(-86400))
        )
        let second = Life(specification, after: first.memory, at: back)
        let timer = try #require(second.timer)
        #expect(back.monotonic.duration(to: timer) <= specification.backoff.max)
    }

    @Test func anotherBootBeginsTheBackoffAnew() throws {
        let specification = WorkerSpecification.web { $0.backoff.initial = .seconds(8) }
        var first = Life(specification)
        first.comeUp()
        first.end(1)
        first.comeUp()
        first.end(1)
        let second = Life(specification, after: first.memory, boot: "two")
        #expect(second.spawns.count == 1)
        #expect(second.status?.consecutiveFailures == 0)
        #expect(second.status?.starts == 3 && second.status?.restarts == 1, "the totals go on")
    }

    @Test func aFinishedJobIsNotRunAgainAfterTheDeathOfTheAgent() throws {
        var first = Life(.web())
        first.comeUp()
        first.end(0)
        #expect(first.status?.state == .finished)
        let second = Life(.web(), after: first.memory)
        #expect(second.spawns.isEmpty)
        #expect(second.status?.state == .finished && second.status?.desired == .up)
        // A policy that wants it always up was written into the configuration meanwhile.
        #expect(Life(.web { $0.restart = .always }, after: first.memory).spawns.count == 1)
    }

    @Test func theRestartLimitCountsOn() throws {
        let specification = WorkerSpecification.web {
            $0.restartLimit = RestartLimit(restarts: 2, within: .seconds(600), retryAfter: nil)
        }
        var first = Life(specification)
        first.comeUp()
        first.end(1)
        #expect(first.memory?.recentRestarts.count == 1)
        var second = Life(specification, after: first.memory)
        #expect(second.memory?.recentRestarts.count == 1)
        second.comeUp()
        second.end(1)
        #expect(second.memory?.recentRestarts.count == 2)
        var third = Life(specification, after: second.memory)
        third.now = third.now.later(by: .seconds(60))
        third.roster.timeReached(.instance(Self.web), at: third.now)
        third.settle()
        third.comeUp()
        third.end(1)
        #expect(third.status?.state == .failed)
        let fourth = Life(specification, after: third.memory)
        #expect(fourth.spawns.isEmpty)
        #expect(fourth.status?.state == .failed && fourth.status?.desired == .up)
        // After the window it may restart again, but `failed` is only left when somebody asks.
        let late = Life(specification, after: third.memory, at: Moment.beginning.later(by: .seconds(3600)))
        #expect(late.status?.state == .failed)
    }

    @Test func aResetOfWhatHadFailedIsADecision() throws {
        let specification = WorkerSpecification.web { $0.restart = .never }
        var first = Life(specification)
        first.comeUp()
        first.end(1)
        #expect(first.status?.state == .failed)
        first.ask(.reset)
        let second = Life(specification, after: first.memory)
        #expect(second.spawns.isEmpty)
        #expect(second.status?.state == .stopped)
    }

    @Test func operationsThatWereUnderWayAreAborted() throws {
        var first = Life(.web())
        first.comeUp()
        first.ask(.restart)
        let operation = try #require(
            first.published.compactMap { if case .operation(let operation) = $0.change { operation } else { nil } }.last
        )
        #expect(operation.finishedAt == nil)
        let second = Life(.web(), after: first.memory, unfinished: [operation])
        let aborted = try #require(
            second.published.compactMap { if case .operation(let operation) = $0.change { operation } else { nil } }
                .first
        )
        #expect(aborted.id == operation.id)
        #expect(aborted.state == .aborted && aborted.finishedAt != nil && aborted.error != nil)
        #expect(aborted.instances.map(\.outcome) == [.aborted])
    }
}
