import Testing

@testable import Supervision

@Suite struct ScaleOperationTests {
    private func scale(
        to count: Int,
        _ change: (inout OperationRequest) -> Void = { _ in }
    ) -> OperationRequest {
        .web(.scale) { request in
            request.count = count
            change(&request)
        }
    }

    private func states(_ harness: RosterHarness) -> [Int: InstanceState] {
        let ids = harness.model.statuses.values.filter { $0.id.worker == "web" }
        return Dictionary(uniqueKeysWithValues: ids.map { ($0.id.index, $0.state) })
    }

    // MARK: Up

    @Test func moreInstancesAreStartedAtOnce() throws {
        var harness = try RosterHarness.running()
        let submission = try harness.submit(self.scale(to: 4))
        let scale = try #require(submission.accepted)
        #expect(submission.budget == WorkerRoster.startTimeout + .seconds(1))
        #expect(scale.instances.map(\.instance) == [.web(1), .web(2), .web(3)])
        #expect(self.states(harness) == [0: .running, 1: .starting, 2: .starting, 3: .starting])
        try harness.bringAllUp()
        #expect(harness.operation(scale.id)?.state == .running)
        try harness.wait(.seconds(1))
        #expect(harness.operation(scale.id)?.state == .succeeded)
        #expect(harness.operation(scale.id)?.changed == true)
        #expect(harness.outcomes(scale.id) == [.up, .up, .up])
        #expect(harness.status(.web(3)).operationID == nil)
        let changes = harness.scales
        #expect(changes.map(\.from) == [1] && changes.map(\.to) == [4] && changes.map(\.added) == [1..<4])
        #expect(changes.map(\.operationID) == [scale.id] && changes.map(\.text) == ["scaled by uid:0"])
    }

    @Test func anInstanceThatDoesNotComeUpFailsTheScaleAndStays() throws {
        var harness = try RosterHarness.running { $0.restart = .never }
        let scale = try #require(harness.submit(self.scale(to: 3)).accepted)
        try harness.bringUp(.web(1))
        try harness.refuse(.web(2), .missing)
        try harness.wait(.seconds(1))
        #expect(harness.operation(scale.id)?.state == .failed)
        #expect(harness.outcomes(scale.id) == [.up, .failed])
        #expect(harness.operation(scale.id)?.error?.hasPrefix("web.2 did not come up") == true)
        #expect(self.states(harness) == [0: .running, 1: .running, 2: .failed])
    }

    @Test func whatIsAddedToAStoppedWorkerIsStopped() throws {
        var harness = try RosterHarness.running()
        try harness.submit(.web(.stop))
        try harness.obey()
        let scale = try #require(harness.submit(self.scale(to: 2)).accepted)
        #expect(scale.state == .succeeded && scale.changed)
        #expect(harness.outcomes(scale.id) == [.added])
        #expect(self.states(harness) == [0: .stopped, 1: .stopped])
        // The stop counts for it as well, in the next life too.
        #expect(harness.memory.instances[.web(1)]?.isDecided == true)
        #expect(harness.memory.instances[.web(1)]?.desired == .down)
        let start = try #require(harness.submit(.web(.start)).accepted)
        #expect(start.instances.count == 2)
    }

    @Test(arguments: [true, false])
    func withoutInstancesAutostartDecides(autostart: Bool) throws {
        var harness = try RosterHarness.begun(instances: 0) { $0.autostart = autostart }
        let scale = try #require(harness.submit(self.scale(to: 2)).accepted)
        #expect(self.states(harness) == (autostart ? [0: .starting, 1: .starting] : [0: .stopped, 1: .stopped]))
        try harness.bringAllUp()
        try harness.wait(.seconds(1))
        #expect(harness.outcomes(scale.id) == (autostart ? [.up, .up] : [.added, .added]))
    }

    @Test func oneInstanceThatIsWantedUpIsEnough() throws {
        var harness = try RosterHarness.begun(instances: 2) { $0.autostart = false }
        try harness.submit(.web(.start) { $0.instance = 1 })
        try harness.bringAllUp()
        try harness.wait(.seconds(1))
        try harness.submit(self.scale(to: 3))
        #expect(self.states(harness) == [0: .stopped, 1: .running, 2: .starting])
        // So that it comes up again without autostart.
        #expect(harness.memory.instances[.web(2)]?.isDecided == true)
    }

