import ControlMessages
import Testing

@testable import reeve

@Suite struct StatusViewTests {
    private let workers = [
        Samples.worker(
            "web",
            [
                Samples.instance(
                    "web",
                    0,
                    state: "running",
                    pid: 4242,
                    startedAt: "2026-11-22T09:52:55.000Z",
                    total: 7,
                    lastExit: Samples.exit(signal: SignalMessage(number: 9, name: "SIGKILL"), cause: "killed")
                ),
                Samples.instance(
                    "web",
                    1,
                    state: "backoff",
                    nextStartAt: "2026-11-22T10:05:03.200Z",
                    total: 12,
                    lastExit: Samples.exit(endedAt: "2026-11-22T10:04:58.000Z", code: 3, cause: "error_exit")
                ),
            ]
        ),
        Samples.worker("job", [Samples.instance("job", 0, state: "waiting")], after: ["db", "web"]),
        Samples.worker("old", [Samples.instance("old", 0, state: "failed", lastExit: Samples.execFailure())]),
    ]

    @Test func anInstanceIsALine() {
        #expect(
            StatusView.render(self.workers, now: Samples.now, width: nil, style: .plain) == """
                WORKER  STATE     PID  UP FOR  RESTARTS  LAST EXIT
                web.0   running  4242  12m 5s       1/7  SIGKILL, killed, 2m ago
                web.1   backoff     -       -      1/12  next start in 3.2s; exit code 3, error_exit, 2s ago
                job.0   waiting     -       -       0/0  after db, web
                old.0   failed      -       -       0/0  cannot execute /x: No such file or directory, exec_failed, 2m ago

                """
        )
    }

    @Test func noLineIsWiderThanTheTerminal() {
        for width in [80, 70] {
            let text = StatusView.render(self.workers, now: Samples.now, width: width, style: .plain)
            for line in text.split(separator: "\n") {
                #expect(line.count <= width, "\(line)")
            }
            #expect(text.contains("…\n"))
        }
    }

    @Test func statesHaveColours() {
        let text = StatusView.render(self.workers, now: Samples.now, width: nil, style: .colored)
        #expect(text.contains("\u{1b}[32mrunning\u{1b}[0m"))
        #expect(text.contains("\u{1b}[33mbackoff\u{1b}[0m"))
        #expect(text.contains("\u{1b}[31mfailed\u{1b}[0m"))
    }

    @Test func holdsAndDeviationsStandBelowTheTable() {
        var worker = Samples.worker("web", [Samples.instance("web", 0, state: "stopped", desired: "down")])
        worker.hold = HoldMessage(until: "2026-11-22T12:00:00.000Z", reason: "migration", requestedBy: "uid:0")
        worker.deviations = ["2 instances instead of 1", "web.0 has failed"]
        let text = StatusView.render([worker], now: Samples.now, width: 80, style: .plain)
        #expect(
            text.hasSuffix(
                "\nweb: on hold until 12:00:00 by uid:0: migration\nweb: 2 instances instead of 1\nweb.0 has failed\n"
            )
        )
    }

    @Test func noWorkersIsSaid() {
        #expect(StatusView.render([], now: Samples.now, width: 80, style: .plain) == "no workers\n")
    }

    @Test func whatAWorkerMayHaveWrittenIsHarmless() {
        var instance = Samples.instance("web", 0, state: "running", pid: 1)
        instance.statusText = "\u{1b}]0;title\u{7}"
        let text = StatusView.render([Samples.worker("web", [instance])], now: Samples.now, width: 80, style: .plain)
        #expect(!text.contains("\u{1b}"))
    }

    @Test(arguments: [
        ("running", "up", true), ("finished", "up", true), ("stopped", "down", true), ("finished", "down", true),
        ("failed", "up", false), ("failed", "down", false), ("backoff", "up", false), ("starting", "up", false),
        ("stopping", "down", false), ("waiting", "up", false), ("stopped", "up", false), ("running", "down", false),
    ])
    func onlySomeStatesAreAsDesired(state: String, desired: String, isAsDesired: Bool) {
        let good = Samples.instance("web", 0, state: "running")
        let instance = Samples.instance("web", 1, state: state, desired: desired)
        #expect(StatusView.isAsDesired([Samples.worker("web", [good, instance])]) == isAsDesired)
    }

    @Test func watchingShowsOnlyWhatTheTableShows() {
        var instance = Samples.instance("web", 0, state: "running")
        instance.upShare24h = 0.5
        let shown = WorkersMessage(revision: 1, workers: [Samples.worker("web", [instance])])
        instance.upShare24h = 0.6
        let same = WorkersMessage(revision: 2, workers: [Samples.worker("web", [instance])])
        #expect(!StatusCommand.isNews(same, after: shown), "another worker has changed")
        instance.state = "stopping"
        let other = WorkersMessage(revision: 3, workers: [Samples.worker("web", [instance])])
        #expect(StatusCommand.isNews(other, after: shown))
    }
}
