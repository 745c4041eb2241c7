import ControlMessages
import Glibc
import Supervision
import TestSupport
import Testing

extension AgentTests {
    /// What is still known, and who still runs, when the agent was killed at once and its keeper has started another one.
    @Suite struct AgentDeathTests {
        @Test func theWorkersDoNotNotice() throws {
            let script = "i=0; while :; do i=$((i+1)); echo $i; echo $i >>journal; sleep 0.01; done"
            let agent = try AgentProcess(shellWorker("web", script, "instances = 2"))
            try agent.waitFor("web", toBe: "running")
            let before = try agent.worker("web").instances
            for _ in 1...3 {
                try agent.crash()
                let after = try agent.worker("web").instances
                #expect(after.map(\.pid) == before.map(\.pid))
                #expect(after.map(\.runID) == before.map(\.runID))
                #expect(after.map(\.startedAt) == before.map(\.startedAt))
                #expect(after.map(\.restarts.total) == [0, 0])
            }
            let information: AgentMessage = try agent.get("/v1/agent").decode()
            #expect(information.generation == 4)
            #expect(information.keeperPID == agent.program.pid)
            #expect(try agent.exits(of: "web").isEmpty)
            agent.end()
            let written = agent.directory.lines("journal").count
            let captured = (0..<2).map { agent.directory.lines("logs/web/\($0).stdout.log").map { Int($0) ?? 0 } }
            // Each number once, in order: nothing is lost and nothing doubled.
            #expect(captured.allSatisfy { $0 == Array(1...max(1, $0.count)) })
            #expect(captured.reduce(0) { $0 + $1.count } >= written)
        }

