import Supervision
import Testing

@Suite struct SignalAndResetTests {
    @Test func aSignalGoesToTheMainProcessOfEachInstance() throws {
        var harness = try RosterHarness.running(instances: 2)
        let request = OperationRequest.web(.signal) { $0.signal = .hangup }
        let done = try #require(harness.submit(request).accepted)
        #expect(done.state == .succeeded)
        #expect(done.changed)
        #expect(done.instances.map(\.outcome) == [.signaled, .signaled])
        #expect(done.instances[0].transcript.map(\.text) == ["SIGHUP sent to the main process"])
        let runs = [harness.run(of: .web(0)), harness.run(of: .web(1))].compactMap(\.self)
        #expect(
            harness.signals == [
                .signal(.web(0), runs[0], .hangup, .main), .signal(.web(1), runs[1], .hangup, .main),
            ]
        )
        #expect(harness.model.active.isEmpty)
    }

    @Test func aSignalCanGoToTheWholeGroup() throws {
        var harness = try RosterHarness.running()
        let request = OperationRequest.web(.signal) {
            $0.signal = .hangup
            $0.signalScope = .group
        }
        let done = try #require(harness.submit(request).accepted)
        #expect(done.instances[0].transcript.map(\.text) == ["SIGHUP sent to the process group"])
    }

    @Test func anInstanceWithoutAProcessIsPassedOver() throws {
        var harness = try RosterHarness.begun(instances: 2)
        try harness.bringUp(.web(1))
        let done = try #require(harness.submit(.web(.signal) { $0.signal = .hangup }).accepted)
        #expect(done.instances.map(\.outcome) == [.unchanged, .signaled])
    }

    @Test func noProcessAtAllIsSaid() throws {
        var harness = try RosterHarness.begun { $0.autostart = false }
        guard case .noProcess("web") = try harness.submit(.web(.signal) { $0.signal = .hangup }) else {
            Issue.record("somebody was signalled")
            return
        }
        #expect(harness.signals.isEmpty)
    }

    @Test func whoIsKilledByNameIsRestartedAndTheRecordNamesTheOperation() throws {
        var harness = try RosterHarness.running()
        let run = try #require(harness.run(of: .web(0)))
        let signal = try #require(harness.submit(.web(.signal) { $0.signal = .kill }).accepted)
        try harness.end(.web(0), WaitStatus(signal: .kill))
        let record = try #require(harness.model.exits[run])
        #expect(record.cause == .killed)
        #expect(record.operationID == signal.id)
        #expect(record.requestedBy == "uid:0")
        #expect(harness.status(.web(0)).state == .starting)
    }

    @Test func aSignalMayBeSentWhileAnOperationHoldsTheWorker() throws {
        var harness = try RosterHarness.running()
        try harness.submit(.web(.stop))
        try #expect(harness.submit(.web(.signal) { $0.signal = .quit }).accepted != nil)
    }

    @Test func resetMakesFailedStopped() throws {
        var harness = try RosterHarness.begun()
        try harness.refuse(.web(0), .missing)
        #expect(harness.status(.web(0)).state == .failed)
        #expect(harness.status(.web(0)).consecutiveFailures == 1)
        let done = try #require(harness.submit(.web(.reset)).accepted)
        #expect(done.changed)
        #expect(done.instances[0].outcome == .reset)
        #expect(harness.status(.web(0)).state == .stopped)
        #expect(harness.status(.web(0)).consecutiveFailures == 0)
        let again = try #require(harness.submit(.web(.reset)).accepted)
        #expect(!again.changed)
        #expect(again.instances[0].outcome == .unchanged)
    }

    @Test func resetTakesTheRetryBack() throws {
        var harness = try RosterHarness.running {
            $0.restartLimit = RestartLimit(restarts: 0, within: .seconds(60), retryAfter: .seconds(60))
        }
        try harness.end(.web(0), WaitStatus(exitCode: 1))
        #expect(harness.timers[.instance(.web(0))] != nil)
        try harness.submit(.web(.reset))
        #expect(harness.timers.isEmpty)
    }
}
