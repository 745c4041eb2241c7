import ControlMessages
import Glibc
import Supervision
import TestSupport
import Testing

extension AgentTests {
    /// Runs whose end somebody asked for. Each must give exactly the record that it deserves, and name who asked.
    @Suite struct EveryWayToBeEndedTests {
        private static let oneself = "uid:\(getuid())"
        private static let answersTerminate = "trap 'exit 7' TERM; : >armed; while :; do sleep 0.05; done"

        /// The agent with one worker, whose script has created the file `armed`.
        private static func agent(_ script: String, _ settings: String = "") throws -> AgentProcess {
            let agent = try AgentProcess(shellWorker("web", "ulimit -c 0\n" + script, settings))
            try agent.eventually("the worker is armed") { agent.directory.exists("armed") }
            try agent.waitFor("web", toBe: "running")
            return agent
        }

        private static let ignores = "trap '' TERM; : >armed; while :; do sleep 0.2; done"
        private static let waits = ": >armed; " + lives

        private static func stopped(
            _ status: WaitStatus,
            _ cause: String = "stopped",
            by operation: OperationMessage,
            action: String = "stay_down"
        ) -> ExpectedExit {
            ExpectedExit(
                worker: "web",
                waitStatus: status,
                cause: cause,
                requestedBy: self.oneself,
                operationID: operation.id,
                action: action,
                failures: 0
            )
        }

        @Test func byTheStopSignal() throws {
            let agent = try Self.agent(Self.waits)
            let operation = try agent.operate("stop", "web")
            let exit = try agent.waitForFirstExit(of: "web")
            Self.stopped(WaitStatus(signal: .terminate), by: operation).check(exit)
            let sentence =
                "ended by SIGTERM when it was stopped for operation \(operation.id) of \(Self.oneself); stays down"
            try agent.eventually("the log tells it") { agent.log.contains(sentence) }
        }

        @Test func byItsAnswerToTheStopSignal() throws {
            let agent = try Self.agent(Self.answersTerminate)
            let operation = try agent.operate("stop", "web")
            Self.stopped(WaitStatus(exitCode: 7), by: operation).check(try agent.waitForFirstExit(of: "web"))
        }

        @Test func byAStopWithoutGrace() throws {
            let agent = try Self.agent(Self.ignores)
            let operation = try agent.operate("stop", "web", "?grace=0s")
            Self.stopped(WaitStatus(signal: .kill), by: operation).check(try agent.waitForFirstExit(of: "web"))
        }