        /// What it has read and not written yet is in the keeper's hands.
        @Test func aFloodOfOutputIsWholeOverManyDeaths() throws {
            let count = 5_000_000
            // Each piece flows while the next agent is killed.
            let pieces = 20
            let script = """
                for i in $(seq \(pieces)); do
                    until [ -e go.$i ]; do sleep 0.01; done
                    seq $(((i - 1) * \(count / pieces) + 1)) $((i * \(count / pieces)))
                done
                \(lives)
                """
            let agent = try AgentProcess(
                shellWorker("web", script, #"output = { max_size = "1M", keep_files = 100 }"#)
            )
            for piece in 1...pieces {
                try agent.directory.write("", to: "go.\(piece)")
                try agent.crash()
            }
            let files = (0...100).reversed().map { "logs/web/0.stdout.log" + ($0 == 0 ? "" : ".\($0)") }
            let end = Array("\(count)\n".utf8)
            try agent.eventually("all is written") {
                contents(ofFile: agent.directory.file("logs/web/0.stdout.log"))?.suffix(end.count) == end[...]
            }
            var next = 1
            var line = 0
            for file in files {
                for byte in contents(ofFile: agent.directory.file(file)) ?? [] {
                    if byte != UInt8(ascii: "\n") {
                        line = line * 10 + Int(byte) - 48
                        continue
                    }
                    guard line == next else {
                        Issue.record("\(line) follows \(next - 1) in \(file)")
                        return
                    }
                    next += 1
                    line = 0
                }
            }
            #expect(next == count + 1)
        }

        @Test func whatEndsMeanwhileIsRecordedWithItsStatusAndUsage() throws {
            let agent = try AgentProcess(
                shellWorker("web", lives) + shellWorker("job", "while [ ! -e go ]; do sleep 0.01; done; exit 7")
                    + shellWorker("forker", "sleep 1000 & sleep 1000 & wait")
            )
            for name in ["web", "job", "forker"] {
                try agent.waitFor(name, toBe: "running")
            }
            let web = try agent.waitForPID(of: "web")
            let forker = try agent.waitForPID(of: "forker")
            try agent.eventually("all sleep") { agent.processes.count { $0.arguments == ["sleep", "1000"] } >= 2 }
            let old = try agent.pid()
            sendSignal(SIGSTOP, to: old)
            try agent.directory.write("", to: "go")
            sendSignal(SIGSEGV, to: web)
            sendSignal(SIGKILL, to: forker)
            try agent.eventually("they are zombies") {
                [web, forker].allSatisfy { ProcessEntry(pid: $0)?.isAlive == false }
            }
            sendSignal(SIGKILL, to: old)
            try agent.eventually("another agent answers") { (try? agent.pid()).map { $0 != old } ?? false }
            let exits = try ["web", "job", "forker"].map { try agent.waitForFirstExit(of: $0) }
            #expect(exits.map { $0.waitStatus.map { $0 & ~0x80 } } == [SIGSEGV, 7 << 8, SIGKILL])
            #expect(exits.map(\.cause) == ["crashed", "error_exit", "killed"])
            #expect(exits.allSatisfy { $0.usage != nil && $0.decision.action == "restart" })
            #expect(exits.map(\.pid) == [web, exits[1].pid, forker])
            for name in ["web", "forker"] {
                try agent.waitFor(name, toBe: "running")
            }
            let left = agent.processes.filter { $0.session == forker }
            #expect(left.isEmpty, "nothing of a run is left when another follows it: \(left)")
        }

        @Test func anAdoptedRunIsStoppedLikeAnyOther() throws {
            let agent = try AgentProcess(
                shellWorker("web", "( setsid sleep 1000 & )\nsleep 1000 &\n" + lives)
                    + shellWorker("stubborn", ignoresTerminate, #"stop = { grace = "300ms" }"#)
            )
            try agent.eventually("TERM is ignored") { agent.directory.exists("stubborn.armed") }
            try agent.eventually("all sleep") { agent.processes.count { $0.arguments == ["sleep", "1000"] } >= 2 }
            try agent.crash()
            try agent.operate("stop", "web")
            try agent.operate("stop", "stubborn")
            #expect(agent.processes.isEmpty, "nothing of them is left")
            #expect(try agent.exits(of: "web").map(\.cause) == ["stopped"])
            #expect(try agent.exits(of: "stubborn").map(\.cause) == ["stop_timeout"])
            #expect(try agent.exits(of: "stubborn").map(\.waitStatus) == [SIGKILL])
        }

        @Test func aMistakeInTheConfigurationDoesNotKeepTheNextAgentAway() throws {
            let agent = try AgentProcess(shellWorker("web", lives))
            let pid = try agent.waitForPID(of: "web")
            let text = agent.directory.read(AgentProcess.configurationName)
            try agent.directory.write(text + "\nrestrat = 1\n[wokers.x]\n", to: AgentProcess.configurationName)
            try agent.crash()
            #expect(try agent.waitForPID(of: "web") == pid)
            let information: AgentMessage = try agent.get("/v1/agent").decode()
            #expect(information.degraded.count == 1)
            #expect(information.degraded.first?.contains("has mistakes") == true, "\(information.degraded)")
            #expect(agent.log.contains("is not a key of"), "and they are told")
            sendSignal(SIGKILL, to: pid)
            _ = try agent.waitForPID(of: "web", otherThan: pid)
            // As soon as they are mended the next agent takes the files again.
            try agent.directory.write(text, to: AgentProcess.configurationName)
            try agent.crash()
            let mended: AgentMessage = try agent.get("/v1/agent").decode()
            #expect(mended.degraded.isEmpty)
            // A new start of the service has nobody to look after, and refuses.
            agent.end()
            try agent.directory.write(text + "\nrestrat = 1\n", to: AgentProcess.configurationName)
            let result = try run([executable, "run", "--config", agent.directory.file(AgentProcess.configurationName)])
            #expect(result.code == 2)
        }

        @Test func anAgentThatDiesInItsShutdownComesBackInItsShutdown() throws {
            let script = """
                trap ': >told; until [ -e enough ]; do sleep 0.02; done; exit 0' TERM
                : >armed
                while :; do sleep 0.05; done
                """
            let agent = try AgentProcess(shellWorker("slow", script, #"stop = { grace = "15s" }"#))
            try agent.eventually("the trap is set") { agent.directory.exists("armed") }
            let pid = try agent.pid()
            agent.program.signal(SIGTERM)
            try agent.eventually("the worker was told") { agent.directory.exists("told") }
            sendSignal(SIGKILL, to: pid)
            try agent.directory.write("", to: "enough")
            #expect(try agent.program.wait().exitCode == 0)
            #expect(agent.processes.isEmpty)
        }

        @Test func exitsKeepTheirNumbersAndGoOnCounting() throws {
            let agent = try AgentProcess(shellWorker("web", lives, #"backoff = { reset_after = "1ms" }"#))
            sendSignal(SIGKILL, to: try agent.waitForPID(of: "web"))
            let first = try agent.waitForFirstExit(of: "web")
            #expect(first.seq == 1)
            try agent.crash()
            #expect(try agent.worker("web").instances[0].lastExit == first)
            sendSignal(SIGSEGV, to: try agent.waitForPID(of: "web"))
            let exits = try agent.waitForExits(of: "web", count: 2)
            #expect(exits.map(\.seq) == [1, 2])
            #expect(exits.first == first)
        }

        @Test func whatAnOperatorStoppedStaysStopped() throws {
            let agent = try AgentProcess(shellWorker("web", lives) + shellWorker("db", lives))
            try agent.waitFor("web", toBe: "running")
            try agent.operate("stop", "web")
            try agent.crash()
            try agent.waitFor("db", toBe: "running")
            let web = try agent.worker("web")
            #expect(web.state == "stopped")
            #expect(web.desired == "down")
            try agent.operate("start", "web")
            try agent.crash()
            try agent.waitFor("web", toBe: "running")
        }

        @Test func aStopLastsOverAnOrderlyRestartOfTheService() throws {
            let agent = try AgentProcess(shellWorker("web", lives) + shellWorker("db", lives))
            try agent.waitFor("web", toBe: "running")
            try agent.waitFor("db", toBe: "running")
            try agent.operate("stop", "web")
            agent.end()
            try agent.startAgain()
            try agent.waitFor("db", toBe: "running")
            #expect(try agent.worker("web").state == "stopped")
            #expect(try agent.exits(of: "db").map(\.cause) == ["stopped"])
        }

        @Test func aBackoffIsNotBegunAnew() throws {
            let agent = try AgentProcess(
                shellWorker("web", "exit 1", #"backoff = { initial = "10m", max = "10m" }"#)
            )
            let before = try agent.waitFor("web", toBe: "backoff")
            let instance = try #require(before.instances.first)
            #expect(instance.consecutiveFailures == 2)
            try agent.crash()
            let after = try #require(try agent.waitFor("web", toBe: "backoff").instances.first)
            #expect(after.consecutiveFailures == 2)
            #expect(after.restarts.total == instance.restarts.total)
            #expect(after.nextStartAt?.prefix(19) == instance.nextStartAt?.prefix(19))
            #expect(try agent.exits(of: "web").count == 2)
        }

        @Test func aFinishedJobIsNotRunAgain() throws {
            let agent = try AgentProcess(shellWorker("job", "echo run >>runs; exit 0") + shellWorker("web", lives))
            try agent.waitFor("job", toBe: "finished")
            try agent.waitFor("web", toBe: "running")
            try agent.crash()
            try agent.waitFor("web", toBe: "running")
            #expect(try agent.worker("job").state == "finished")
            #expect(agent.directory.lines("runs") == ["run"])
        }
    }
}
