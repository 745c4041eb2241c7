import ControlMessages
import Glibc
import TestSupport
import Testing

extension AgentTests {
    /// What becomes of the workers when the keeper is killed, alone or together with the agent.
    @Suite struct KeeperDeathTests {
        /// One that writes nothing: its pipes break with their last reader.
        private static let quiet = "sleep 1000 &\nwhile :; do sleep 0.05; done"

        @Test func theAgentGoesOnAndTheNextKeeperTakesOver() throws {
            let script = "i=0; while :; do i=$((i+1)); echo $i; echo $i >>journal; sleep 0.01; done"
            let agent = try AgentProcess(shellWorker("web", script) + shellWorker("db", Self.quiet))
            try agent.waitFor("web", toBe: "running")
            try agent.waitFor("db", toBe: "running")
            let before = try ["web", "db"].map { try agent.worker($0).instances[0] }
            let pid = try agent.loseKeeper()
            #expect(try agent.pid() == pid, "the agent goes on")
            #expect(try agent.operate("restart", "db").state == "succeeded")
            let db = try agent.worker("db").instances[0]
            try agent.startAgain()
            let after = try ["web", "db"].map { try agent.worker($0).instances[0] }
            #expect(after.map(\.pid) == [before[0].pid, db.pid])
            #expect(after.map(\.runID) == [before[0].runID, db.runID])
            #expect(after.map(\.startedAt) == [before[0].startedAt, db.startedAt])
            #expect(try agent.exits(of: "db").map(\.cause) == ["stopped"])
            agent.end()
            #expect(agent.processes.isEmpty)
            // Each number once, in order: nothing is lost and nothing doubled.
            let captured = agent.directory.lines("logs/web/0.stdout.log").map { Int($0) ?? 0 }
            #expect(captured == Array(1...max(1, captured.count)))
            #expect(captured.count >= agent.directory.lines("journal").count)
        }

        /// They are nobody's children any more, and yet their ends are known and nothing of them is left.
        @Test func endsOfRunsThatWereTakenOverAreTold() throws {
            let agent = try AgentProcess(
                shellWorker("web", Self.quiet) + shellWorker("job", "while [ ! -e go ]; do sleep 0.01; done; exit 7")
            )
            try agent.waitFor("web", toBe: "running")
            try agent.waitFor("job", toBe: "running")
            try agent.loseKeeper()
            try agent.startAgain()
            let web = try agent.waitForPID(of: "web")
            try agent.eventually("it sleeps") { agent.processes.contains { $0.arguments == ["sleep", "1000"] } }
            sendSignal(SIGKILL, to: web)
            try agent.directory.write("", to: "go")
            let exits = try ["web", "job"].map { try agent.waitForFirstExit(of: $0) }
            #expect(exits.map(\.waitStatus) == [SIGKILL, 7 << 8])
            #expect(exits.map(\.cause) == ["killed", "error_exit"])
            _ = try agent.waitForPID(of: "web", otherThan: web)
            #expect(!agent.processes.contains { $0.session == web }, "nothing of a run is left when another follows it")
            try agent.operate("stop", "web")
            try agent.operate("stop", "job")
            #expect(agent.processes.isEmpty)
        }

        @Test func runsAreFoundWhenAgentAndKeeperAreGone() throws {
            let agent = try AgentProcess(
                shellWorker("web", Self.quiet, "instances = 2") + shellWorker("job", "exit 0")
                    + shellWorker("stopped", lives)
            )
            try agent.waitFor("web", toBe: "running")
            try agent.waitFor("job", toBe: "finished")
            try agent.operate("stop", "stopped")
            let before = try agent.worker("web").instances
            try agent.loseAll()
            // One of them ends while nobody looks.
            let other = try #require(before[1].pid)
            sendSignal(SIGKILL, to: other)
            try agent.eventually("whoever has inherited it has reaped it") { ProcessEntry(pid: other) == nil }
            try agent.startAgain()
            try agent.waitFor("web", toBe: "running")
            let after = try agent.worker("web").instances
            #expect(after[0].pid == before[0].pid && after[0].runID == before[0].runID)
            #expect(after[0].startedAt == before[0].startedAt)
            #expect(after[1].pid != before[1].pid)
            let exits = try agent.exits(of: "web")
            #expect(exits.map(\.runID) == [before[1].runID])
            #expect(exits.map(\.outcome) == ["unknown"], "nobody was there to see it")
            #expect(exits.map(\.waitStatus) == [nil])
            #expect(try agent.worker("job").state == "finished")
            #expect(try agent.worker("stopped").state == "stopped")
            // And the next death of the agent is as any other.
            try agent.crash()
            #expect(try agent.worker("web").instances.map(\.pid) == after.map(\.pid))
            sendSignal(SIGSEGV, to: try #require(after[0].pid))
            let last = try #require(try agent.waitForExits(of: "web", count: 2).last)
            #expect(last.waitStatus.map { $0 & ~0x80 } == SIGSEGV)
            #expect(last.cause == "crashed")
        }

        @Test func withKillTheAgentEndsItsWorkers() throws {
            let agent = try AgentProcess(
                shellWorker("web", "( setsid sleep 1000 & )\n" + Self.quiet)
                    + shellWorker("stubborn", ignoresTerminate),
                agent: #"on_keeper_death = "kill""#
            )
            try agent.eventually("TERM is ignored") { agent.directory.exists("stubborn.armed") }
            try agent.eventually("all sleep") { agent.processes.count { $0.arguments == ["sleep", "1000"] } == 2 }
            let pid = try agent.loseKeeper()
            try agent.eventually("the agent has ended") { ProcessEntry(pid: pid)?.isAlive != true }
            #expect(agent.processes.isEmpty, "nothing of them is left")
            try agent.startAgain()
            try agent.waitFor("web", toBe: "running")
            let exits = try agent.exits(of: "stubborn")
            #expect(exits.map(\.waitStatus) == [SIGKILL])
            #expect(exits.map(\.requestedBy) == ["agent:on_keeper_death"])
        }

        @Test func withKillTheNextKeeperEndsWhatIsLeft() throws {
            let agent = try AgentProcess(
                shellWorker("web", Self.quiet),
                agent: #"on_keeper_death = "kill""#
            )
            let web = try agent.waitForPID(of: "web")
            try agent.eventually("it sleeps") { agent.processes.contains { $0.arguments == ["sleep", "1000"] } }
            let runID = try agent.worker("web").instances[0].runID
            // First the agent, so that it cannot do it.
            sendSignal(SIGSTOP, to: try agent.pid())
            agent.program.signal(SIGSTOP)
            let children = ProcessEntry.alive(withParent: agent.program.pid)
            agent.program.signal(SIGKILL)
            for child in children {
                sendSignal(SIGKILL, to: child.pid)
            }
            _ = try agent.program.wait()
            #expect(ProcessEntry(pid: web)?.isAlive == true)
            try agent.startAgain()
            _ = try agent.waitForPID(of: "web", otherThan: web)
            #expect(!agent.processes.contains { $0.session == web })
            let exit = try agent.waitForFirstExit(of: "web")
            #expect(exit.runID == runID && exit.waitStatus == SIGKILL)
            #expect(exit.requestedBy == "agent:on_keeper_death")
        }
    }
}