    // MARK: Down

    @Test func whatIsOneTooManyGoesTheHighestFirstWhenNothingOfItIsLeft() throws {
        var harness = try RosterHarness.running(instances: 4) { $0.stop.grace = .seconds(5) }
        let runs = try (0..<4).map { try #require(harness.run(of: .web($0))) }
        let submission = try harness.submit(self.scale(to: 2))
        let scale = try #require(submission.accepted)
        #expect(submission.budget == .seconds(5))
        #expect(scale.instances.map(\.instance) == [.web(2), .web(3)])
        let order = harness.effects.compactMap { if case .terminate(let id, _, _) = $0 { id } else { nil } }
        #expect(order == [.web(3), .web(2)])
        try harness.end(.web(3), WaitStatus(signal: .terminate), leavesRest: true)
        #expect(self.states(harness) == [0: .running, 1: .running, 2: .stopping, 3: .stopping])
        try harness.end(.web(2), WaitStatus(signal: .terminate))
        #expect(self.states(harness) == [0: .running, 1: .running, 3: .stopping])
        #expect(harness.outcomes(scale.id) == [.removed, .inProgress])
        harness.endRest(runs[3])
        try harness.tellAll()
        #expect(self.states(harness) == [0: .running, 1: .running])
        #expect(harness.operation(scale.id)?.state == .succeeded)
        #expect(harness.outcomes(scale.id) == [.removed, .removed])
        #expect(harness.operation(scale.id)?.instances.map(\.exitRunID) == [runs[2], runs[3]])
        #expect(harness.model.exits[runs[3]]?.cause == .stopped)
        #expect(harness.model.exits[runs[3]]?.operationID == scale.id)
        #expect(Set(harness.memory.instances.keys) == [.web(0), .web(1)])
        #expect(harness.removals == [.web(2), .web(3)])
    }

    @Test func whatDoesNotRunGoesAtOnce() throws {
        var harness = try RosterHarness.running(instances: 2)
        try harness.end(.web(1), WaitStatus(exitCode: 1))
        try harness.bringUp(.web(1))
        try harness.end(.web(1), WaitStatus(exitCode: 1))
        #expect(harness.status(.web(1)).state == .backoff)
        let scale = try #require(harness.submit(self.scale(to: 1)).accepted)
        #expect(scale.state == .succeeded)
        #expect(harness.outcomes(scale.id) == [.removed])
        #expect(self.states(harness) == [0: .running])
        #expect(harness.timers.isEmpty)
    }

    @Test func theGraceOfTheRequestCounts() throws {
        var harness = try RosterHarness.running(instances: 2)
        let run = try #require(harness.run(of: .web(1)))
        let submission = try harness.submit(self.scale(to: 0) { $0.grace = .zero })
        #expect(submission.budget == .zero)
        #expect(harness.runs[run]?.killSent == true)
        try harness.obey()
        #expect(self.states(harness).isEmpty)
        #expect(try harness.submit(.web(.start)).accepted?.changed == false)
    }

    @Test func anInstanceThatComesAgainBeginsAnew() throws {
        var harness = try RosterHarness.running(instances: 2)
        try harness.end(.web(1), WaitStatus(exitCode: 1))
        try harness.bringUp(.web(1))
        #expect(harness.status(.web(1)).restarts == 1)
        try harness.submit(self.scale(to: 1))
        try harness.obey()
        try harness.submit(self.scale(to: 2))
        #expect(harness.status(.web(1)).starts == 1)
        #expect(harness.status(.web(1)).restarts == 0)
        #expect(harness.status(.web(1)).consecutiveFailures == 0)
        // What is told of its earlier life is stale.
        try harness.tellAgain(.web(1), .exit)
        #expect(harness.status(.web(1)).state == .starting)
    }

    // MARK: Others

    @Test func theNumberThatItHasChangesNothing() throws {
        var harness = try RosterHarness.running(instances: 2)
        let scale = try #require(harness.submit(self.scale(to: 2)).accepted)
        #expect(scale.state == .succeeded && !scale.changed && scale.instances.isEmpty)
        #expect(harness.scales.isEmpty)
    }

    @Test func theSameScaleJoins() throws {
        var harness = try RosterHarness.running(instances: 3)
        let run = try #require(harness.run(of: .web(2)))
        let scale = try #require(harness.submit(self.scale(to: 1)).accepted)
        try #expect(harness.submit(self.scale(to: 1)).joined?.id == scale.id)
        let shorter = self.scale(to: 1) {
            $0.grace = .seconds(2)
            $0.isPersistent = true
        }
        try #expect(harness.submit(shorter).joined?.id == scale.id)
        #expect(harness.memory.workers["web"]?.isPersistent == true)
        try harness.wait(.seconds(2))
        #expect(harness.runs[run]?.killSent == true)
    }

    @Test func anotherOperationIsAConflict() throws {
        var harness = try RosterHarness.running(instances: 3)
        let scale = try #require(harness.submit(self.scale(to: 2)).accepted)
        for request in [self.scale(to: 3), self.scale(to: 1), .web(.start), .web(.restart) { $0.instance = 0 }] {
            guard case .conflict("web", let other) = try harness.submit(request) else {
                Issue.record("\(request) is no conflict")
                continue
            }
            #expect(other.id == scale.id)
        }
        try harness.obey()
        let restart = try #require(harness.submit(.web(.restart)).accepted)
        guard case .conflict(_, let other) = try harness.submit(self.scale(to: 2)) else {
            Issue.record("no conflict with a restart")
            return
        }
        #expect(other.id == restart.id)
    }

    @Test func aNumberWithoutPortsIsRefused() throws {
        var harness = try RosterHarness.running { $0.basePort = 65_534 }
        guard case .refused(let sentence) = try harness.submit(self.scale(to: 3)) else {
            Issue.record("not refused")
            return
        }
        #expect(
            sentence
                == "the last of 3 instances would have the port 65536; ports end at 65535, and base_port is 65534"
        )
        try #expect(harness.submit(self.scale(to: 2)).accepted?.state == .running)
        #expect(self.states(harness).count == 2)
    }

