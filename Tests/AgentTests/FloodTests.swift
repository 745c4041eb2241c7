import ControlMessages
import Glibc
import TestSupport
import Testing

extension AgentTests {
    /// The agent is killed while a worker writes as fast as it can. What it wrote is compared byte for byte.
    @Suite struct FloodTests {
        @Test func nothingOfAFloodIsLostOrDoubled() throws {
            let script = """
                n=0
                while [ ! -e enough ]; do
                    seq $((n * 20000 + 1)) $((n * 20000 + 20000))
                    n=$((n + 1))
                done
                echo $((n * 20000)) >total.new
                mv total.new total
                exec sleep 1000
                """
            let agent = try AgentProcess(
                shellWorker("flood", script, #"output = { max_size = "8M", keep_files = 1000 }"#)
            )
            try agent.waitFor("flood", toBe: "running")
            let first = agent.directory.file("logs/flood/0.stdout.log")
            let run = try agent.worker("flood").instances[0].runID
            for _ in 1...4 {
                let size = Self.size(of: first)
                try agent.eventually("it writes") { Self.size(of: first) != size }
                try agent.crash()
            }
            try agent.directory.write("", to: "enough")
            try agent.eventually("it has written all", within: .seconds(60)) { agent.directory.exists("total") }
            let total = try #require(Int(agent.directory.lines("total").first ?? ""))
            #expect(try agent.worker("flood").instances[0].runID == run, "one run wrote all of it")
            // The oldest file has the highest number.
            let compare = """
                cd logs/flood
                for file in $(ls 0.stdout.log.* 2>/dev/null | sort --field-separator=. --key=4 --numeric-sort --reverse) 0.stdout.log
                do cat "$file"; done >all
                seq \(total) | cmp - all
                """
            // Before that a file may be renamed while they are read.
            try agent.eventually("the last line is there", within: .seconds(240)) {
                agent.directory.read("logs/flood/0.stdout.log").hasSuffix("\n\(total)\n")
            }
            var difference = ""
            try agent.eventually("the files hold what was written, and it is \(total) lines", within: .seconds(60)) {
                let result = try TestSupport.run(["/bin/sh", "-c", compare], directory: agent.directory.path)
                difference = result.output + result.errors
                // What is still in the pipe ends the files early; a byte that differs never gets better.
                return result.code == 0 || !difference.contains("EOF")
            }
            #expect(difference.isEmpty)
        }

        private static func size(of path: String) -> Int {
            var status = stat()
            return stat(path, &status) == 0 ? Int(status.st_size) : -1
        }
    }
}
