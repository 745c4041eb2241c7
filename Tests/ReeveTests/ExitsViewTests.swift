import ControlMessages
import Testing

@testable import reeve

@Suite struct ExitsViewTests {
    private let exits = [
        Samples.exit(
            seq: 3,
            code: 3,
            cause: "error_exit",
            decision: DecisionMessage(action: "restart", delaySeconds: 0.2, consecutiveFailures: 2)
        ),
        Samples.exit(
            seq: 2,
            worker: "job",
            instance: 1,
            endedAt: "2026-11-21T10:05:00.000Z",
            uptime: 0.012,
            code: 0,
            cause: "finished",
            decision: DecisionMessage(action: "stay_down", delaySeconds: 0, consecutiveFailures: 0)
        ),
        Samples.execFailure(),
    ]

    @Test func anExitIsALine() {
        var view = ExitsView()
        #expect(
            view.render(self.exits, now: Samples.now, width: nil, style: .plain, withHeader: true) == """
                WHEN                 WORKER  RAN FOR  CAUSE        DECISION         HOW IT ENDED
                10:03:00             web.0     5m 0s  error_exit   restart in 0.2s  exited with code 3
                2026-11-21 10:05:00  job.1      12ms  finished     stay down        exited with code 0
                10:03:00             web.0         -  exec_failed  give up          cannot execute /x: No such file or directory

                """
        )
    }

    @Test func eightyColumnsAreEnoughForTheDay() {
        var view = ExitsView()
        var crash = Samples.exit(signal: SignalMessage(number: 11, name: "SIGSEGV"))
        crash.waitStatus = 139
        crash.coreDumped = true
        let text = view.render([crash], now: Samples.now, width: 80, style: .plain, withHeader: true)
        #expect(text.hasSuffix("  SIGSEGV (core dumped)\n"))
        let wide = view.render([crash], now: Samples.now, width: 120, style: .plain, withHeader: true)
        #expect(wide.hasSuffix("  crashed with SIGSEGV (core dumped)\n"))
    }

    @Test func whereThereIsRoomItIsASentence() {
        var exit = Samples.exit(signal: SignalMessage(number: 9, name: "SIGKILL"), cause: "stop_timeout")
        exit.escalated = true
        exit.requestedBy = "uid:0\u{1B}"
        exit.operationID = "0190"
        #expect(
            ExitWords.sentence(exit)
                == "did not end within its grace period when it was stopped for operation 0190 of uid:0\\x1b, and was killed"
        )
        exit = Samples.exit(signal: SignalMessage(number: 9, name: "SIGKILL"), cause: "oom_killed")
        exit.oom = "yes"
        #expect(
            ExitWords.sentence(exit)
                == "killed by SIGKILL, which the agent did not send; the kernel's OOM killer did"
        )
        exit.cause = "eaten"
        #expect(ExitWords.sentence(exit) == "ended by SIGKILL", "a cause of a later version")
    }

    @Test func exitsThatComeLaterStandBelowEarlierOnes() {
        var view = ExitsView()
        _ = view.render(self.exits, now: Samples.now, width: nil, style: .plain, withHeader: true)
        let failed = Samples.exit(code: 1, cause: "error_exit")
        let later = view.render([failed], now: Samples.now, width: nil, style: .plain, withHeader: false)
        #expect(later == "10:03:00             web.0     5m 0s  error_exit   restart at once  exited with code 1\n")
    }

    @Test func endingsAreTold() {
        var exit = Samples.exit(signal: SignalMessage(number: 9, name: "SIGKILL"), cause: "oom_killed")
        exit.oom = "yes"
        #expect(ExitWords.ending(exit) == "SIGKILL (out of memory)")
        exit.oom = "suspected"
        #expect(ExitWords.ending(exit) == "SIGKILL (out of memory?)")
        exit.oom = "no"
        exit.escalated = true
        #expect(ExitWords.ending(exit) == "SIGKILL (after the grace period)")
        exit.signal = nil
        exit.escalated = false
        #expect(ExitWords.ending(exit) == "unknown")
    }

    @Test func newDecisionsAreBorne() {
        func words(_ action: String) -> String {
            ExitWords.decision(DecisionMessage(action: action, delaySeconds: 0, consecutiveFailures: 0))
        }
        #expect(words("hold") == "hold")
        #expect(words("think_again") == "think again")
    }
}
