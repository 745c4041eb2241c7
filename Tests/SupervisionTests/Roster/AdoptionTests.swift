import Testing

@testable import Supervision

/// Runs that outlive the agent, at every point of their lives.
@Suite
struct AdoptionTests {
    private static let web = InstanceID(worker: "web", index: 0)

    /// One life of the agent. Somebody outlives it who holds the notes of all runs and what became of them.
    private struct Life {
        var roster: WorkerRoster
        var now: Moment
        var published: [Transition] = []
        var effects: [Effect] = []
        var memory: InstanceMemory?
        var notes: [RunID: RunNote] = [:]
        var order: [RunID] = []
        var nextPID: Int32 = 100

        init(
            _ specification: WorkerSpecification = .web(),
            after before: Life? = nil,
            memory: InstanceMemory? = nil,
            _ conditions: [(RunID, SurvivingRun.Condition)] = [],
            isContinuation: Bool = true
        ) {
            self.roster = WorkerRoster(
                specifications: [specification],
                randomness: Randomness(seed: before == nil ? 1 : 2)
            )
            self.roster.announcesRuns = true
            self.now = before?.now.later(by: .milliseconds(100)) ?? .beginning
            self.notes = before?.notes ?? [:]
            let survivors = conditions.compactMap { run, condition in
                self.notes[run].map {
                    SurvivingRun(note: $0, pid: condition == .notStarted ? nil : 42, condition: condition)
                }
            }
            self.roster.begin(
                at: self.now,
                after: .init(
                    memories: (memory ?? before?.memory).map { [$0] } ?? [],
                    bootID: "one",
                    unfinishedOperations: before?.unfinished ?? [],
                    survivors: survivors,
                    isContinuation: isContinuation
                )
            )
            self.settle()
        }

        mutating func settle() {
            for effect in self.roster.takeEffects() {
                switch effect {
                case .announce(let note):
                    if self.notes.updateValue(note, forKey: note.runID) == nil {
                        self.order.append(note.runID)
                    }
                case .publish(let transition): self.published.append(transition)
                case .timer, .upgrade: break
                case .spawn, .terminate, .kill, .signal, .ended: self.effects.append(effect)
                }
            }
            self.memory = self.roster.takeMemories(at: self.now).last ?? self.memory
        }

        var run: RunID { self.order[self.order.count - 1] }

        @discardableResult
        mutating func comeUp() -> RunID {
            self.roster.spawned(AdoptionTests.web, self.run, pid: 42, at: self.now)
            self.settle()
            return self.run
        }

        mutating func end(_ status: WaitStatus, of run: RunID? = nil) {
            // The ids of runs tell which was first.
            self.now = self.now.later(by: .microseconds(1))
            self.roster.exited(AdoptionTests.web, run ?? self.run, .init(status: status), at: self.now)
            self.settle()
        }

        mutating func ask(_ action: OperationAction) {
            _ = self.roster.submit(
                OperationRequest(action: action, workers: ["web"], requestedBy: "uid:7"),
                at: self.now
            )
            self.settle()
        }

        mutating func takeEffects() -> [Effect] {
            defer { self.effects = [] }
            return self.effects
        }

        var status: InstanceStatus? { self.roster.status(of: AdoptionTests.web) }

        var exits: [ExitRecord] {
            self.published.compactMap { if case .exit(let record) = $0.change { record } else { nil } }
        }

        var operations: [Operation] {
            self.published.compactMap { if case .operation(let operation) = $0.change { operation } else { nil } }
        }

        var unfinished: [Operation] {
            var latest: [OperationID: Operation] = [:]
            for operation in self.operations {
                latest[operation.id] = operation
            }
            return latest.values.filter { $0.finishedAt == nil }
        }
    }

    private static func ended(_ status: WaitStatus) -> SurvivingRun.Condition {
        .ended(.init(status: status, oom: .no))
    }

    @Test func aRunIsAnnouncedBeforeItIsCreated() throws {
        var roster = WorkerRoster(specifications: [.web()], randomness: Randomness(seed: 1))
        roster.announcesRuns = true
        roster.begin(at: .beginning)
        let effects = roster.takeEffects()
        let announced = try #require(effects.firstIndex { if case .announce = $0 { true } else { false } })
        let spawned = try #require(effects.firstIndex { if case .spawn = $0 { true } else { false } })
        #expect(announced < spawned)
    }

    @Test func aRunThatLivesIsGoneOnWith() throws {
        var first = Life()
        let run = first.comeUp()
        let before = try #require(first.status)
        var second = Life(after: first, [(run, .alive)])
        #expect(second.effects.isEmpty, "nothing is done to it")
        let after = try #require(second.status)
        #expect(after.runID == run && after.pid == 42 && after.state == .running && after.desired == .up)
        #expect(after.startedAt == before.startedAt && after.readyAt == before.readyAt)
        #expect(after.starts == before.starts && after.restarts == before.restarts)
        second.end(WaitStatus(signal: .kill), of: run)
        let exit = try #require(second.exits.first)
        #expect(exit.runID == run && exit.cause == .killed && exit.decision.action == .restart)
        #expect(exit.uptime >= .milliseconds(100))
        #expect(second.status?.restarts == before.restarts + 1)
    }

    @Test func anEndThatNobodyDecidedIsDecidedNow() throws {
        var first = Life()
        let run = first.comeUp()
        let second = Life(after: first, [(run, Self.ended(WaitStatus(exitCode: 3)))])
        let exit = try #require(second.exits.first)
        #expect(second.exits.count == 1)
        #expect(exit.cause == .errorExit && exit.decision.action == .restart && exit.decision.consecutiveFailures == 1)
        #expect(second.effects.count == 1)
        #expect(second.status?.state == .starting && second.status?.runID != run)
    }