        @Test func byEscalation() throws {
            let agent = try Self.agent(Self.ignores, #"stop = { grace = "200ms" }"#)
            let operation = try agent.operate("stop", "web")
            var expected = Self.stopped(WaitStatus(signal: .kill), "stop_timeout", by: operation)
            expected.escalated = true
            expected.check(try agent.waitForFirstExit(of: "web"))
            // The time is measured, and no less than what was configured.
            try agent.eventually("the log tells it") {
                agent.log.contains("did not end within ")
                    && agent.log.contains(
                        " s of SIGTERM when it was stopped for operation \(operation.id) of \(Self.oneself), "
                            + "and was killed; stays down"
                    )
            }
        }

        @Test func byAStopCommand() throws {
            let stop = #"stop = { command = ["/bin/sh", "-c", "kill -INT $(cat pid)"] }"#
            let agent = try Self.agent("echo $$ >pid; " + Self.waits, stop)
            let operation = try agent.operate("stop", "web")
            let exit = try agent.waitForFirstExit(of: "web")
            Self.stopped(WaitStatus(signal: .interrupt), by: operation).check(exit)
        }

        @Test func byARestart() throws {
            let agent = try Self.agent(Self.waits)
            let operation = try agent.operate("restart", "web", "?reason=release")
            let exit = try agent.waitForFirstExit(of: "web")
            Self.stopped(WaitStatus(signal: .terminate), by: operation, action: "restart").check(exit)
            #expect(operation.instances.map(\.oldRunID) == [exit.runID])
        }

        @Test func byTheShutdownOfTheAgent() throws {
            let agent = try Self.agent(Self.waits)
            let instance = try agent.worker("web").instances[0]
            agent.program.signal(SIGTERM)
            #expect(try agent.program.wait().exitCode == 0)
            let log = agent.directory.lines("agent.log")
            let shutdown = try #require(log.first { $0.contains(" operation action=shutdown id=") })
            let operation = try #require(shutdown.split(separator: " ").first { $0.hasPrefix("id=") }).dropFirst(3)
            let pid = try #require(instance.pid)
            let runID = try #require(instance.runID)

            let how = "ended by SIGTERM when it was stopped for operation \(operation) of signal:SIGTERM; stays down"
            let exits = log.filter { $0.contains(" exit cause=") }
            #expect(exits.count == 1)
            let fields =
                "exit cause=stopped how=\"\(how)\" instance=web.0 pid=\(pid) run_id=\(runID) seq=1 wait_status=15"
            #expect(exits.first?.hasSuffix(fields) == true, "\(exits)")

            // Nobody is left who could be asked, so the database is.
            let columns = """
                seq, run_id, worker, instance, pid, started_at <= ready_at AND ready_at <= ended_at, uptime_seconds >= 0,
                outcome, wait_status, exit_code, signal, core_dumped, oom, cause, error_stage, escalated, requested_by,
                operation_id, user_seconds >= 0, stderr_tail, decision, decision_delay_seconds, consecutive_failures
                """
            let program = """
                import json, sqlite3, sys
                print(json.dumps(sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchall()))
                """
            let database = agent.directory.file("state/history.db")
            let rows = try run(["/usr/bin/python3", "-c", program, database, "SELECT \(columns) FROM exits"])
            #expect(
                rows.output == """
                    [[1, "\(runID)", "web", 0, \(pid), 1, 1, "signaled", 15, null, "SIGTERM", 0, "no", "stopped", null, 0, \
                    "signal:SIGTERM", "\(operation)", 1, null, "stay_down", 0.0, 0]]

                    """,
                "\(rows.errors)"
            )
        }

        @Test func byAStrangerWhileItIsBeingStopped() throws {
            let kills = outOfMemoryKills()
            let agent = try Self.agent(Self.ignores, #"stop = { grace = "1h" }"#)
            let pid = try agent.waitForPID(of: "web")
            let asked = try agent.post("/v1/workers/web/stop?wait=none")
            #expect(asked.status == 202)
            try agent.waitFor("web", toBe: "stopping")
            sendSignal(SIGKILL, to: pid)
            let exit = try agent.waitForFirstExit(of: "web")
            ExpectedExit(
                worker: "web",
                waitStatus: WaitStatus(signal: .kill),
                cause: "killed",
                oom: oomOfAStrangersKill(since: kills),
                action: "stay_down",
                failures: 0
            ).check(exit)
            try agent.waitFor("web", toBe: "stopped")
        }

        @Test func byAFaultWhileItIsBeingStopped() throws {
            let agent = try Self.agent("trap 'kill -SEGV $$' TERM; : >armed; while :; do sleep 0.05; done")
            let operation = try agent.operate("stop", "web")
            let exit = try agent.waitForFirstExit(of: "web")
            let dumped = CoreDumps.goToAProgram && exit.coreDumped
            let status = WaitStatus(signal: .segmentationViolation, coreDumped: dumped)
            Self.stopped(status, "crashed", by: operation).check(exit)
        }

        @Test(arguments: ["HUP", "KILL", "SEGV", "RTMIN+3"])
        func byASignalThatWasSentByItsName(name: String) throws {
            let agent = try Self.agent(Self.waits)
            let pid = try agent.waitForPID(of: "web")
            try agent.eventually("it sleeps") { ProcessEntry(pid: pid)?.command == "sleep" }
            let query = name.split(separator: "+").joined(separator: "%2B")
            let operation = try agent.operate("signal", "web", "?signal=\(query)")
            let exit = try agent.waitForFirstExit(of: "web")
            let signal = try #require(Signal(name: name))
            var expected = Self.stopped(
                WaitStatus(signal: signal, coreDumped: CoreDumps.goToAProgram && exit.coreDumped),
                "killed",
                by: operation,
                action: "restart"
            )
            expected.failures = 1
            expected.check(exit)
            let sentence = "killed by \(signal), sent by operation \(operation.id) of \(Self.oneself); restart at once"
            if !exit.coreDumped {
                try agent.eventually("the log tells it") { agent.log.contains(sentence) }
            }
        }
    }
}