    @Test func whileTheAgentEndsNothingIsScaled() throws {
        var harness = try RosterHarness.running(instances: 2)
        try harness.submit(self.scale(to: 1))
        try harness.submit(OperationRequest(action: .shutdown, workers: [], requestedBy: "signal:SIGTERM"))
        guard case .busy = try harness.submit(self.scale(to: 1)) else {
            Issue.record("not busy")
            return
        }
        try harness.obey()
        #expect(harness.ended.count == 1)
        #expect(self.states(harness) == [0: .stopped])
    }

    // MARK: Stop

    @Test func aStopSupersedesAScaleUpAndWhatWasAddedStaysStopped() throws {
        var harness = try RosterHarness.running()
        let scale = try #require(harness.submit(self.scale(to: 3)).accepted)
        try harness.bringUp(.web(1))
        let stop = try #require(harness.submit(.web(.stop)).accepted)
        let aborted = try #require(harness.operation(scale.id))
        #expect(aborted.state == .aborted && aborted.abortedBy == stop.id)
        #expect(harness.outcomes(scale.id) == [.aborted, .aborted])
        try harness.bringAllUp()
        try harness.obey()
        #expect(harness.operation(stop.id)?.state == .succeeded)
        #expect(self.states(harness) == [0: .stopped, 1: .stopped, 2: .stopped])
        #expect(harness.memory.workers["web"]?.count == 3)
    }

    @Test func aStopSupersedesAScaleDownAndWhatLeavesGoes() throws {
        var harness = try RosterHarness.running(instances: 3)
        let scale = try #require(harness.submit(self.scale(to: 1)).accepted)
        let stop = try #require(harness.submit(.web(.stop)).accepted)
        #expect(harness.operation(scale.id)?.abortedBy == stop.id)
        try harness.obey()
        #expect(harness.operation(stop.id)?.state == .succeeded)
        #expect(harness.outcomes(stop.id) == [.stopped, .stopped, .stopped])
        #expect(self.states(harness) == [0: .stopped])
        #expect(Set(harness.memory.instances.keys) == [.web(0)])
    }

