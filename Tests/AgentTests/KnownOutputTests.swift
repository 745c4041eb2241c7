import ControlMessages
import Glibc
import TestSupport
import Testing

extension AgentTests {
    /// Many workers write what is known beforehand, while they are restarted and their files rotated.
    @Suite struct KnownOutputTests {
        private static let workers = 200
        /// Runs of each worker that write all and end; later ones write all and stay.
        private static let endingRuns = 4
        private static let partsOfRun = 3

        private static let script = """
            w=${REEVE_WORKER#w}
            n=$(cat "$REEVE_WORKER.n" 2>/dev/null || echo 0)
            echo $((n + 1)) >"$REEVE_WORKER.n"
            echo "$REEVE_RUN_ID $n" >>"$REEVE_WORKER.runs"
            cat "part.$(((w + n) % 16))" "part.$(((w + n + 5) % 16))" "part.$(((w + n + 11) % 16))"
            echo "$REEVE_RUN_ID" >>"$REEVE_WORKER.whole"
            if [ "$n" -lt 4 ]; then exit 3; fi
            exec sleep 1000
            """

        /// Binary ones, lines of all lengths up to a mebibyte, with and without a newline at the end.
        private static let parts: [[UInt8]] = {
            var state: UInt64 = 0x9e37_79b9_7f4a_7c15
            func next() -> UInt64 {
                state ^= state << 13
                state ^= state >> 7
                state ^= state << 17
                return state
            }
            func line(_ length: Int) -> [UInt8] {
                (0..<length).map { _ in UInt8(ascii: "a") + UInt8(next() % 26) }
            }
            let newline = [UInt8(ascii: "\n")]
            return (0..<16).map { number in
                switch number {
                case 0: newline
                case 1: [0]
                case 2: line(1 << 20) + newline
                case 3: line(300_000)
                case 4...8: (0..<5000).map { _ in UInt8(truncatingIfNeeded: next()) }
                case 9...12: (0..<200).flatMap { _ in line(Int(next() % 80)) + newline }
                default: (0..<50).flatMap { _ in line(Int(next() % 800)) + newline } + line(7)
                }
            }
        }()

        @Test(.timeLimit(.minutes(10)))
        func everyByteIsThereAndEachRunsPartIsFound() throws {
            let directory = try TemporaryDirectory()
            for (number, part) in Self.parts.enumerated() {
                try directory.write(part, to: "part.\(number)")
            }
            let agent = try AgentProcess(
                (0..<Self.workers).map { shellWorker("w\($0)", Self.script) }.joined(),
                defaults: """
                    backoff = { initial = "1ms", max = "10ms" }
                    output = { max_size = "64K", keep_files = 1000 }
                    """,
                in: directory
            )
            for _ in 1...2 {
                let answer = try agent.post("/v1/operations?action=restart&workers=w1*,w5*,w9*&wait=none&grace=0s")
                #expect(answer.status == 202)
            }
            try agent.eventually("all have written all", within: .seconds(240)) {
                (0..<Self.workers).allSatisfy { worker in
                    let name = "w\(worker)"
                    return directory.lines("\(name).whole").last == directory.lines("\(name).runs").last?.runID
                        && directory.lines("\(name).runs").count > Self.endingRuns
                }
            }
            for worker in 0..<Self.workers {
                try self.check("w\(worker)", number: worker, agent)
            }
        }

        private func check(_ name: String, number: Int, _ agent: AgentProcess) throws {
            let whole = Set(agent.directory.lines("\(name).whole"))
            var expected: [UInt8] = []
            for line in agent.directory.lines("\(name).runs") {
                let run = Int(line.split(separator: " ")[1]) ?? 0
                let written = [0, 5, 11].flatMap { Self.parts[(number + run + $0) % 16] }
                var found: [UInt8] = []
                // The last one's may be on its way.
                try agent.eventually("the output of \(name)'s run \(run)") {
                    found = try agent.get("/v1/workers/\(name)/logs?run_id=\(line.runID)&stream=stdout").body
                    return found.count == written.count || !whole.contains(line.runID)
                }
                // One that was killed has written a part.
                #expect(
                    found == (whole.contains(line.runID) ? written : Array(written.prefix(found.count))),
                    "\(name) \(run)"
                )
                expected += found
            }
            var files: [UInt8] = []
            for index in (0...1000).reversed() {
                let file = "logs/\(name)/0.stdout.log\(index == 0 ? "" : ".\(index)")"
                files += contents(ofFile: agent.directory.file(file)) ?? []
            }
            #expect(files == expected, "\(name)")
        }
    }
}

extension String {
    /// Of a line that begins with the id of a run.
    fileprivate var runID: String {
        String(self.prefix { $0 != " " })
    }
}
