import Configuration
import Supervision
import Testing

@Suite struct WorkerSectionTests {
    @Test func hasTheDefaultsOfTheReference() throws {
        let worker = try TestSystem().worker("")
        #expect(worker == WorkerSpecification(name: "web", command: ["/bin/true"]))
        #expect(worker.output == OutputPolicy(standardOutput: .capture, standardError: .capture))
    }

    @Test func takesWhatTheFileSays() throws {
        let settings = try TestSystem().loadText(
            """
            [workers.web-1_x]
            command = ["/usr/bin/app", "--port={port}", "", "{{}}"]
            instances = 3
            base_port = 8000
            directory = "/srv/app"
            environment = { PORT = "{port}", "a.b" = "", NAME = "{worker}.{instance}" }
            environment_file = "app.env"
            inherit_environment = true
            autostart = false
            restart = "always"
            success = [0, 3, "TERM", "sigusr1"]
            no_restart = [78]
            vital = true
            [workers.web-1_x.backoff]
            initial = "1s"
            factor = 3
            max = "1m"
            jitter = 0
            reset_after = "1h"
            [workers.web-1_x.restart_limit]
            restarts = 5
            within = "10m"
            retry_after = "1h"
            [workers.web-1_x.stop]
            signal = "QUIT"
            grace = "0s"
            command = "/bin/stop '{worker} {instance}'"
            [workers.web-1_x.output]
            stdout = "capture"
            stderr = "stdout"
            max_size = "2M"
            keep_files = 0
            timestamps = true
            group = "adm"
            """
        )
        var expected = WorkerSpecification(name: "web-1_x", command: ["/usr/bin/app", "--port={port}", "", "{{}}"])
        expected.instances = 3
        expected.basePort = 8000
        expected.directory = "/srv/app"
        expected.environment = [
            EnvironmentEntry(name: "PORT", value: "{port}"), EnvironmentEntry(name: "a.b", value: ""),
            EnvironmentEntry(name: "NAME", value: "{worker}.{instance}"),
        ]
        expected.environmentFile = "/here/app.env"
        expected.inheritEnvironment = true
        expected.autostart = false
        expected.restart = .always
        expected.success = [.code(0), .code(3), .signal(.terminate), .signal(Signal(10))]
        expected.noRestart = [.code(78)]
        expected.isVital = true
        expected.backoff = BackoffPolicy(
            initial: .seconds(1),
            factor: 3,
            max: .seconds(60),
            jitter: 0,
            resetAfter: .seconds(3600)
        )
        expected.restartLimit = RestartLimit(restarts: 5, within: .seconds(600), retryAfter: .seconds(3600))
        expected.stop = StopPolicy(signal: .quit, grace: .zero, command: ["/bin/stop", "{worker} {instance}"])
        expected.output = OutputPolicy(
            standardOutput: .capture,
            standardError: .standardOutput,
            maximumSize: 2 << 20,
            keepFiles: 0,
            timestamps: true,
            group: "adm"
        )
        #expect(settings.workers == [expected])
    }

    @Test func keepsTheOrderOfTheFile() throws {
        let settings = try TestSystem().loadText(
            "[workers]\nzebra = { command = \"z\" }\n[workers.ant]\ncommand = \"a\"\n[workers.bee]\ncommand = \"b\"\n"
        )
        #expect(settings.workers.map(\.name) == ["zebra", "ant", "bee"])
    }

