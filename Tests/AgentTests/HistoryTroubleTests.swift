import ControlMessages
import Glibc
import TestSupport
import Testing

extension AgentTests {
    /// Supervision does not notice what becomes of the history.
    @Suite struct HistoryTroubleTests {
        @Test func aFullDiskHoldsUpNobodyAndNothingIsLost() throws {
            guard let disk = try SmallDisk(size: "4m") else { return }
            let agent = try AgentProcess(
                shellWorker("web", lives, #"backoff = { reset_after = "1ms" }"#),
                state: "\(disk.path)/state"
            )
            var pid = try agent.waitForPID(of: "web")
            sendSignal(SIGKILL, to: pid)
            pid = try agent.waitForPID(of: "web", otherThan: pid)
            try disk.fill()
            for _ in 1...300 {
                sendSignal(SIGKILL, to: pid)
                pid = try agent.waitForPID(of: "web", otherThan: pid)
            }
            let last = try agent.waitForExits(of: "web", count: 301)
            #expect(last.map(\.seq) == Array(1...301))
            let told = try agent.get("/v1/agent").text
            #expect(
                told.contains("the history cannot be written: ") && told.contains("exits wait in memory"),
                "\(told)"
            )
            let metrics = try agent.get("/metrics").text
            #expect(metrics.contains("\nreeve_history_degraded 1\n"))
            #expect(!metrics.contains("\nreeve_history_pending 0\n"))
            // Who follows the events has missed none.
            let events = try EventStream(to: agent.address, after: 0, query: "?follow=false&type=exit")
            events.receiveToEnd()
            #expect(events.types.count == 301)
            // The operator is heard as well.
            try agent.operate("restart", "web")
            disk.free()
            // The history tries again within 30 s; its own end tries once more.
            agent.end()
            try agent.startAgain()
            let exits = try agent.exits(of: "web")
            try #require(exits.count > 301)
            #expect(exits.map(\.seq) == Array(1...Int64(exits.count)))
            #expect(exits.prefix(301).map(\.runID) == last.map(\.runID))
        }

        @Test func aDamagedDatabaseIsSetAsideAndTheAgentComesUp() throws {
            let agent = try AgentProcess(shellWorker("web", lives) + shellWorker("db", lives))
            try agent.waitFor("web", toBe: "running")
            try agent.operate("stop", "db")
            agent.end()
            let path = "\(agent.stateDirectory)/history.db"
            try agent.directory.write(String(repeating: "not a database ", count: 1000), to: "state/history.db")
            try agent.startAgain()
            try agent.waitFor("web", toBe: "running")
            #expect(agent.log.contains("history.set-aside-"))
            let files = try run(["/bin/ls", agent.stateDirectory]).output
            #expect(files.contains("history.set-aside-"))
            #expect(contents(ofFile: path)?.starts(with: Array("SQLite format 3".utf8)) == true)
            sendSignal(SIGKILL, to: try agent.waitForPID(of: "web"))
            let exit = try agent.waitForFirstExit(of: "web")
            #expect(exit.seq > 2, "numbers never go back")
        }
    }
}
