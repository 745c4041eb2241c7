import ControlMessages
import Testing

@testable import reeve

@Suite struct OperationViewTests {
    private let before = [
        Samples.worker("web", [Samples.instance("web", 0, state: "running", pid: 17, runID: "old")])
    ]
    private let after = [
        Samples.worker("web", [Samples.instance("web", 0, state: "running", pid: 42, runID: "new")])
    ]

    private func text(
        _ instance: OperationInstanceMessage,
        isVerbose: Bool = false,
        state: String = "succeeded"
    ) -> String {
        OperationView(
            operation: Samples.operation(state: state, instances: [instance]),
            before: self.before,
            after: self.after,
            isVerbose: isVerbose
        ).render(style: .plain)
    }

    @Test func aRestartTellsBothProcessIDsAndHowLongItTook() {
        #expect(self.text(Samples.outcome("up")) == "web.0 up with pid 42 (was 17), 1.1s\n")
    }

    @Test func withoutTheWorkersNoProcessIDIsInvented() {
        let view = OperationView(operation: Samples.operation(instances: [Samples.outcome("up")]))
        #expect(view.render(style: .plain) == "web.0 up, 1.1s\n")
    }

    @Test func aStopTellsHowTheRunEnded() {
        var exit = Samples.exit(signal: SignalMessage(number: 9, name: "SIGKILL"), cause: "stop_timeout")
        exit.escalated = true
        #expect(
            self.text(Samples.outcome("stopped", exit: exit))
                == "web.0 stopped (was 17), 1.1s: SIGKILL (after the grace period)\n"
        )
    }

    @Test func aScaleTellsWhatCameAndWhatWent() {
        let exit = Samples.exit(signal: SignalMessage(number: 15, name: "SIGTERM"), cause: "stopped")
        #expect(self.text(Samples.outcome("removed", exit: exit)) == "web.0 removed (was 17), 1.1s: SIGTERM\n")
        #expect(self.text(Samples.outcome("added")) == "web.0 added, not started\n")
        var unchanged = Samples.operation(action: "scale", instances: [])
        unchanged.changed = false
        #expect(OperationView(operation: unchanged).render(style: .plain) == "web unchanged\n")
    }

    @Test func aFailureTellsTheExitAndTheLastWords() {
        var exit = Samples.exit(uptime: 0.1, code: 3, cause: "error_exit")
        exit.stderrTail = ["cannot open the database", "\u{1b}[31mbye"]
        #expect(
            self.text(Samples.outcome("failed", exit: exit), state: "failed") == """
                web.0 did not come up: exit code 3 after 0.1s
                    cannot open the database
                    \\x1b[31mbye

                """
        )
        #expect(
            self.text(Samples.outcome("failed", exit: Samples.execFailure()), state: "failed")
                == "web.0 did not come up: cannot execute /x: No such file or directory\n"
        )
    }

    @Test func theTranscriptIsToldOnRequest() {
        let transcript = [
            TranscriptMessage(at: "2026-11-22T10:05:00.001Z", text: "TERM sent to 4 processes"),
            TranscriptMessage(at: "2026-11-22T10:05:00.301Z", text: "started with pid 42"),
        ]
        let instance = Samples.outcome("up", transcript: transcript)
        #expect(self.text(instance) == "web.0 up with pid 42 (was 17), 1.1s\n")
        #expect(
            self.text(instance, isVerbose: true) == """
                web.0 up with pid 42 (was 17), 1.1s
                    10:05:00.001Z  TERM sent to 4 processes
                    10:05:00.301Z  started with pid 42

                """
        )
    }

    @Test func otherOutcomesAreTold() {
        #expect(self.text(Samples.outcome("unchanged")) == "web.0 already running with pid 42\n")
        #expect(self.text(Samples.outcome("signaled")) == "web.0 was sent the signal (pid 17)\n")
        #expect(self.text(Samples.outcome("reset")) == "web.0 reset\n")
        #expect(self.text(Samples.outcome("skipped")) == "web.0 skipped\n")
        #expect(self.text(Samples.outcome("in_progress")) == "web.0 in progress\n")
        #expect(self.text(Samples.outcome("something_new")) == "web.0 something_new\n")
    }

    @Test func ofSeveralInstancesTheWholeIsTimed() {
        var second = Samples.outcome("up")
        second.instance = 1
        var operation = Samples.operation(instances: [Samples.outcome("up"), second])
        #expect(
            OperationView(operation: operation).render(style: .plain)
                == "web.0 up\nweb.1 up\nrestart took 1.1s\n"
        )
        operation.changed = false
        #expect(OperationView(operation: operation).render(style: .plain) == "web.0 up\nweb.1 up\n")
    }

    @Test func anOperationWithoutInstancesIsStillTold() {
        let view = OperationView(operation: Samples.operation(instances: []))
        #expect(view.render(style: .plain) == "restart succeeded\n")
        #expect(OperationView.goesOn(view.operation) == "restart of web goes on as operation 0190")
    }
}
