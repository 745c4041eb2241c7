import ControlMessages
import Glibc
import TestSupport
import Testing

extension AgentTests {
    /// What monitors do: look again and again, or wait for a change.
    @Suite struct WatchingTests {
        @Test func aLongPollWakesWhenSomethingChanges() throws {
            let agent = try AgentProcess(shellWorker("web", lives))
            let pid = try agent.waitForPID(of: "web")
            let before: WorkersMessage = try agent.get("/v1/workers").decode()
            let poll = try HTTPExchange(to: agent.address, "GET", "/v1/workers?after=\(before.revision)&timeout=19s")
            #expect(poll.isAnswered(within: .milliseconds(100)) == false, "nothing has changed")
            sendSignal(SIGKILL, to: pid)
            let after: WorkersMessage = try poll.answer().decode()
            #expect(after.revision > before.revision)
        }

        @Test func aLongPollWithAnotherRevisionAnswersAtOnce() throws {
            let agent = try AgentProcess(shellWorker("web", lives))
            _ = try agent.waitForPID(of: "web")
            let now: WorkersMessage = try agent.get("/v1/workers").decode()
            let other: WorkersMessage = try agent.get("/v1/workers?after=\(now.revision - 1)&timeout=19s").decode()
            #expect(other.workers.map(\.name) == ["web"])
        }

        @Test func aLongPollEndsAtItsTimeout() throws {
            let agent = try AgentProcess(shellWorker("web", lives))
            _ = try agent.waitForPID(of: "web")
            let before: WorkersMessage = try agent.get("/v1/workers").decode()
            let answer = try agent.get("/v1/workers?after=\(before.revision)&timeout=100ms")
            #expect(answer.status == 200 || answer.status == 304)
        }

        @Test func anUnchangedStatusIs304() throws {
            let agent = try AgentProcess(shellWorker("web", lives))
            let pid = try agent.waitForPID(of: "web")
            let first = try agent.get("/v1/workers")
            let tag = try #require(first.header("ETag"))
            let same = try agent.get("/v1/workers", headers: ["If-None-Match": tag])
            #expect(same.status == 304)
            #expect(same.body.isEmpty)
            #expect(same.header("ETag") == tag)
            sendSignal(SIGKILL, to: pid)
            _ = try agent.waitForPID(of: "web", otherThan: pid)
            let changed = try agent.get("/v1/workers", headers: ["If-None-Match": tag])
            #expect(changed.status == 200)
            #expect(changed.header("ETag") != tag)
        }

        @Test func exitsCanBeFollowedWithoutMissingOne() throws {
            let agent = try AgentProcess(shellWorker("web", lives, #"backoff = { reset_after = "1ms" }"#))
            var pid = try agent.waitForPID(of: "web")
            let start: ExitsMessage = try agent.get("/v1/exits?after=0").decode()
            #expect(start.exits.isEmpty)
            var cursor: Int64 = 0
            var seen: [Int64] = []
            for _ in 1...5 {
                let poll = try HTTPExchange(to: agent.address, "GET", "/v1/exits?after=\(cursor)&timeout=19s")
                sendSignal(SIGKILL, to: pid)
                let page: ExitsMessage = try poll.answer().decode()
                #expect(page.exits.count == 1)
                seen += page.exits.map(\.seq)
                cursor = try #require(page.next ?? page.exits.last?.seq)
                pid = try agent.waitForPID(of: "web", otherThan: pid)
            }
            #expect(zip(seen, seen.dropFirst()).allSatisfy { $1 == $0 + 1 })
            let one: ExitMessage = try agent.get("/v1/exits/\(seen[2])").decode()
            #expect(one.seq == seen[2])
        }

        @Test func followersGoOnWithTheNextAgent() throws {
            let agent = try AgentProcess(shellWorker("web", lives, #"backoff = { reset_after = "1ms" }"#))
            var pid = try agent.waitForPID(of: "web")
            for _ in 1...3 {
                sendSignal(SIGKILL, to: pid)
                pid = try agent.waitForPID(of: "web", otherThan: pid)
            }
            let follower = try ChildProgram(
                [executable, "exits", "--follow", "--socket", agent.socketPath],
                standardOutput: agent.directory.file("follower"),
                standardError: agent.directory.file("follower.errors")
            )
            defer { follower.signal(SIGKILL) }
            func killed() -> Int { agent.directory.lines("follower").filter { $0.contains(" killed ") }.count }
            try agent.eventually("the exits are shown") { killed() == 3 }
            agent.end()
            try agent.startAgain()
            let next: ExitsMessage = try agent.get("/v1/exits?after=3&timeout=19s").decode()
            #expect(next.exits.map(\.seq) == [4] && next.exits.map(\.cause) == ["stopped"])
            #expect(next.oldest == 1)
            sendSignal(SIGKILL, to: try agent.waitForPID(of: "web"))
            try agent.eventually("the next agent's exit is shown") { killed() == 4 }
            #expect(agent.directory.lines("follower").filter { $0.contains(" stopped ") }.count == 1)
            #expect(!agent.directory.lines("follower.errors").contains { $0.contains("missing") })
            let all: ExitsMessage = try agent.get("/v1/exits").decode()
            #expect(all.exits.map(\.seq) == [5, 4, 3, 2, 1])
        }

        @Test func readyMeansThatEveryWantedWorkerIsUp() throws {
            let agent = try AgentProcess(
                shellWorker("web", lives) + shellWorker("job", "exit 0")
                    + shellWorker("asleep", lives, "autostart = false")
            )
            try agent.eventually("ready") { try agent.get("/readyz").status == 200 }
            try agent.operate("stop", "web")
            #expect(try agent.get("/readyz").status == 200, "it is not wanted any more")
        }

        @Test func theAgentTellsOfItself() throws {
            let agent = try AgentProcess(shellWorker("web", lives, "autostart = false"))
            let answer = try agent.get("/v1/agent")
            #expect(answer.status == 200)
            #expect(answer.text.contains("\(agent.program.pid)"))
            let document = try agent.get("/openapi.json")
            #expect(document.status == 200)
            #expect(document.text.contains("\"openapi\""))
        }

        @Test func aListenerOnTCPMayOnlyBeLookedAt() throws {
            let port = try ReservedPort()
            let agent = try AgentProcess(
                shellWorker("web", lives),
                control: """
                    [[control.listeners]]
                    address = "127.0.0.1:\(port.number)"
                    anonymous = "monitor"
                    """,
                ports: [port]
            )
            _ = try agent.waitForPID(of: "web")
            let address = SocketAddress.loopback(port: port.number)
            #expect(try request(address, "GET", "/v1/workers").status == 200)
            #expect([401, 403].contains(try request(address, "POST", "/v1/workers/web/stop").status))
            #expect(
                [401, 403].contains(try request(address, "GET", "/v1/operations").status),
                "that needs the role read"
            )
            let exits = try agent.exits(of: "web")
            #expect(exits.isEmpty)
        }
    }
}