    @Test func anEndThatWasDecidedIsNotDecidedAgain() throws {
        var first = Life()
        let old = first.comeUp()
        let memory = first.memory
        first.end(WaitStatus(exitCode: 3))
        let new = first.comeUp()
        let decided = try #require(first.exits.first?.decision)
        // Nothing of it reached the history.
        let second = Life(after: first, memory: memory, [(old, Self.ended(WaitStatus(exitCode: 3))), (new, .alive)])
        #expect(second.effects.isEmpty)
        let exit = try #require(second.exits.first)
        #expect(second.exits.count == 1)
        #expect(exit.runID == old && exit.decision == decided && exit.waitStatus == WaitStatus(exitCode: 3))
        #expect(second.status?.runID == new && second.status?.state == .running)
        #expect(second.status?.starts == 2 && second.status?.restarts == 1)
        #expect(second.status?.consecutiveFailures == 1)
    }

    @Test func aRunThatWasToldToEndIsToldAgain() throws {
        var first = Life()
        let run = first.comeUp()
        first.ask(.stop)
        var second = Life(after: first, [(run, .alive)])
        #expect(second.takeEffects().contains { if case .terminate(_, run, _) = $0 { true } else { false } })
        #expect(second.status?.state == .stopping)
        second.end(WaitStatus(signal: .terminate), of: run)
        let exit = try #require(second.exits.first)
        #expect(exit.cause == .stopped && exit.requestedBy == "uid:7" && exit.operationID == first.operations.last?.id)
        #expect(second.status?.state == .stopped)
        let operation = try #require(second.operations.last)
        #expect(operation.id == first.operations.last?.id)
        #expect(operation.state == .succeeded && operation.instances.map(\.outcome) == [.stopped])
    }

    @Test func whatWasKilledAfterItsGraceIsSaidSo() throws {
        var first = Life()
        let run = first.comeUp()
        first.ask(.stop)
        first.now = first.now.later(by: .seconds(11))
        first.roster.timeReached(.instance(Self.web), at: first.now)
        first.settle()
        let second = Life(after: first, [(run, Self.ended(WaitStatus(signal: .kill)))])
        let exit = try #require(second.exits.first)
        #expect(exit.cause == .stopTimeout && exit.escalated && exit.requestedBy == "uid:7")
        #expect(second.status?.state == .stopped)
        #expect(second.operations.last?.state == .succeeded)
    }

    @Test func aRestartGoesOnWhereItWas() throws {
        var first = Life()
        let run = first.comeUp()
        first.ask(.restart)
        var second = Life(after: first, [(run, Self.ended(WaitStatus(signal: .terminate)))])
        #expect(second.exits.first?.cause == .stopped)
        #expect(second.status?.state == .starting)
        let new = second.comeUp()
        second.now = second.now.later(by: .seconds(2))
        let operation = try #require(second.operations.last?.id)
        second.roster.timeReached(.operation(operation), at: second.now)
        second.settle()
        #expect(second.operations.last?.state == .succeeded)
        #expect(second.operations.last?.instances.first?.newRunID == new)
    }

    @Test func aSignalSentByNameIsRemembered() throws {
        var first = Life()
        let run = first.comeUp()
        var request = OperationRequest(action: .signal, workers: ["web"], requestedBy: "uid:9")
        request.signal = .kill
        _ = first.roster.submit(request, at: first.now)
        first.settle()
        let second = Life(after: first, [(run, Self.ended(WaitStatus(signal: .kill)))])
        #expect(second.exits.first?.cause == .killed && second.exits.first?.requestedBy == "uid:9")
    }

    @Test func aRunThatNeverBeganIsFollowedByAnother() throws {
        let first = Life()
        let run = first.run
        let second = Life(after: first, [(run, .notStarted)])
        let exit = try #require(second.exits.first)
        #expect(exit.runID == run && exit.outcome == .notStarted && exit.pid == nil && exit.error?.stage == "agent")
        #expect(exit.decision.action == .restart)
        #expect(second.status?.state == .starting && second.status?.runID != run)
        #expect(second.status?.consecutiveFailures == 0, "the worker is not at fault")
    }

    @Test func aDecisionThatWasCommittedAndNotActedOnIsActedOn() throws {
        var first = Life()
        let run = first.comeUp()
        var memory = try #require(first.memory)
        memory.desired = .down
        memory.isDecided = true
        var second = Life(after: first, memory: memory, [(run, .alive)])
        #expect(second.takeEffects().contains { if case .terminate(_, run, _) = $0 { true } else { false } })
        #expect(second.status?.state == .stopping && second.status?.desired == .down)
    }

    @Test func aRunOfAWorkerThatIsNotConfiguredAnyMoreIsEnded() throws {
        var first = Life()
        let run = first.comeUp()
        var second = Life(
            WorkerSpecification(name: "db", command: ["/bin/db"]),
            after: first,
            [(run, .alive)]
        )
        #expect(second.takeEffects().contains { $0 == .kill(Self.web, run) })
        #expect(second.exits.isEmpty, "nothing is told before it has happened")
        second.end(WaitStatus(signal: .kill), of: run)
        #expect(second.exits.map(\.runID) == [run])
        #expect(second.exits.first?.cause == .stopped)
    }

    @Test func withoutAnybodyWhoHeldTheRunsOperationsAreAborted() throws {
        var first = Life()
        first.comeUp()
        first.ask(.restart)
        let second = Life(after: first, [], isContinuation: false)
        #expect(second.operations.first?.state == .aborted)
        #expect(second.status?.state == .starting)
    }
}
