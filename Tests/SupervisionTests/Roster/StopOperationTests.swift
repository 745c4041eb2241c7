import Supervision
import Testing

@Suite struct StopOperationTests {
    @Test func aStopIsDoneWhenNothingOfTheRunIsLeft() throws {
        var harness = try RosterHarness.running()
        let run = try #require(harness.run(of: .web(0)))
        let submission = try harness.submit(.web(.stop))
        let stop = try #require(submission.accepted)
        #expect(submission.budget == .seconds(10))
        #expect(harness.status(.web(0)).state == .stopping)
        harness.advance(by: .seconds(1))
        try harness.end(.web(0), WaitStatus(signal: .terminate), leavesRest: true)
        #expect(harness.operation(stop.id)?.state == .running)
        #expect(harness.status(.web(0)).state == .stopping)
        harness.endRest(run)
        try harness.tellAll()
        let done = try #require(harness.operation(stop.id))
        #expect(done.state == .succeeded)
        #expect(done.changed)
        #expect(done.instances[0].outcome == .stopped)
        #expect(done.instances[0].oldRunID == run)
        #expect(done.instances[0].newRunID == nil)
        #expect(done.instances[0].exitRunID == run)
        #expect(harness.model.exits[run]?.operationID == stop.id)
        #expect(harness.status(.web(0)).desired == .down)
    }

    @Test func aStopOfWhatIsStoppedChangesNothing() throws {
        var harness = try RosterHarness.begun { $0.autostart = false }
        let done = try #require(harness.submit(.web(.stop)).accepted)
        #expect(done.state == .succeeded)
        #expect(!done.changed)
        #expect(done.instances[0].outcome == .unchanged)
    }

    @Test func aStopInBackoffIsDoneAtOnce() throws {
        var harness = try RosterHarness.running()
        try harness.end(.web(0), WaitStatus(exitCode: 1))
        try harness.bringUp(.web(0))
        try harness.end(.web(0), WaitStatus(exitCode: 1))
        #expect(harness.status(.web(0)).state == .backoff)
        let done = try #require(harness.submit(.web(.stop)).accepted)
        #expect(done.state == .succeeded)
        #expect(done.changed)
        #expect(done.instances[0].outcome == .stopped)
        #expect(harness.timers.isEmpty)
        try harness.wait(.seconds(3600))
        #expect(harness.status(.web(0)).state == .stopped)
    }

    @Test func aWorkerThatIgnoresTheSignalIsKilledAfterItsGrace() throws {
        var harness = try RosterHarness.running { $0.stop.grace = .seconds(2) }
        let run = try #require(harness.run(of: .web(0)))
        harness.runs[run]?.ignoresTerm = true
        let stop = try #require(harness.submit(.web(.stop)).accepted)
        try harness.obey()
        #expect(harness.runs[run]?.process == .alive)
        try harness.wait(.seconds(2))
        try harness.obey()
        #expect(harness.operation(stop.id)?.state == .succeeded)
        #expect(harness.model.exits[run]?.cause == .stopTimeout)
    }

    @Test func aGraceOfZeroKillsAtOnce() throws {
        var harness = try RosterHarness.running()
        let run = try #require(harness.run(of: .web(0)))
        let submission = try harness.submit(.web(.stop) { $0.grace = .zero })
        #expect(submission.budget == .zero)
        #expect(harness.runs[run]?.killSent == true)
        #expect(harness.runs[run]?.terminateSent == false)
        try harness.obey()
        #expect(harness.model.exits[run]?.cause == .stopped)
    }

    @Test func aSecondStopJoinsTheFirst() throws {
        var harness = try RosterHarness.running(instances: 2)
        let stop = try #require(harness.submit(.web(.stop)).accepted)
        let submission = try harness.submit(.web(.stop) { $0.instance = 1 })
        #expect(submission.joined?.id == stop.id)
        #expect(harness.model.active == [stop.id])
    }

    @Test func aSecondStopThatIsLessPatientShortensTheGrace() throws {
        var harness = try RosterHarness.running()
        let run = try #require(harness.run(of: .web(0)))
        let stop = try #require(harness.submit(.web(.stop)).accepted)
        try harness.submit(.web(.stop) { $0.grace = .seconds(2) })
        try harness.wait(.seconds(1))
        #expect(harness.runs[run]?.killSent == false)
        try harness.wait(.seconds(1))
        #expect(harness.runs[run]?.killSent == true)
        #expect(harness.transcript(stop.id).contains { $0.contains("2.0 s") })
    }

