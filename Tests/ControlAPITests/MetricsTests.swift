import ControlMessages
import HTTPServer
import LinuxSystem
import Supervision
import Testing

@testable import ControlAPI
@testable import History

/// GET /metrics.
@Suite struct MetricsTests {
    private let desk = Desk.withWorkers()

    private func metrics() throws -> MetricsReader {
        let response = try self.desk.get("/metrics")
        #expect(response.status == 200)
        #expect(response.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8")
        return try MetricsReader(String(decoding: response.body, as: UTF8.self))
    }

    private func run(_ worker: String, _ index: Int = 0, pid: Int32, starts: Int = 1, restarts: Int = 0) -> RunID {
        var status = InstanceStatus(id: InstanceID(worker: worker, index: index))
        status.state = .running
        status.desired = .up
        status.ready = true
        status.pid = pid
        status.runID = self.desk.id()
        status.startedAt = self.desk.timer.now.wall
        status.starts = starts
        status.restarts = restarts
        self.desk.apply(.instance(InstanceChange(from: .starting, to: .running, status: status)))
        return status.runID ?? self.desk.id()
    }

    @Test func theFirstScrapeHasAllCountersAtZero() throws {
        let metrics = try self.metrics()
        #expect(metrics.value("reeve_build_info", ["version": "0.1.0"]) == 1)
        #expect(metrics.value("reeve_agent_generation") == 1)
        #expect(metrics.value("reeve_config_last_reload_successful") == 1)
        #expect(metrics.value("reeve_history_degraded") == 0)
        #expect(metrics.value("reeve_history_pending") == 0)
        #expect(metrics.value("reeve_history_lost_exits_total") == 0)
        for worker in ["web", "db", "mailer"] {
            for cause in ExitCause.allCases {
                let labels = ["worker": worker, "cause": cause.rawValue]
                #expect(metrics.value("reeve_worker_exits_total", labels) == 0)
            }
        }
        let slot = ["worker": "web", "slot": "1"]
        for name in ["desired", "up", "ready", "starts_total", "restarts_total"] {
            #expect(metrics.samples("reeve_worker_\(name)").count == 4)
            #expect(metrics.value("reeve_worker_\(name)", slot) == 0)
        }
        #expect(metrics.value("reeve_http_requests_total", ["route": "/v1/workers", "code": "200"]) == 0)
        #expect(metrics.value("reeve_loop_lag_seconds", suffix: "_count") == 0)
        #expect(metrics.value("reeve_http_request_duration_seconds", suffix: "_count") == 0)
        // There is nothing to say yet of these.
        for name in [
            "last_exit_code", "last_exit_signal", "last_exit_timestamp_seconds", "start_time_seconds", "healthy",
        ] {
            #expect(metrics.families["reeve_worker_\(name)"] == nil)
        }
    }

    @Test func anInstanceIsInOneState() throws {
        _ = self.run("web", 1, pid: 42, starts: 7, restarts: 3)
        self.desk.become(.backoff, "db")
        let metrics = try self.metrics()
        let states = metrics.samples("reeve_worker_state")
        #expect(states.count == 4 * InstanceState.allCases.count)
        func state(_ worker: String, _ slot: Int) -> [String] {
            states.filter { $0.value == 1 && $0.labels["worker"] == worker && $0.labels["slot"] == "\(slot)" }
                .compactMap { $0.labels["state"] }
        }
        #expect(state("web", 0) == ["stopped"] && state("web", 1) == ["running"] && state("db", 0) == ["backoff"])
        let web = ["worker": "web", "slot": "1"]
        for (name, value) in [
            ("desired", 1.0), ("up", 1), ("ready", 1), ("starts_total", 7), ("restarts_total", 3),
            ("start_time_seconds", 1_795_341_600),
        ] {
            #expect(metrics.value("reeve_worker_\(name)", web) == value, "\(name)")
        }
        let db = ["worker": "db", "slot": "0"]
        #expect(metrics.value("reeve_worker_desired", db) == 1)
        #expect(metrics.value("reeve_worker_up", db) == 0)
        #expect(metrics.value("reeve_worker_start_time_seconds", db) == nil)
    }

    @Test func upIsWhoRunsAndWasNotToldToEnd() throws {
        func up(_ state: InstanceState, pid: Int32?) throws -> Double? {
            var status = InstanceStatus(id: InstanceID(worker: "db", index: 0))
            status.state = state
            status.pid = pid
            self.desk.apply(.instance(InstanceChange(from: state, to: state, status: status)))
            return try self.metrics().value("reeve_worker_up", ["worker": "db", "slot": "0"])
        }
        #expect(try up(.starting, pid: nil) == 0)
        #expect(try up(.starting, pid: 42) == 1)
        #expect(try up(.running, pid: 42) == 1)
        #expect(try up(.stopping, pid: 42) == 0)
    }

