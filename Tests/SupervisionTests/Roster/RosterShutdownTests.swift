import Supervision
import Testing

@Suite struct RosterShutdownTests {
    private let shutdown = OperationRequest(action: .shutdown, workers: [], requestedBy: "signal:TERM")

    @Test func aShutdownStopsEverythingAndThenSaysSo() throws {
        var harness = RosterHarness([WorkerSpecification(name: "db", command: ["/bin/db"]), .web { $0.instances = 2 }])
        try harness.begin()
        try harness.bringAllUp()
        let operation = try #require(harness.submit(self.shutdown).accepted)
        #expect(harness.model.isShuttingDown)
        #expect(harness.ended.isEmpty)
        try harness.obey()
        #expect(harness.ended == [operation.id])
        #expect(harness.operation(operation.id)?.state == .succeeded)
        #expect(harness.timers.isEmpty)
    }

    @Test func aShutdownWithNoWorkersEndsAtOnce() throws {
        for specifications in [[], [WorkerSpecification.web { $0.instances = 0 }]] {
            var harness = RosterHarness(specifications)
            try harness.begin()
            let operation = try #require(harness.submit(self.shutdown).accepted)
            #expect(operation.state == .succeeded)
            #expect(harness.ended == [operation.id])
        }
    }

    @Test func aShutdownOfWhatIsStoppedEndsAtOnce() throws {
        var harness = try RosterHarness.begun(instances: 2) { $0.autostart = false }
        let operation = try #require(harness.submit(self.shutdown).accepted)
        #expect(!operation.changed)
        #expect(harness.ended == [operation.id])
    }

    @Test func aShutdownIsOfEverythingWhateverElseItNames() throws {
        var harness = try RosterHarness.running(instances: 3)
        var request = self.shutdown
        request.workers = ["wbe"]
        request.instance = 1
        let operation = try #require(harness.submit(request).accepted)
        #expect(operation.instances.count == 3)
    }

    @Test func aShutdownAbortsWhatIsUnderWay() throws {
        var harness = try RosterHarness.running(instances: 2)
        let restart = try #require(harness.submit(.web(.restart)).accepted)
        let operation = try #require(harness.submit(self.shutdown).accepted)
        #expect(harness.operation(restart.id)?.abortedBy == operation.id)
        try harness.obey()
        #expect(harness.ended == [operation.id])
    }

    @Test func aShutdownGoesBesideAStopThatIsUnderWay() throws {
        var harness = try RosterHarness.running(instances: 2)
        let stop = try #require(harness.submit(.web(.stop)).accepted)
        let operation = try #require(harness.submit(self.shutdown).accepted)
        try harness.obey()
        #expect(harness.operation(stop.id)?.state == .succeeded)
        #expect(harness.ended == [operation.id])
    }

    @Test func nothingIsStartedAfterIt() throws {
        var harness = try RosterHarness.running()
        try harness.submit(self.shutdown)
        for action in [OperationAction.start, .restart] {
            guard case .busy = try harness.submit(.web(action)) else {
                Issue.record("\(action) went through")
                continue
            }
        }
        try harness.obey()
        guard case .busy = try harness.submit(.web(.start)) else {
            Issue.record("a start went through after the end")
            return
        }
    }

    @Test func aSecondShutdownJoinsAndMayBeLessPatient() throws {
        var harness = try RosterHarness.running(instances: 2)
        let operation = try #require(harness.submit(self.shutdown).accepted)
        try #expect(harness.submit(self.shutdown).joined?.id == operation.id)
        #expect(harness.runs.values.allSatisfy { !$0.killSent })
        var impatient = self.shutdown
        impatient.grace = .zero
        try #expect(harness.submit(impatient).joined?.id == operation.id)
        #expect(harness.runs.values.allSatisfy { $0.killSent })
    }

    /// Who finds that one worker keeps the agent from ending must be able to stop it at once.
    @Test func aStopJoinsTheShutdownAndMayBeLessPatient() throws {
        var harness = try RosterHarness.running(instances: 2)
        let operation = try #require(harness.submit(self.shutdown).accepted)
        var request = OperationRequest.web(.stop)
        request.instance = 1
        try #expect(harness.submit(request).joined?.id == operation.id)
        #expect(harness.runs.values.allSatisfy { !$0.killSent })
        request.grace = .zero
        try #expect(harness.submit(request).joined?.id == operation.id)
        #expect(harness.runs.values.count { $0.killSent } == 1)
        try harness.obey()
        #expect(harness.ended == [operation.id])
    }

    @Test func aRunThatIsBeingCreatedIsWaitedFor() throws {
        var harness = try RosterHarness.begun()
        try harness.submit(self.shutdown)
        #expect(harness.ended.isEmpty)
        try harness.bringUp(.web(0))
        #expect(harness.ended.isEmpty)
        try harness.obey()
        #expect(harness.ended.count == 1)
    }

    @Test func aBackoffIsNotWaitedFor() throws {
        var harness = try RosterHarness.begun()
        try harness.refuse(.web(0), .tooManyProcesses)
        try harness.refuse(.web(0), .tooManyProcesses)
        #expect(harness.status(.web(0)).state == .backoff)
        try harness.submit(self.shutdown)
        #expect(harness.ended.count == 1)
        try harness.wait(.seconds(3600))
        #expect(harness.runs.isEmpty)
    }
}
