import Testing

@testable import Supervision

/// The replacement of the agent, as the agent that is replaced and the one that follows it see it.
@Suite struct UpgradeTests {
    private let upgrade = OperationRequest(action: .upgrade, workers: [], requestedBy: "uid:0")

    // MARK: The agent that is asked

    @Test func itBeginsAtOnceAndHoldsNoWorker() throws {
        var harness = try RosterHarness.running(instances: 2)
        let operation = try #require(harness.submit(self.upgrade).accepted)
        #expect(operation.state == .running && operation.instances.isEmpty && operation.workers.isEmpty)
        #expect(harness.upgrade == operation.id && harness.roster.isUpgrading)
        let restart = try #require(harness.submit(.web(.restart)).accepted)
        #expect(restart.action == .restart)
    }

    @Test func itIsPublishedBeforeItIsActedOn() throws {
        var harness = try RosterHarness.running()
        let operation = try #require(harness.submit(self.upgrade).accepted)
        let published = try #require(
            harness.effects.lastIndex {
                if case .publish(let told) = $0 { told.change == .operation(operation) } else { false }
            }
        )
        let asked = try #require(harness.effects.firstIndex(of: .upgrade(operation.id)))
        #expect(published < asked)
    }

    @Test func theSameAgainJoinsIt() throws {
        var harness = try RosterHarness.running()
        let operation = try #require(harness.submit(self.upgrade).accepted)
        #expect(try harness.submit(self.upgrade).joined?.id == operation.id)
        #expect(harness.effects.count { $0 == .upgrade(operation.id) } == 1)
    }

    @Test func aRefusalIsItsEndAndAnotherOneMayFollow() throws {
        var harness = try RosterHarness.running()
        let first = try #require(harness.submit(self.upgrade).accepted)
        try harness.tellOfUpgrade(refusal: "cannot open /bin/reeve: No such file or directory")
        let ended = try #require(harness.operation(first.id))
        #expect(ended.state == .failed && !ended.changed)
        #expect(ended.error == "cannot open /bin/reeve: No such file or directory")
        let second = try #require(harness.submit(self.upgrade).accepted)
        #expect(second.id != first.id)
    }

    @Test func aShutdownAbortsItAndNoneFollows() throws {
        var harness = try RosterHarness.running()
        let operation = try #require(harness.submit(self.upgrade).accepted)
        let shutdown = try #require(
            harness.submit(OperationRequest(action: .shutdown, workers: [], requestedBy: "signal:SIGTERM")).accepted
        )
        let aborted = try #require(harness.operation(operation.id))
        #expect(aborted.state == .aborted && aborted.abortedBy == shutdown.id)
        // The answer may have been on its way.
        try harness.tellOfUpgrade(refusal: "no")
        #expect(!harness.roster.isUpgrading)
        guard case .busy = try harness.submit(self.upgrade) else {
            Issue.record("an upgrade went through while the agent ends")
            return
        }
    }

    @Test func theEndOfAVitalWorkerAbortsIt() throws {
        var harness = try RosterHarness.running {
            $0.isVital = true
            $0.restart = .never
        }
        let operation = try #require(harness.submit(self.upgrade).accepted)
        let run = try #require(harness.run(of: .web(0)))
        harness.end(run, WaitStatus(exitCode: 0))
        try harness.tellAll()
        #expect(harness.operation(operation.id)?.state == .aborted)
    }

    // MARK: The agent that follows

    /// What becomes of an upgrade that was under way.
    private func next(_ news: WorkerRoster.UpgradeNews, shutdown: Bool = false) -> (WorkerRoster, [Operation]) {
        var harness = RosterHarness([.web()])
        try? harness.begin()
        _ = try? harness.submit(self.upgrade)
        var unfinished = harness.model.operations.values.filter { $0.finishedAt == nil }
        if shutdown {
            let request = OperationRequest(action: .shutdown, workers: [], requestedBy: "uid:0")
            var other = RosterHarness([.web()])
            try? other.begin()
            _ = try? other.submit(request)
            unfinished += other.model.operations.values
        }
        var roster = WorkerRoster(specifications: [.web()], randomness: Randomness(seed: 2))
        let recovery = WorkerRoster.Recovery(
            unfinishedOperations: unfinished,
            isContinuation: true,
            upgrade: news
        )
        roster.begin(at: .beginning, after: recovery)
        let told = Self.upgrades(&roster)
        return (roster, told)
    }

    private static func upgrades(_ roster: inout WorkerRoster) -> [Operation] {
        roster.takeEffects().compactMap { effect in
            guard case .publish(let transition) = effect, case .operation(let operation) = transition.change,
                operation.action == .upgrade
            else { return nil }
            return operation
        }
    }

    @Test func onTrialItGoesOnUntilTheTrialIsOver() throws {
        var (roster, told) = self.next(.onTrial)
        #expect(told.map(\.state) == [.running])
        #expect(roster.isUpgrading)
        let again = roster.submit(self.upgrade, at: .beginning)
        #expect(again.joined?.id == told[0].id)
        roster.upgradeSucceeded(at: .beginning.later(by: .seconds(2)))
        told = Self.upgrades(&roster)
        #expect(told.map(\.state) == [.succeeded])
        #expect(told.map(\.changed) == [true])
        #expect(told.allSatisfy { $0.finishedAt != nil })
        #expect(!roster.isUpgrading)
    }

    @Test func theOldBinarySaysWhyItIsBack() throws {
        let (roster, told) = self.next(.rolledBack(reason: "the new binary ended before it was ready: exit code 5"))
        #expect(told.map(\.state) == [.failed])
        #expect(told[0].error == "the new binary ended before it was ready: exit code 5")
        #expect(!roster.isUpgrading)
    }

    @Test func afterADeathNobodyGoesOnWithIt() {
        let (roster, told) = self.next(.none)
        #expect(told.map(\.state) == [.aborted] && told[0].error != nil)
        #expect(!roster.isUpgrading)
    }

    @Test func aShutdownThatGoesOnAbortsIt() {
        let (roster, told) = self.next(.onTrial, shutdown: true)
        #expect(told.map(\.state) == [.aborted] && told[0].abortedBy != nil)
        #expect(roster.isShuttingDown && !roster.isUpgrading)
    }
}