    @Test func exitsAreCountedByCause() throws {
        self.desk.apply(.exit(self.desk.exit(1)), .exit(self.desk.exit(2)), .exit(self.desk.exit(3, "db")))
        var crash = self.desk.exit(4, cause: .crashed)
        crash.waitStatus = WaitStatus(signal: Signal(11), coreDumped: false)
        crash.outcome = .signaled
        self.desk.apply(.exit(crash))
        let metrics = try self.metrics()
        func exits(_ worker: String, _ cause: String) -> Double? {
            metrics.value("reeve_worker_exits_total", ["worker": worker, "cause": cause])
        }
        #expect(exits("web", "error_exit") == 2 && exits("web", "crashed") == 1 && exits("db", "error_exit") == 1)
        let web = ["worker": "web", "slot": "0"]
        #expect(metrics.value("reeve_worker_last_exit_signal", web) == 11)
        #expect(metrics.value("reeve_worker_last_exit_code", web) == nil)
        #expect(metrics.value("reeve_worker_last_exit_code", ["worker": "db", "slot": "0"]) == 1)
        #expect(metrics.value("reeve_worker_last_exit_timestamp_seconds", web) == 1_795_341_600)
        // A worker keeps its counts when the configuration is read again.
        self.desk.apply(.configured([WorkerSpecification(name: "web", command: ["/x"])]))
        #expect(
            try self.metrics().value("reeve_worker_exits_total", ["worker": "web", "cause": "error_exit"]) == 2
        )
    }

    @Test func theHistorysTroubleIsTold() throws {
        self.desk.history.contents.withLock { contents in
            contents.status.degraded = "database or disk is full"
            contents.status.pending = 12
            contents.status.lostExits = 3
        }
        let metrics = try self.metrics()
        #expect(metrics.value("reeve_history_degraded") == 1)
        #expect(metrics.value("reeve_history_pending") == 12)
        #expect(metrics.value("reeve_history_lost_exits_total") == 3)
    }

    // MARK: Requests

    @Test func requestsAreCountedByTheirRouteAndStatus() throws {
        _ = try self.desk.get("/v1/workers/web")
        _ = try self.desk.get("/v1/workers/db")
        _ = try self.desk.get("/v1/workers/nope")
        _ = try self.desk.get("/nothing")
        _ = try self.desk.ask("POST", "/v1/workers/web")
        _ = try self.desk.ask("GET", "/v1/workers", as: .tcp(2))
        _ = try self.metrics()
        let metrics = try self.metrics()
        func count(_ route: String, _ code: Int) -> Double? {
            metrics.value("reeve_http_requests_total", ["route": route, "code": "\(code)"])
        }
        #expect(count("/v1/workers/{worker}", 200) == 2 && count("/v1/workers/{worker}", 404) == 1)
        #expect(count("/v1/workers/{worker}", 405) == 1 && count("/v1/workers", 401) == 1)
        #expect(count("other", 404) == 1 && count("/metrics", 200) == 1)
        #expect(metrics.value("reeve_http_request_duration_seconds", suffix: "_count") == 4)
    }

    @Test func theTimeOfWhoWaitsForNewsIsNotCounted() throws {
        let poll = self.desk.send("GET", "/v1/exits?after=0&timeout=30s")
        let stop = self.desk.send("POST", "/v1/workers/web/stop?wait=none")
        self.desk.timer.advance(by: .milliseconds(20))
        self.desk.answer(.busy("the agent is ending"))
        self.desk.timer.advance(by: .seconds(30))
        #expect(poll.responses.count == 1 && stop.responses.count == 1)
        let metrics = try self.metrics()
        #expect(metrics.value("reeve_http_requests_total", ["route": "/v1/exits", "code": "200"]) == 1)
        let name = "reeve_http_request_duration_seconds"
        #expect(metrics.value(name, suffix: "_count") == 1)
        #expect(metrics.value(name, suffix: "_sum") == 0.02)
        #expect(metrics.value(name, ["le": "0.01"], suffix: "_bucket") == 0)
        #expect(metrics.value(name, ["le": "0.025"], suffix: "_bucket") == 1)
    }

    @Test func theLagOfTheLoopIsAHistogram() throws {
        for milliseconds in [0, 1, 7, 7, 90_000] {
            self.desk.handler.loopLag.note(.milliseconds(milliseconds))
        }
        let metrics = try self.metrics()
        let name = "reeve_loop_lag_seconds"
        let ends: [(String, Double)] = [("0.0001", 1), ("0.001", 2), ("0.005", 2), ("0.01", 4), ("5", 4), ("+Inf", 5)]
        for (end, count) in ends {
            #expect(metrics.value(name, ["le": end], suffix: "_bucket") == count)
        }
        #expect(metrics.value(name, suffix: "_sum") == 90.015)
    }

    @Test func aLoopIsWatched() throws {
        let loop = try EventLoop(name: "watched")
        let lag = LoopLag()
        var turns = 0
        loop.endOfTurn = {
            turns += 1
            if turns == 3 {
                loop.stop()
            }
        }
        lag.watch(loop)
        loop.longestWait = { .zero }
        loop.run()
        var text = MetricsText()
        lag.write(to: &text)
        let metrics = try MetricsReader(String(decoding: text.bytes, as: UTF8.self))
        #expect(turns == 3)
        #expect(metrics.value("reeve_loop_lag_seconds", suffix: "_count") == 3)
    }

    // MARK: Processes

    @Test func whatTheMainProcessesUseIsReadWhenSomebodyAsks() throws {
        var figures = ProcessResources(
            processorTime: .milliseconds(1250),
            residentBytes: 4 << 20,
            virtualBytes: 1 << 30,
            threads: 1,
            startTime: 7
        )
        var read: [Int32] = []
        self.desk.handler.usage.read = { pid in
            read.append(pid)
            return pid == 42 ? figures : nil
        }
        let run = self.run("web", 1, pid: 42)
        _ = self.run("db", pid: 43)
        let web = ["worker": "web", "slot": "1"]
        var metrics = try self.metrics()
        #expect(metrics.samples("reeve_worker_cpu_seconds_total").count == 1)
        #expect(metrics.value("reeve_worker_cpu_seconds_total", web) == 1.25)
        #expect(metrics.value("reeve_worker_resident_memory_bytes", web) == 4_194_304)
        #expect(read == [42, 43])
        // Two who ask at once are told the same; only what was not there to be read is looked for again.
        _ = try self.metrics()
        #expect(read == [42, 43, 43])
        // The number was taken over by another process.
        figures.startTime = 8
        figures.residentBytes = 1
        self.desk.timer.advance(by: .seconds(15))
        metrics = try self.metrics()
        #expect(metrics.value("reeve_worker_resident_memory_bytes", web) == 4_194_304)
        #expect(self.desk.handler.usage[run] != nil)
        self.desk.become(.stopped, "web", 1)
        self.desk.timer.advance(by: .seconds(15))
        #expect(try self.metrics().families["reeve_worker_cpu_seconds_total"] == nil)
        #expect(self.desk.handler.usage[run] == nil)
    }

    @Test func aReadingThatTakesLongGoesOnWhereItEnded() throws {
        let timer = self.desk.timer
        var read: [Int32] = []
        self.desk.handler.usage.read = { pid in
            read.append(pid)
            timer.advance(by: .milliseconds(1))
            return nil
        }
        var large = WorkerSpecification(name: "large", command: ["/x"])
        large.instances = 50
        self.desk.apply(.configured([large]))
        for index in 0..<50 {
            _ = self.run("large", index, pid: Int32(100 + index))
        }
        for _ in 1...2 {
            _ = try self.metrics()
            timer.advance(by: .seconds(15))
        }
        #expect(read.count < 80)
        #expect(Set(read) == Set((0..<50).map { Int32(100 + $0) }))
    }

    @Test func theAgentTellsWhatItUsesItself() throws {
        let metrics = try self.metrics()
        #expect(try #require(metrics.value("process_resident_memory_bytes")) > 1_048_576)
        #expect(try #require(metrics.value("process_open_fds")) >= 3)
        #expect(try #require(metrics.value("process_max_fds")) >= 3)
        #expect(metrics.value("process_start_time_seconds") == 1_795_341_600)
        #expect(metrics.families["process_cpu_seconds_total"]?.type == "counter")
        #expect(metrics.families["process_virtual_memory_bytes"] != nil)
    }

    // MARK: Form

    @Test func labelsAndHelpAreEscaped() throws {
        var text = MetricsText()
        text.begin("x_total", .counter, "a \\ and a\nline, \"quoted\"")
        text.sample(1, MetricsText.labels(("a", "\"q\" \\ \n é")), last: ("b", "c"))
        text.begin("never", .gauge, "has no sample")
        #expect(
            String(decoding: text.bytes, as: UTF8.self)
                == "# HELP x_total a \\\\ and a\\nline, \"quoted\"\n# TYPE x_total counter\n"
                + "x_total{a=\"\\\"q\\\" \\\\ \\n é\",b=\"c\"} 1\n"
        )
        let metrics = try MetricsReader(String(decoding: text.bytes, as: UTF8.self))
        #expect(metrics.value("x_total", ["a": "\"q\" \\ \n é", "b": "c"]) == 1)
    }

    @Test func numbersReadAsTheyWere() {
        let numbers: [(Double, String)] = [
            (0, "0"), (-3, "-3"), (0.25, "0.25"), (1e-7, "1e-07"), (.infinity, "+Inf"), (-.infinity, "-Inf"),
            (.nan, "NaN"), (1_795_341_600.123, "1795341600.123"), (9e15, "9000000000000000"),
        ]
        for (number, text) in numbers {
            #expect(MetricsText.number(number) == text)
        }
    }

    @Test func theyAreForMonitors() throws {
        #expect(try self.desk.ask("GET", "/metrics", as: .tcp(1)).status == 200)
        #expect(try self.desk.ask("GET", "/metrics", as: .user(1002, groups: [500])).status == 200)
        try self.desk.refused(401, .unauthorized, "GET", "/metrics", as: .tcp(2))
        try self.desk.refused(400, .unknownParameter, "GET", "/metrics?x=1")
    }
}