    @Test func aStopOfMoreThanTheOneThatRunsIsAnotherOperation() throws {
        var harness = try RosterHarness.running(instances: 2)
        let one = try #require(harness.submit(.web(.stop) { $0.instance = 1 }).accepted)
        let all = try #require(harness.submit(.web(.stop)).accepted)
        #expect(one.id != all.id)
        try harness.obey()
        #expect(harness.operation(one.id)?.state == .succeeded)
        #expect(harness.operation(all.id)?.state == .succeeded)
    }

    @Test(arguments: [OperationAction.start, .restart])
    func aStopAbortsWhatIsUnderWay(action: OperationAction) throws {
        var harness = try RosterHarness.running(instances: 2)
        if action == .start {
            try harness.submit(.web(.stop))
            try harness.obey()
        }
        let aborted = try #require(harness.submit(.web(action)).accepted)
        let stop = try #require(harness.submit(.web(.stop) { $0.requestedBy = "uid:7" }).accepted)
        let done = try #require(harness.operation(aborted.id))
        #expect(done.state == .aborted)
        #expect(done.abortedBy == stop.id)
        #expect(done.error == "superseded by operation \(stop.id)")
        #expect(done.finishedAt == harness.now.wall)
        #expect(done.instances.map(\.outcome) == (action == .start ? [.aborted, .aborted] : [.aborted, .skipped]))
        #expect(harness.status(.web(0)).operationID == stop.id)
        try harness.bringAllUp()
        try harness.obey()
        #expect(harness.operation(stop.id)?.state == .succeeded)
        #expect(harness.status(.web(0)).state == .stopped)
        #expect(harness.status(.web(1)).state == .stopped)
        #expect(harness.timers.isEmpty)
    }

    @Test(arguments: [OperationAction.start, .restart])
    func aStartDuringAStopIsAConflict(action: OperationAction) throws {
        var harness = try RosterHarness.running(instances: 2)
        let stop = try #require(harness.submit(.web(.stop) { $0.instance = 0 }).accepted)
        for instance in [nil, 0, 1] {
            let submission = try harness.submit(.web(action) { $0.instance = instance })
            guard case .conflict("web", let other) = submission else {
                Issue.record("\(submission)")
                continue
            }
            #expect(other.id == stop.id)
        }
    }

    @Test func anotherWorkerIsNotHeld() throws {
        var db = WorkerSpecification(name: "db", command: ["/bin/db"])
        db.autostart = false
        var harness = RosterHarness([db, .web()])
        try harness.begin()
        try harness.bringAllUp()
        try harness.submit(.web(.stop))
        try #expect(harness.submit(.web(.start) { $0.workers = ["db"] }).accepted?.state == .running)
    }

    @Test func everythingIsStoppedInTheReverseOfItsStart() throws {
        var db = WorkerSpecification(name: "db", command: ["/bin/db"])
        db.instances = 2
        var harness = RosterHarness([db, .web { $0.instances = 2 }])
        try harness.begin()
        try harness.bringAllUp()
        let operation = try #require(harness.submit(.web(.stop) { $0.workers = ["web", "db", "web"] }).accepted)
        #expect(operation.workers == ["db", "web"])
        let order = harness.effects.compactMap { effect in
            if case .terminate(let id, _, _) = effect { id } else { nil }
        }
        #expect(order == [.web(1), .web(0), .db(1), .db(0)])
    }

    @Test func theTranscriptTellsWhatHappenedInOrder() throws {
        var harness = try RosterHarness.running { $0.stop.grace = .seconds(1) }
        let run = try #require(harness.run(of: .web(0)))
        harness.runs[run]?.ignoresTerm = true
        let stop = try #require(harness.submit(.web(.stop)).accepted)
        try harness.note(.web(0), "TERM sent to 4 processes")
        try harness.wait(.seconds(1))
        try harness.note(.web(0), "KILL sent to 4 processes")
        try harness.obey()
        #expect(
            harness.transcript(stop.id) == [
                "TERM sent to 4 processes", "KILL sent to 4 processes", "killed after the grace period; stays down",
            ]
        )
        try harness.note(.web(0), "a line after its end")
        #expect(harness.transcript(stop.id).count == 3)
    }

    @Test func aTranscriptIsBounded() throws {
        var harness = try RosterHarness.running()
        let stop = try #require(harness.submit(.web(.stop)).accepted)
        for number in 0..<(WorkerRoster.maximumTranscript + 5) {
            try harness.note(.web(0), "\(number)")
        }
        #expect(harness.transcript(stop.id).count == WorkerRoster.maximumTranscript)
        #expect(harness.transcript(stop.id).last == "\(WorkerRoster.maximumTranscript - 1)")
    }
}
