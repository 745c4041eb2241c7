import ControlMessages
import Glibc
import LinuxSystem
import Supervision
import TestSupport
import Testing

extension AgentTests {
    @Suite struct LogsTests {
        /// Counts, a line at a time, over all its runs; one that is killed between its two lines leaves a number out.
        private static let counts = """
            n=$(tail -n 1 "$REEVE_WORKER.n" 2>/dev/null || echo 0)
            while :; do
                n=$((n + 1))
                echo "$n" >>"$REEVE_WORKER.n"
                echo "line $n of a worker that counts, and says a little more so that its files are full soon enough"
                sleep 0.01
            done
            """

        private static func number(_ line: String) -> Int? {
            Int(line.dropFirst("line ".count).prefix { $0 != " " })
        }

        @Test func eachRunsOutputIsFoundByItsID() throws {
            let script = """
                echo "out $REEVE_RUN_ID"
                printf 'err %s' "$REEVE_RUN_ID" >&2
                exit 3
                """
            let agent = try AgentProcess(
                shellWorker("web", script, "restart_limit = { restarts = 2, within = \"1h\" }")
            )
            let exits = try agent.waitForExits(of: "web", count: 3)
            for exit in exits {
                let answer = try agent.get("/v1/workers/web/logs?stream=stdout&run_id=\(exit.runID)")
                #expect(answer.text == "out \(exit.runID)\n")
                #expect(answer.header("X-Content-Type-Options") == "nosniff")
                let errors = try agent.get("/v1/workers/web/logs?stream=stderr&format=ndjson&run_id=\(exit.runID)")
                #expect(errors.text.contains("\"text\":\"err \(exit.runID)\",\"base64\":null,\"partial\":true"))
            }
            #expect(try agent.get("/v1/workers/web/logs?tail=1&stream=stdout").text == "out \(exits[2].runID)\n")
            #expect(try agent.get("/v1/workers/web/logs?since=1h").text.contains("out \(exits[0].runID)\n"))
        }

        @Test func aFollowerGoesOnOverRotationAndRestartsOfWorkerAndAgent() throws {
            let agent = try AgentProcess(
                shellWorker("web", Self.counts, "output = { max_size = \"4K\", keep_files = 1000 }")
            )
            var pid = try agent.waitForPID(of: "web")
            var follower = try LogFollower(
                agent.address,
                "/v1/workers/web/logs?follow=true&format=ndjson&tail=all&stream=stdout"
            )
            var lines: [LogLineMessage] = []
            var runs: Set<String?> = []
            for round in 1...3 {
                let goal = lines.count + 100
                lines += try follower.lines { Self.number($0).map { $0 >= goal } ?? false }
                sendSignal(SIGKILL, to: pid)
                pid = try agent.waitForPID(of: "web", otherThan: pid)
                if round == 2 {
                    try agent.crash()
                    follower = try LogFollower(
                        agent.address,
                        "/v1/workers/web/logs?follow=true&format=ndjson&stream=stdout&after=\(follower.position)"
                    )
                }
            }
            runs.formUnion(lines.map(\.runID))
            #expect(runs.count >= 3)
            // A run that was killed between its count and its line has left one out.
            let numbers = lines.compactMap { Self.number($0.text) }
            #expect(numbers == numbers.sorted())
            #expect(Set(numbers).count == lines.count)
            #expect((numbers.last ?? 0) - numbers.count <= 4)
            #expect(agent.directory.exists("logs/web/0.stdout.log.1"))
        }

        /// Bytes of memory that a process has, as the kernel counts it.
        private func residentMemory(of pid: Int32) -> Int {
            let status = contents(ofFile: "/proc/\(pid)/status").map { String(decoding: $0, as: UTF8.self) } ?? ""
            let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
            return (line?.split(separator: " ").dropFirst().first).flatMap { Int($0) }.map { $0 * 1024 } ?? 0
        }

        @Test func followersThatNeverReadCostLittleAndDisturbNobody() throws {
            let flood = "yes 'a line of a worker that writes as fast as it can, over and over again'"
            let agent = try AgentProcess(
                shellWorker("flood", flood, "output = { max_size = \"1M\", keep_files = 2 }")
                    + shellWorker("web", Self.counts)
            )
            try agent.eventually("there is output") { agent.directory.exists("logs/flood/0.stdout.log.2") }
            let before = self.residentMemory(of: try agent.pid())
            let target = "/v1/workers/flood/logs?follow=true&tail=all&format=ndjson"
            var idle: [HTTPExchange] = []
            for _ in 1...100 {
                idle.append(try HTTPExchange(to: agent.address, "GET", target))
            }
            let follower = try LogFollower(agent.address, "/v1/workers/web/logs?follow=true&format=ndjson&tail=all")
            var lines: [LogLineMessage] = []
            // Until much more has been written than any of them could hold, and they have been cut.
            let end = SuspendingClock.now.advanced(by: .seconds(15))
            let size = try self.bytesOfFlood(agent)
            while try self.bytesOfFlood(agent) < size + (64 << 20) || SuspendingClock.now < end {
                let goal = lines.count + 10
                lines += try follower.lines { Self.number($0).map { $0 >= goal } ?? false }
            }
            #expect(lines.map { Self.number($0.text) } == Array(1...lines.count))
            let growth = self.residentMemory(of: try agent.pid()) - before
            // A page of 32 KiB and a piece of 64 KiB for each, and what libmicrohttpd has for a connection.
            #expect(growth < 100 * (300 << 10), "\(growth >> 10) KiB")
            #expect(try agent.worker("flood").state == "running")
            // Each is cut with a word; what it finds when it reads after all is what the sockets held.
            var received: [UInt8] = []
            while received.count < 4 << 20 {
                let next = try idle[0].receivedNext()
                if next.isEmpty { break }
                received += next
            }
            #expect(String(decoding: received.suffix(300), as: UTF8.self).contains("{\"note\":\"cut\""))
        }

        private func bytesOfFlood(_ agent: AgentProcess) throws -> Int {
            let metric = "reeve_worker_output_bytes_total{worker=\"flood\",slot=\"0\",stream=\"stdout\"} "
            let line = try agent.get("/metrics").text.split(separator: "\n").first { $0.hasPrefix(metric) }
            return (line?.dropFirst(metric.count)).flatMap { Int($0) } ?? 0
        }
    }
}