    @Test func aStopOfAnotherInstanceLeavesTheScaleAlone() throws {
        var harness = try RosterHarness.running(instances: 3)
        let scale = try #require(harness.submit(self.scale(to: 2)).accepted)
        let stop = try #require(harness.submit(.web(.stop) { $0.instance = 0 }).accepted)
        try harness.obey()
        #expect(harness.operation(scale.id)?.state == .succeeded)
        #expect(harness.operation(stop.id)?.state == .succeeded)
        #expect(self.states(harness) == [0: .stopped, 1: .running])
    }

    @Test func whatLeavesWithoutAnOperationCanBeTakenBack() throws {
        var harness = try RosterHarness.running(instances: 4)
        let old = try #require(harness.run(of: .web(2)))
        try harness.submit(self.scale(to: 2))
        let stop = try #require(harness.submit(.web(.stop) { $0.instance = 3 }).accepted)
        harness.obey(try #require(harness.run(of: .web(3))))
        try harness.tellAll()
        #expect(harness.operation(stop.id)?.state == .succeeded)
        #expect(self.states(harness) == [0: .running, 1: .running, 2: .stopping])
        // Nothing can be asked of it but to end.
        guard case .unknownInstance(.web(2), count: 2) = try harness.submit(.web(.start) { $0.instance = 2 }) else {
            Issue.record("it can be started")
            return
        }
        let scale = try #require(harness.submit(self.scale(to: 3)).accepted)
        #expect(scale.instances.map(\.instance) == [.web(2)])
        try harness.obey()
        #expect(harness.status(.web(2)).state == .starting)
        try harness.bringAllUp()
        try harness.wait(.seconds(1))
        #expect(harness.outcomes(scale.id) == [.up])
        #expect(harness.operation(scale.id)?.instances[0].oldRunID == old)
        #expect(self.states(harness) == [0: .running, 1: .running, 2: .running])
    }

    // MARK: Cost

    @Test func aScaleOfThousandsIsPublishedTenTimesASecondAtMost() throws {
        let web = WorkerSpecification.web { $0.instances = 1_000 }
        var roster = WorkerRoster(specifications: [web], randomness: Randomness(seed: 1))
        roster.begin(at: .beginning)
        let ids = (0..<1_000).map { InstanceID.web($0) }
        for id in ids {
            roster.spawned(id, try #require(roster.status(of: id)?.runID), pid: 1, at: .beginning)
        }
        _ = roster.takeEffects()
        let scale = try #require(roster.submit(self.scale(to: 0), at: .beginning).accepted)
        var effects = roster.takeEffects()
        for id in ids {
            let run = try #require(roster.status(of: id)?.runID)
            roster.exited(id, run, .init(status: WaitStatus(signal: .terminate)), at: .beginning)
            effects += roster.takeEffects()
        }
        let published = effects.compactMap { if case .publish(let transition) = $0 { transition.change } else { nil } }
        let snapshots = published.compactMap { if case .operation(let operation) = $0 { operation } else { nil } }
        #expect(snapshots.count == 2 && snapshots.last?.id == scale.id && snapshots.last?.state == .succeeded)
        #expect(published.count { if case .removed = $0 { true } else { false } } == 1_000)
        #expect(roster.slotIndex.isEmpty)
    }
}

extension RosterHarness {
    /// What was published of numbers of instances.
    fileprivate var scales: [ScaleChange] {
        self.effects.compactMap { effect in
            if case .publish(let transition) = effect, case .scaled(let change) = transition.change {
                change
            } else {
                nil
            }
        }
    }

    /// The instances that are no more, in the order in which they went.
    fileprivate var removals: [InstanceID] {
        self.effects.compactMap { effect in
            if case .publish(let transition) = effect, case .removed(let id, _) = transition.change { id } else { nil }
        }
    }
}
