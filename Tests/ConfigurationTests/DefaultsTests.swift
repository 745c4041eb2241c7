import Supervision
import Testing

@testable import Configuration

@Suite struct DefaultsTests {
    @Test func fillEveryKeyThatAWorkerDoesNotHave() throws {
        let keys = """
            command = ["/bin/app", "{port}"]
            instances = 2
            base_port = 9000
            directory = "/srv"
            environment = { A = "1" }
            environment_file = "/etc/env"
            inherit_environment = true
            autostart = false
            restart = "never"
            success = [1]
            no_restart = ["TERM"]
            backoff = { initial = "1s", factor = 4.0, max = "2s", jitter = 0.5, reset_after = "3s" }
            restart_limit = { restarts = 3, within = "1m", retry_after = "2m" }
            stop = { signal = "INT", grace = "1s", command = ["/bin/stop"] }
            output = { stdout = "null", stderr = "null", max_size = "1M", keep_files = 2, timestamps = true, group = "ops" }
            """
        let byDefault = try TestSystem().loadText("[workers.web]\n[defaults]\n\(keys)").workers
        let itself = try TestSystem().loadText("[workers.web]\n\(keys)").workers
        #expect(byDefault == itself)
        #expect(byDefault.first?.stop == StopPolicy(signal: .interrupt, grace: .seconds(1), command: ["/bin/stop"]))
        #expect(byDefault.first?.instances == 2)
    }

    @Test func areMergedKeyByKeyInTheTablesInsideAsWell() throws {
        let settings = try TestSystem().loadText(
            """
            [defaults]
            restart = "always"
            environment = { A = "1", B = "2", C = "3" }
            backoff.initial = "2s"
            restart_limit = { restarts = 3, within = "1m" }
            stop.grace = "1s"
            output.stdout = "null"
            [workers.web]
            command = "app"
            restart = "never"
            environment = { D = "4", B = "5" }
            backoff.max = "1h"
            restart_limit.within = "5m"
            stop.signal = "INT"
            output.stderr = "null"
            [workers.db]
            command = "db"
            """
        )
        let web = settings.workers[0]
        #expect(web.restart == .never)
        #expect(web.environment.map(\.name) == ["A", "B", "C", "D"])
        #expect(web.environment.map(\.value) == ["1", "5", "3", "4"])
        #expect(web.backoff == BackoffPolicy(initial: .seconds(2), max: .seconds(3600)))
        #expect(web.restartLimit == RestartLimit(restarts: 3, within: .seconds(300)))
        #expect(web.stop == StopPolicy(signal: .interrupt, grace: .seconds(1)))
        #expect(web.output == OutputPolicy(standardOutput: .null, standardError: .null))
        let db = settings.workers[1]
        #expect(db.restart == .always)
        #expect(db.restartLimit == RestartLimit(restarts: 3, within: .seconds(60)))
        #expect(db.stop.grace == .seconds(1))
    }

    @Test func aMistakeInThemIsReportedOnce() {
        let workers = "[workers.a]\ncommand = \"x\"\n[workers.b]\ncommand = \"x\"\n"
        #expect(TestSystem().problems("[defaults]\nbackoff.initial = \"1h\"\n" + workers).count == 1)
        #expect(TestSystem().problems("[defaults]\nrestart = \"x\"\n" + workers).count == 1)
        #expect(
            TestSystem().problems("[defaults]\nuser = \"x\"\n" + workers).map(\.message) == [
                "\"user\" is not supported yet"
            ]
        )
    }

    @Test func aContradictionWithThemIsReportedWhereTheWorkerSpeaks() {
        let problems = TestSystem().problems(
            "[defaults]\nbackoff.initial = \"1m\"\nbackoff.max = \"2m\"\n[workers.a]\ncommand = \"x\"\nbackoff.max = \"1s\""
        )
        #expect(problems.map(\.line) == [6])
        #expect(problems.map(\.message) == ["\"initial\" (1m) is longer than \"max\" (1s)"])
    }

    @Test func aPlaceholderInThemNeedsAPortInEachWorker() {
        let problems = TestSystem().problems(
            "[defaults]\ncommand = [\"x\", \"{port}\"]\n[workers.a]\n[workers.b]\nbase_port = 1\n[workers.c]\n"
        )
        #expect(problems.map(\.line) == [2, 2])
        #expect(problems.map { $0.message.contains("\"a\"") } == [true, false])
    }
}
