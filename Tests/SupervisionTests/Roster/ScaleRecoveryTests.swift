import Testing

@testable import Supervision

/// How long an operator's number of instances lasts, and what becomes of a scale that the agent's death interrupts.
@Suite struct ScaleRecoveryTests {
    /// One life of the agent, which remembers what the one before did.
    private struct Life {
        var roster: WorkerRoster
        var memory: RosterMemory
        var published: [Transition.Change] = []
        var effects: [Effect] = []
        var unfinished: [OperationID: Operation] = [:]
        var notes: [RunID: RunNote] = [:]

        init(
            _ specification: WorkerSpecification,
            after before: Life? = nil,
            boot: String = "one",
            dead: Set<InstanceID> = [],
            isContinuation: Bool = false
        ) {
            self.roster = WorkerRoster(
                specifications: [specification],
                randomness: Randomness(seed: before == nil ? 1 : 2)
            )
            self.roster.announcesRuns = true
            self.memory = before?.memory ?? RosterMemory()
            var recovery = self.memory.recovery(bootID: boot)
            if let before, isContinuation {
                recovery.isContinuation = true
                recovery.unfinishedOperations = before.unfinished.values.filter { $0.finishedAt == nil }
                recovery.survivors = before.notes.values.sorted { $0.runID < $1.runID }.map { note in
                    let ended = InstanceStateMachine.Ended(status: WaitStatus(signal: .terminate))
                    let condition: SurvivingRun.Condition = dead.contains(note.instance) ? .ended(ended) : .alive
                    return SurvivingRun(note: note, pid: 42, condition: condition)
                }
            }
            self.roster.begin(at: .beginning, after: recovery)
            self.settle()
        }

        mutating func settle() {
            for effect in self.roster.takeEffects() {
                self.effects.append(effect)
                switch effect {
                case .announce(let note): self.notes[note.runID] = note
                case .publish(let transition):
                    self.published.append(transition.change)
                    if case .operation(let operation) = transition.change {
                        self.unfinished[operation.id] = operation
                    }
                    if case .exit(let record) = transition.change {
                        self.notes[record.runID] = nil
                    }
                case .spawn, .terminate, .kill, .signal, .timer, .upgrade, .ended: break
                }
            }
            self.memory.take(from: &self.roster, at: .beginning)
        }

        /// As a wrong bit on the disk does.
        mutating func doubleAnInstanceOfEachOperation() {
            for id in self.unfinished.keys {
                guard let first = self.unfinished[id]?.instances.first else { continue }
                self.unfinished[id]?.instances[1].instance = first.instance
            }
        }

        mutating func scale(to count: Int, persist: Bool = false) {
            var request = OperationRequest.web(.scale)
            request.count = count
            request.isPersistent = persist
            _ = self.roster.submit(request, at: .beginning)
            self.settle()
        }

        mutating func comeUp() {
            for (id, slot) in self.roster.slotIndex {
                guard let run = self.roster.slots[slot].machine.runID else { continue }
                self.roster.spawned(id, run, pid: 42, at: .beginning)
            }
            self.settle()
        }

        mutating func end(_ index: Int) throws {
            let run = try #require(self.roster.status(of: .web(index))?.runID)
            self.roster.exited(.web(index), run, .init(status: WaitStatus(signal: .terminate)), at: .beginning)
            self.settle()
        }

        var indices: [Int] { self.roster.slotIndex.keys.map(\.index).sorted() }

        var scales: [ScaleChange] {
            self.published.compactMap { if case .scaled(let change) = $0 { change } else { nil } }
        }

        var operations: [Operation] {
            self.published.compactMap { if case .operation(let operation) = $0 { operation } else { nil } }
        }
    }

    private static func web(_ instances: Int) -> WorkerSpecification {
        .web { $0.instances = instances }
    }

    // MARK: How long it lasts

    @Test(arguments: [0, 1, 4])
    func theNumberOutlivesTheAgent(count: Int) {
        var first = Life(Self.web(2))
        first.scale(to: count)
        let second = Life(Self.web(2), after: first)
        #expect(second.indices == Array(0..<count))
        #expect(second.scales.map(\.to) == [count])
        #expect(second.scales.map(\.text) == ["scaled by an operator before"])
        #expect(second.scales.map(\.removed.count) == [max(0, 2 - count)])
        #expect(Set(second.memory.instances.keys.map(\.index)) == Set(0..<count))
        // And the life after that.
        #expect(Life(Self.web(2), after: second).indices == Array(0..<count))
    }

    @Test func anOperationThatHasAnInstanceTwiceIsAborted() throws {
        var first = Life(Self.web(2))
        first.comeUp()
        _ = first.roster.submit(.web(.restart), at: .beginning)
        first.settle()
        first.doubleAnInstanceOfEachOperation()
        let second = Life(Self.web(2), after: first, isContinuation: true)
        #expect(second.unfinished.values.map(\.state) == [.aborted])
    }

