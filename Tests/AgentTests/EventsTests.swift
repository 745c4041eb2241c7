import ControlMessages
import Glibc
import LinuxSystem
import TestSupport
import Testing

extension AgentTests {
    /// Those who follow what happens, over the agent's deaths, a thousand at once, and one that does not read.
    @Suite struct EventsTests {
        /// Dies at once, again and again.
        private static func restless(_ name: String, _ delay: String) -> String {
            shellWorker(
                name,
                "exit 3",
                #"restart = "always"; backoff = { initial = "\#(delay)", max = "\#(delay)", jitter = 0.0 }"#
                    .replacing("; ", with: "\n")
            )
        }

        @Test func aFollowerSeesEveryTransitionOnceThroughTwentyRestartsOfTheAgent() throws {
            let agent = try AgentProcess(Self.restless("web", "30ms") + shellWorker("db", lives))
            var stream = try EventStream(to: agent.address, after: 0)
            var ids: [Int64] = []
            var data: [String] = []
            func leave() {
                stream.receiveToEnd()
                ids += stream.ids
                data += stream.data
            }
            for life in 1...20 {
                let start = stream.ids.count
                try agent.eventually("something happens") {
                    EventStream.receive([stream], within: .milliseconds(100))
                    return stream.ids.count >= start + 15
                }
                // One in the middle of something, after which the keeper starts the next; another one in order.
                if life.isMultiple(of: 2) {
                    try agent.crash()
                } else {
                    agent.end()
                    try agent.startAgain()
                }
                leave()
                stream = try EventStream(to: agent.address, after: ids.last)
            }
            try agent.eventually("the last one is answered") {
                EventStream.receive([stream], within: .milliseconds(100))
                return stream.status != nil
            }
            agent.end()
            leave()
            #expect(stream.status == 200)
            #expect(ids == Array(1...Int64(ids.count)), "none twice, none left out, all in their order")
            // The last of all can be missing: it was told while the connection ended.
            try agent.startAgain()
            let all = try EventStream(to: agent.address, after: 0, query: "?follow=false")
            all.receiveToEnd()
            #expect(all.ids.prefix(ids.count) == ids[...])
            #expect(all.data.prefix(data.count) == data[...], "they are as they were told")
            #expect(data.count { $0.contains(#""type":"agent.configured""#) } == 21)
        }

        @Test func aThousandFollowersSeeAllOfIt() throws {
            DescriptorLimit.raise()
            let agent = try AgentProcess(shellWorker("web", lives, #"backoff = { reset_after = "1ms" }"#))
            var pid = try agent.waitForPID(of: "web")
            let streams = try (0..<1000).map { _ in try EventStream(to: agent.address, after: 0, keepsData: false) }
            for _ in 1...20 {
                sendSignal(SIGKILL, to: pid)
                pid = try agent.waitForPID(of: "web", otherThan: pid)
                EventStream.receive(streams, within: .zero)
            }
            try agent.operate("stop", "web")
            let last = try EventStream(to: agent.address, after: 0, query: "?follow=false")
            last.receiveToEnd()
            #expect(last.ids.count > 60)
            try agent.eventually("every one of them has seen all", within: .seconds(60)) {
                EventStream.receive(streams, within: .milliseconds(100))
                return streams.allSatisfy { $0.ids.count >= last.ids.count || $0.isEnded }
            }
            #expect(streams.count { $0.status == 200 && !$0.isEnded && $0.ids == last.ids } == 1000)
        }

        @Test func theCommandGoesOnWithTheNextAgent() throws {
            let agent = try AgentProcess(shellWorker("web", lives) + shellWorker("job", "exit 0"))
            try agent.waitFor("job", toBe: "finished")
            let follower = try ChildProgram(
                [executable, "events", "--after", "0", "--json", "--socket", agent.socketPath],
                standardOutput: agent.directory.file("events"),
                standardError: agent.directory.file("events.errors")
            )
            defer { follower.signal(SIGKILL) }
            func begun() -> Int { agent.directory.lines("events").count { $0.contains("agent.recovered") } }
            try agent.eventually("the first life is shown") { begun() == 1 }
            agent.end()
            try agent.startAgain()
            try agent.eventually("the second life is shown") { begun() == 2 }
            let ids = agent.directory.lines("events").map { line in
                Int64(line.dropFirst(#"{"id":"#.count).prefix { $0.isNumber })
            }
            #expect(ids == Array(1...Int64(ids.count)))
            #expect(agent.directory.lines("events.errors").count == 1, "that it waits is said once")
            let shown = try agent.reeve("events", "--no-follow", "--after", "0", "job")
            #expect(shown.code == 0, "\(shown.errors)")
            #expect(shown.output.contains("job.0     instance.state   running -> finished"), "\(shown.output)")
            #expect(!shown.output.contains("web"))
            #expect(try agent.reeve("events", "--no-follow", "--since", "1h", "--json").output.hasPrefix(#"{"id":1,"#))
            #expect(try agent.reeve("events", "wbe").code == 2)
            #expect(try agent.reeve("events", "--after", "1000000").errors.contains("there is no event 1000000 yet"))
            agent.end()
            #expect(try agent.reeve("events").code == 3)
        }

        @Test func aClientThatDoesNotReadIsCutAndNobodyElseNotices() throws {
            let agent = try AgentProcess(Self.restless("web", "1ms"))
            let deaf = try EventStream(to: agent.address)
            let follower = try EventStream(to: agent.address, after: 0)
            // What the kernel and the agent hold for a client, and then the time in which it takes nothing.
            try agent.eventually("the deaf client is cut", within: .seconds(60)) {
                EventStream.receive([follower], within: .milliseconds(50))
                return try agent.get("/metrics").text.contains("reeve_event_followers_cut_total 1\n")
            }
            deaf.receiveToEnd()
            #expect(deaf.types.last == "lagged")
            #expect(deaf.types.count { $0 == "lagged" } == 1)
            let first = try #require(deaf.ids.first)
            #expect(deaf.ids == Array(first..<(first + Int64(deaf.ids.count))), "what it got before has no gap")
            #expect(follower.ids == Array(1...Int64(follower.ids.count)))
            #expect(!follower.isEnded)
            // It goes on where it was.
            let again = try EventStream(to: agent.address, after: deaf.ids.last, query: "?follow=false")
            again.receiveToEnd()
            #expect(again.ids.first == deaf.ids.last.map { $0 + 1 })
        }
    }
}