    @Test func splitsACommandThatIsOneString() throws {
        #expect(
            try TestSystem().loadText("[workers.a]\ncommand = 'sh -c \"echo hello\" x\\ y'").workers[0].command == [
                "sh", "-c", "echo hello", "x y",
            ]
        )
    }

    @Test(arguments: ["web", "0", "a-b_c", "web-", String(repeating: "x", count: 64)])
    func takesNames(_ name: String) throws {
        #expect(try TestSystem().loadText("[workers.\(name)]\ncommand = \"x\"").workers[0].name == name)
    }

    @Test(arguments: ["Web", "-a", "_a", "a b", "a.b", "a/b", "", "ä", "a\\u0000", String(repeating: "x", count: 65)])
    func refusesOtherNames(_ name: String) {
        let problems = TestSystem().problems("[workers.\"\(name)\"]\ncommand = \"x\"")
        #expect(problems.count == 1)
        #expect(problems.first?.column == 10)
        #expect(problems.first?.message.hasSuffix("cannot be the name of a worker") == true)
    }

    @Test(arguments: [
        "instances = 0", "instances = 10000", "base_port = 65535", "base_port = 65534\ninstances = 2",
        "base_port = 1\ninstances = 0", "success = []", "success = [255]", "success = [0]\nno_restart = [0]",
        "environment = {}", "backoff = { initial = \"30s\" }", "backoff = { factor = 1, jitter = 1 }",
        "stop = { command = [] }",
        "stop = { signal = \"SIGRTMIN+3\" }", "stop = { signal = \"KILL\" }", "backoff = { factor = 1e3 }",
        "output = {}", "output = { max_size = \"4K\", keep_files = 0, group = \"adm\" }",
        "output = { max_size = \"1024G\", keep_files = 1000, timestamps = true }",
        "output = { stdout = \"null\", stderr = \"stdout\" }", "output = { max_size = \"4096\" }",
        "environment = { A = \"{{x}}\" }",
    ])
    func takesTheBoundsOfARange(_ keys: String) {
        #expect(TestSystem().problems(inWorker: keys) == [])
    }

    @Test(arguments: [
        // Of the wrong type.
        "instances = \"2\"|1:13: \"instances\" must be a whole number, not a string",
        "instances = 2.0|1:13: \"instances\" must be a whole number, not a floating-point number",
        "autostart = \"yes\"|1:13: \"autostart\" must be true or false, not a string",
        "inherit_environment = 1|1:23: \"inherit_environment\" must be true or false, not a whole number",
        "directory = 2027-12-31|1:13: \"directory\" must be a string, not a date or time",
        "environment = [\"A=1\"]|1:15: \"environment\" must be a table, not an array",
        "environment = { A = 1 }|1:21: the value of \"A\" must be a string, not a whole number",
        "environment_file = false|1:20: \"environment_file\" must be a string, not a boolean",
        "restart = true|1:11: \"restart\" must be a string, not a boolean",
        "success = 0|1:11: \"success\" must be an array of exit codes and names of signals, not a whole number",
        "no_restart = [1.5]|1:15: an element of \"no_restart\" must be an exit code or the name of a signal, not a floating-point number",
        "backoff = \"1s\"|1:11: \"backoff\" must be a table, not a string",
        "backoff = { initial = 1 }|1:23: \"initial\" must be a string, not a whole number",
        "backoff = { factor = \"2\" }|1:22: \"factor\" must be a number, not a string",
        "restart_limit = 10|1:17: \"restart_limit\" must be a table, not a whole number",
        "stop = { signal = 15 }|1:19: \"signal\" must be a string, not a whole number",
        "stop = { command = 1 }|1:20: \"command\" must be an array of strings or a string, not a whole number",
        "output = \"null\"|1:10: \"output\" must be a table, not a string",
        "output = { max_size = 16 }|1:23: \"max_size\" must be a string, not a whole number",
        "output = { timestamps = 1 }|1:25: \"timestamps\" must be true or false, not a whole number",
        "output = { keep_files = \"5\" }|1:25: \"keep_files\" must be a whole number, not a string",
        "output = { group = 4 }|1:20: \"group\" must be a string, not a whole number",
        // Out of range, or of the wrong form.
        "instances = -1|1:13: \"instances\" must be from 0 to 10000, not -1",
        "instances = 10001|1:13: \"instances\" must be from 0 to 10000, not 10001",
        "output = { max_size = \"16MB\" }|1:23: \"max_size\" must be a whole number of bytes, with a unit such as \"512K\", \"256M\", \"2G\" or \"1T\", not \"16MB\"",
        "output = { max_size = \"4095\" }|1:23: \"max_size\" must be from \"4K\" to \"1T\", not \"4095\"",
        "output = { keep_files = 1001 }|1:25: \"keep_files\" must be from 0 to 1000, not 1001",
        "output = { group = \"none\" }|1:20: there is no group \"none\"",
        "output = { stdout = \"stdout\" }|1:21: \"stdout\" cannot be \"stdout\"",
        "output = { stderr = \"captured\" }|1:21: \"stderr\" cannot be \"captured\"",
        "base_port = 0|1:13: \"base_port\" must be from 1 to 65535, not 0",
        "base_port = 65536|1:13: \"base_port\" must be from 1 to 65535, not 65536",
        "backoff = { factor = 0.5 }|1:22: \"factor\" must be from 1.0 to 1000.0, not 0.5",
        "backoff = { factor = nan }|1:22: \"factor\" must be from 1.0 to 1000.0, not nan",
        "backoff = { factor = inf }|1:22: \"factor\" must be from 1.0 to 1000.0, not inf",
        "backoff = { jitter = 1.01 }|1:22: \"jitter\" must be from 0.0 to 1.0, not 1.01",
        "backoff = { jitter = -0.1 }|1:22: \"jitter\" must be from 0.0 to 1.0, not -0.1",
        "backoff = { initial = \"0s\" }|1:23: \"initial\" must be at least \"1ms\", not \"0s\"",
        "backoff = { reset_after = \"0s\" }|1:27: \"reset_after\" must be at least \"1ms\", not \"0s\"",
        "restart_limit = { restarts = 0, within = \"1m\" }|1:30: \"restarts\" must be from 1 to 1000000, not 0",
        "restart_limit = { restarts = 1, within = \"0s\" }|1:42: \"within\" must be at least \"1ms\", not \"0s\"",
        "success = [256]|1:12: an exit code is from 0 to 255, not 256",
        "success = [-1]|1:12: an exit code is from 0 to 255, not -1",
        "success = [\"15\"]|1:12: \"15\" is neither an exit code nor the name of a signal",
        "success = [\"TREM\"]|1:12: there is no signal \"TREM\"",
        "stop = { signal = \"SIGFOO\" }|1:19: there is no signal \"SIGFOO\"",
        "stop = { signal = \"0\" }|1:19: there is no signal \"0\"",
        "restart = \"onfailure\"|1:11: \"restart\" cannot be \"onfailure\"",
        "output = { stdout = \"file\" }|1:21: \"stdout\" cannot be \"file\"",
        "output = { stdout = \"stdout\" }|1:21: \"stdout\" cannot be \"stdout\"",
        "directory = \"\"|1:13: \"directory\" must not be empty",
        "directory = \"/srv/{worker}\"|1:13: \"directory\" cannot hold \"{worker}\"",
        "environment = { \"A=B\" = \"x\" }|1:17: \"A=B\" cannot be the name of a variable",
        "environment = { \"\" = \"x\" }|1:17: \"\" cannot be the name of a variable",
        "environment = { REEVE_WORKER = \"x\" }|1:17: \"REEVE_WORKER\" is set by the agent for each run",
        "environment = { A = \"a\\u0000\" }|1:21: the value of \"A\" must not hold a zero byte",
        "stop = { command = [\"\"] }|1:21: the first element of \"command\" names the program and must not be empty",
        "stop = { command = [\"/x\", 1] }|1:27: an element of \"command\" must be a string, not a whole number",
        // Contradictions.
        "backoff = { initial = \"1m\" }|1:23: \"initial\" (1m) is longer than \"max\" (30s, the default)",
        "backoff = { max = \"10ms\" }|1:19: \"initial\" (100ms, the default) is longer than \"max\" (10ms)",
        "backoff = { max = \"1s\", initial = \"2s\" }|1:19: \"initial\" (2s) is longer than \"max\" (1s)",
        "restart_limit = { within = \"1m\" }|1:1: \"restart_limit\" has no \"restarts\"",
        "restart_limit = { restarts = 1 }|1:1: \"restart_limit\" has no \"within\"",
        "base_port = 65535\ninstances = 2|1:13: the last of 2 instances would have the port 65536",
        "environment = { P = \"{port}\" }|1:21: \"{port}\" needs a \"base_port\", and worker \"web\" has none",
        "stop = { command = [\"/x\", \"{port}\"] }|1:27: \"{port}\" needs a \"base_port\", and worker \"web\" has none",
        "environment = { P = \"{prot}\" }|1:21: \"{prot}\" is not a placeholder",
        "environment = { P = \"{x\" }|1:21: a \"{\" begins a placeholder and is not closed",
    ])
    func refusesWhatIsWrong(_ example: String) {
        let parts = example.split(separator: "|")
        let problems = TestSystem().problems(inWorker: String(parts[0]))
        #expect(problems.count == 1)
        #expect(problems.first?.hasPrefix("\(parts[1]); ") == true, "\(problems)")
        #expect(problems.first?.hasSuffix("; ") == false, "no advice")
    }

    @Test(arguments: [
        "command = []|1:11: \"command\" must not be empty",
        "command = \"\"|1:11: \"command\" must not be empty",
        "command = \"  \"|1:11: \"command\" must not be empty",
        "command = [\"\", \"x\"]|1:12: the first element of \"command\" names the program and must not be empty",
        "command = [\"x\", \"\\u0000\"]|1:17: an element of \"command\" must not hold a zero byte",
        "command = { a = 1 }|1:11: \"command\" must be an array of strings or a string, not a table",
        "command = \"a 'b\"|1:11: \"command\" has a ' that is not closed",
        "command = \"a \\\\\"|1:11: \"command\" ends with a backslash",
        "command = [\"x\", \"{port}\"]|1:17: \"{port}\" needs a \"base_port\", and worker \"web\" has none",
        "command = [\"x\", \"{name}\"]|1:17: \"{name}\" is not a placeholder",
        "autostart = true|0:10: worker \"web\" has no \"command\"",
    ])
    func refusesCommandsThatAreWrong(_ example: String) {
        let parts = example.split(separator: "|")
        let problems = TestSystem().problems("[workers.web]\n\(parts[0])")
        #expect(problems.map { "\(($0.line ?? 0) - 1):\($0.column ?? 0): \($0.message)" } == [String(parts[1])])
    }

    @Test(arguments: ["|", "&", ";", "<", ">", "$", "`"])
    func aCommandForAShellSuggestsOne(_ character: String) throws {
        let problem = try #require(TestSystem().problems("[workers.web]\ncommand = 'cat x \(character) y'").first)
        #expect(problem.line == 2)
        #expect(problem.column == 11)
        #expect(problem.message == "\"command\" is not run by a shell, which an unquoted \"\(character)\" would need")
        #expect(problem.advice.contains("[\"sh\", \"-c\", \"…\"]"))
        #expect(TestSystem().problems("[workers.web]\ncommand = '''cat \"x\" '\(character)' y'''").isEmpty)
    }

    @Test func aWrongValueIsReportedOnce() {
        // Neither as missing, nor as contradicting what it would have been by default.
        #expect(TestSystem().problems("[workers.web]\ncommand = 1").count == 1)
        #expect(TestSystem().problems(inWorker: "backoff = { initial = \"1h\", max = 1 }").count == 1)
        #expect(TestSystem().problems(inWorker: "base_port = \"x\"\nenvironment = { A = \"{port}\" }").count == 1)
        #expect(TestSystem().problems(inWorker: "restart_limit = { restarts = 1, within = 5 }").count == 1)
        #expect(TestSystem().problems(inWorker: "base_port = 65535\ninstances = \"2\"").count == 1)
    }

    @Test(arguments: [
        ("retsart = \"always\"", "1:1: \"retsart\" is not a key of a worker; did you mean \"restart\"?"),
        ("commands = []", "1:1: \"commands\" is not a key of a worker; did you mean \"command\"?"),
        ("initial = \"1s\"", "1:1: \"initial\" is not a key of a worker; it is a key of \"backoff\""),
        ("stop = { autostart = true }", "1:10: \"autostart\" is not a key of \"stop\"; it is a key of a worker"),
        ("zzz = 1", "1:1: \"zzz\" is not a key of a worker; remove it"),
        (
            "backoff = { zzz = 1 }",
            "1:13: \"zzz\" is not a key of \"backoff\"; its keys are \"initial\", \"factor\", \"max\", \"jitter\" and \"reset_after\""
        ),
        ("user = \"app\"", "1:1: \"user\" is not supported yet; remove it"),
        ("ready = {}", "1:1: \"ready\" is not supported yet; remove it"),
        ("ready = { http = \"x\" }", "1:11: \"http\" in \"ready\" is not supported yet; remove it"),
        ("ready = { htp = \"x\" }", "1:11: \"htp\" is not a key of \"ready\"; did you mean \"http\"?"),
        ("sockets = { http = \"tcp://0.0.0.0:80\" }", "1:1: \"sockets\" is not supported yet; remove it"),
    ])
    func refusesKeysThatItDoesNotRead(_ example: (keys: String, problem: String)) {
        #expect(TestSystem().problems(inWorker: example.keys) == [example.problem])
    }

    @Test func aWorkerIsATable() {
        #expect(TestSystem().problems("workers = { web = \"/bin/true\" }").count == 1)
        #expect(TestSystem().problems("[[workers.web]]\ncommand = \"x\"").count == 1)
    }
}
