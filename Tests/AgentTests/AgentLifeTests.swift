import ControlMessages
import Glibc
import Supervision
import TestSupport
import Testing

extension AgentTests {
    @Suite struct AgentLifeTests {
        @Test(arguments: [SIGTERM, SIGINT])
        func aSignalToEndStopsAllWorkersAndEndsWithZero(number: Int32) throws {
            let agent = try AgentProcess(
                shellWorker("web", "( setsid sleep 1000 & )\n" + lives, "instances = 3")
                    + shellWorker("stubborn", ignoresTerminate, #"stop = { grace = "300ms" }"#)
                    + shellWorker("flapping", "exit 1", #"backoff = { initial = "1h", max = "1h" }"#)
            )
            try agent.waitFor("web", toBe: "running")
            try agent.waitFor("flapping", toBe: "backoff")
            try agent.eventually("TERM is ignored") { agent.directory.exists("stubborn.armed") }
            try agent.eventually("all sleep") { agent.processes.count { $0.arguments == ["sleep", "1000"] } == 6 }
            agent.program.signal(number)
            #expect(try agent.program.wait().exitCode == 0)
            #expect(agent.processes.isEmpty, "nothing of the workers is left")
            #expect(agent.directory.exists("control.sock") == false, "the socket is taken away")
        }

        @Test func aSecondSignalToEndDoesNotShortenTheGrace() throws {
            let script = """
                trap 'sleep 0.4; : >done; exit 0' TERM
                : >armed
                while :; do sleep 0.05; done
                """
            let agent = try AgentProcess(shellWorker("slow", script, #"stop = { grace = "15s" }"#))
            try agent.eventually("the trap is set") { agent.directory.exists("armed") }
            agent.program.signal(SIGTERM)
            agent.program.signal(SIGTERM)
            #expect(try agent.program.wait().exitCode == 0)
            #expect(agent.directory.exists("done"))
        }

        @Test func itKnowsItsWorkersFromTheFirstAnswerOn() throws {
            for _ in 1...5 {
                let agent = try AgentProcess(shellWorker("web", lives, "autostart = false"), waits: false)
                let first = try eventuallySome("the first answer") { try? agent.get("/v1/workers/web") }
                #expect(first.status == 200, "\(first.text)")
            }
        }

        /// An agent that ended by them would leave its workers behind, and one kill with the wrong name is enough.
        @Test(arguments: [SIGUSR1, SIGUSR2, SIGALRM])
        func aSignalThatMeansNothingDoesNotEndIt(signal: Int32) throws {
            let agent = try AgentProcess(shellWorker("web", lives))
            let pid = try agent.waitForPID(of: "web")
            agent.program.signal(signal)
            sendSignal(signal, to: try agent.pid())
            #expect(try agent.get("/healthz").status == 200)
            #expect(agent.program.ended == nil)
            #expect(try agent.worker("web").instances[0].pid == pid)
            try agent.eventually("the log tells of it") { agent.log.contains("does nothing") }
        }

        @Test func hangupDoesNotEndIt() throws {
            let agent = try AgentProcess(shellWorker("web", lives))
            let pid = try agent.waitForPID(of: "web")
            for _ in 1...3 {
                agent.program.signal(SIGHUP)
                #expect(try agent.get("/healthz").status == 200)
            }
            #expect(agent.program.ended == nil)
            #expect(try agent.worker("web").instances[0].pid == pid, "and its workers do not notice")
        }

        @Test func aClosedOutputDoesNotEndIt() throws {
            let agent = try AgentProcess(shellWorker("web", lives))
            agent.program.signal(SIGPIPE)
            #expect(try agent.get("/healthz").status == 200)
        }

        @Test func shutdownStopsTheWorkersAndEndsIt() throws {
            let agent = try AgentProcess(shellWorker("web", lives))
            _ = try agent.waitForPID(of: "web")
            let answer = try agent.post("/v1/agent/shutdown")
            #expect((200...202).contains(answer.status), "\(answer.text)")
            #expect(try agent.program.wait().exitCode == 0)
            #expect(agent.processes.isEmpty)
        }

        @Test func aSecondAgentOnTheSameStateSaysSoAndEndsWithTwo() throws {
            let agent = try AgentProcess(shellWorker("web", "echo run >>runs\n" + lives))
            let pid = try agent.waitForPID(of: "web")
            let second = try run([executable, "run", "--config", agent.directory.file(AgentProcess.configurationName)])
            #expect(second.code == 2)
            #expect(second.errors.contains(agent.directory.file("state")), "\(second.errors)")
            #expect(try agent.worker("web").instances[0].pid == pid, "the first one is not disturbed")
            try agent.eventually("its run wrote") { !agent.directory.lines("runs").isEmpty }
            #expect(agent.directory.lines("runs").count == 1, "the second one started nothing")
        }

        @Test func aStaleSocketIsTakenOver() throws {
            let agent = try AgentProcess(shellWorker("web", lives, "autostart = false"))
            try agent.crash()
            #expect(try agent.get("/healthz").status == 200)
            #expect(try agent.operate("start", "web").state == "succeeded")
        }

        @Test func aSocketOfALivingServerIsLeftAlone() throws {
            let first = try AgentProcess(shellWorker("web", lives, "autostart = false"))
            let directory = try TemporaryDirectory()
            let path = try directory.write(
                """
                [agent]
                state_dir = "\(directory.path)/state"
                [control]
                socket = "\(first.socketPath)"
                """,
                to: "reeve.toml"
            )
            let second = try run([executable, "run", "--config", path])
            #expect(second.code == 2)
            #expect(second.errors.contains(first.socketPath), "\(second.errors)")
            #expect(try first.get("/healthz").status == 200)
        }

        @Test func theSocketIsForItsOwnerOnly() throws {
            let agent = try AgentProcess(shellWorker("web", lives, "autostart = false"))
            var status = stat()
            #expect(stat(agent.socketPath, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o600)
        }

        @Test func workersGetAnEnvironmentOfTheirOwn() throws {
            // Read by the shell itself: while it starts another program it blocks signals for a moment.
            let script =
                "env >environment; ulimit -n >files; ls -l /proc/$$/fd >descriptors; "
                + "while read -r line; do echo \"$line\"; done </proc/$$/status >status; " + lives
            let agent = try AgentProcess(shellWorker("web", script, #"environment = { GREETING = "hello {worker}" }"#))
            let pid = try agent.waitForPID(of: "web")
            try agent.eventually("it has written all") { agent.directory.read("status").contains("SigIgn") }
            let variables = Set(agent.directory.lines("environment").compactMap { $0.split(separator: "=").first })
            #expect(variables.isSuperset(of: ["GREETING", "REEVE_WORKER", "REEVE_INSTANCE", "REEVE_RUN_ID", "PATH"]))
            #expect(agent.directory.lines("environment").contains("GREETING=hello web"))
            #expect(agent.directory.lines("environment").contains("REEVE_INSTANCE=0"))
            let descriptors = agent.directory.lines("descriptors").filter { $0.contains("->") }
            #expect(descriptors.count <= 4, "only 0, 1, 2 and the shell's own: \(descriptors)")
            let signals = agent.directory.lines("status").filter { $0.hasPrefix("SigBlk") || $0.hasPrefix("SigIgn") }
            #expect(signals.allSatisfy { $0.hasSuffix("0000000000000000") }, "\(signals)")
            let process = try #require(ProcessEntry(pid: pid))
            #expect(process.session == pid)
        }
    }
}