    @Test func aRebootForgetsItAndSaysSo() throws {
        var first = Life(Self.web(2))
        first.scale(to: 4)
        let second = Life(Self.web(2), after: first, boot: "two")
        #expect(second.indices == [0, 1])
        #expect(
            second.scales.map(\.text) == [
                "an operator's decision for 4 instances is forgotten, because the system was started anew"
            ]
        )
        #expect(Set(second.memory.instances.keys) == [.web(0), .web(1)])
        // It is said once.
        #expect(Life(Self.web(2), after: second, boot: "two").scales.isEmpty)
    }

    @Test func aPersistentNumberOutlivesReboots() {
        var first = Life(Self.web(2))
        first.scale(to: 4, persist: true)
        let second = Life(Self.web(2), after: first, boot: "two")
        #expect(second.indices == [0, 1, 2, 3])
        #expect(Life(Self.web(2), after: second, boot: "three").indices == [0, 1, 2, 3])
    }

    @Test(arguments: [1, 3, 4])
    func aFileThatSaysAnotherNumberDecides(instances: Int) {
        var first = Life(Self.web(2))
        first.scale(to: 4, persist: true)
        let second = Life(Self.web(instances), after: first)
        #expect(second.indices == Array(0..<instances))
        let text =
            "an operator's decision for 4 instances is forgotten, because the configuration says \(instances) "
            + "instead of 2 now"
        // The same number as the operator's is nothing to talk about.
        #expect(second.scales.map(\.text) == (instances == 4 ? [] : [text]))
        // Nor does the old decision come back when the file is changed back.
        #expect(Life(Self.web(2), after: second).indices == [0, 1])
    }

    @Test func aNumberThatHasNoPortsAnyMoreIsForgotten() {
        var first = Life(Self.web(1))
        first.scale(to: 4)
        var web = Self.web(1)
        web.basePort = 65_535
        let second = Life(web, after: first)
        #expect(second.indices == [0])
        #expect(second.scales.first?.text.contains("65538") == true)
    }

    @Test func theConfiguredNumberIsNothingToTellOf() throws {
        var first = Life(Self.web(2))
        first.scale(to: 4)
        first.comeUp()
        first.roster.timeReached(.operation(first.operations[0].id), at: .beginning.later(by: .seconds(1)))
        first.scale(to: 2)
        for index in [3, 2] {
            try first.end(index)
        }
        #expect(first.indices == [0, 1] && first.memory.workers["web"]?.count == 2)
        let second = Life(Self.web(2), after: first)
        #expect(second.scales.isEmpty && second.indices == [0, 1])
    }

    @Test func instancesThatWereAddedGoOnAsTheOthers() {
        var manual = Self.web(1)
        manual.autostart = false
        var first = Life(manual)
        _ = first.roster.submit(.web(.start), at: .beginning)
        first.comeUp()
        first.roster.timeReached(.operation(first.operations[0].id), at: .beginning.later(by: .seconds(1)))
        first.scale(to: 2)
        let second = Life(manual, after: first)
        #expect(second.roster.status(of: .web(1))?.desired == .up)
    }

    // MARK: A scale that the agent's death interrupts

    @Test func aScaleDownGoesOn() throws {
        var first = Life(Self.web(4))
        first.comeUp()
        first.scale(to: 1)
        try first.end(3)
        // web.2 ends while there is no agent, web.1 later.
        var second = Life(Self.web(4), after: first, dead: [.web(2)], isContinuation: true)
        #expect(second.indices == [0, 1])
        #expect(second.roster.status(of: .web(1))?.state == .stopping)
        #expect(second.effects.contains { if case .terminate(.web(1), _, _) = $0 { true } else { false } })
        #expect(second.operations.last?.instances.map(\.outcome) == [.inProgress, .removed, .removed])
        let exits = second.published.compactMap { if case .exit(let record) = $0 { record } else { nil } }
        #expect(exits.map(\.instance) == [.web(2)])
        #expect(exits.map(\.decision.action) == [.stayDown])
        try second.end(1)
        #expect(second.indices == [0])
        #expect(second.operations.last?.state == .succeeded)
        #expect(second.operations.last?.instances.map(\.outcome) == [.removed, .removed, .removed])
        #expect(Set(second.memory.instances.keys) == [.web(0)])
    }

    @Test func whatWasNotToldYetIsToldToEnd() throws {
        var first = Life(Self.web(2))
        first.comeUp()
        let notes = first.notes
        first.scale(to: 1)
        // The decision was committed; nothing was done, and nobody knows of the operation.
        first.notes = notes
        first.unfinished = [:]
        var second = Life(Self.web(2), after: first, isContinuation: true)
        #expect(second.indices == [0, 1])
        #expect(second.roster.status(of: .web(1))?.state == .stopping)
        try second.end(1)
        #expect(second.indices == [0])
    }

    @Test func aScaleUpGoesOn() throws {
        var first = Life(Self.web(1))
        first.comeUp()
        first.scale(to: 3)
        var second = Life(Self.web(1), after: first, isContinuation: true)
        #expect(second.indices == [0, 1, 2])
        let id = try #require(second.operations.last?.id)
        #expect(second.operations.last?.state == .running)
        second.roster.timeReached(.operation(id), at: .beginning.later(by: .seconds(1)))
        second.settle()
        #expect(second.operations.last?.state == .succeeded)
        #expect(second.operations.last?.instances.map(\.outcome) == [.up, .up])
    }

    @Test func aScaleWhoseNumberIsForgottenIsAborted() {
        var first = Life(Self.web(4))
        first.comeUp()
        first.scale(to: 2)
        let second = Life(Self.web(3), after: first, isContinuation: true)
        #expect(second.indices == [0, 1, 2])
        #expect(second.operations.map(\.state) == [.aborted])
    }

    @Test func aStopThatSupersededAScaleGoesOn() throws {
        var first = Life(Self.web(2))
        first.comeUp()
        first.scale(to: 1)
        _ = first.roster.submit(.web(.stop), at: .beginning)
        first.settle()
        try first.end(1)
        var second = Life(Self.web(2), after: first, isContinuation: true)
        #expect(second.indices == [0])
        try second.end(0)
        #expect(second.operations.last?.action == .stop && second.operations.last?.state == .succeeded)
        #expect(second.operations.last?.instances.map(\.outcome) == [.stopped, .stopped])
    }
}
