import ControlMessages
import Glibc
import LinuxSystem
import Supervision
import TestSupport
import Testing

extension AgentTests {
    /// The file that the agent was started from is replaced, and the agent by it, while its workers go on.
    @Suite struct UpgradeTests {
        /// Of the file; what stands behind the plus sign is for the test program that takes its place.
        private static let names = ["exits": "reeve+exits at once", "crashes": "reeve+crashes soon"]
        /// How many upgrades follow each other under load. `REEVE_UPGRADES=20` is the long form.
        private static let rounds = getenv("REEVE_UPGRADES").flatMap { Int(String(cString: $0)) } ?? 3

        /// Beside the agent's program, one that does something wrong.
        private static let testProgram = String(executable.dropLast("reeve".count) + "KeeperTestProgram")

        /// A worker that writes a line whenever it can, and one that ends again and again.
        private static let workers =
            shellWorker("web", "i=0; while :; do i=$((i+1)); echo $i; sleep 0.01; done", "instances = 2")
            + shellWorker("job", "sleep 0.3; exit 3", #"backoff = { initial = "100ms", max = "100ms" }"#)

        private let directory: TemporaryDirectory

        init() throws {
            self.directory = try TemporaryDirectory()
        }

        // MARK: Files

        private static func copy(_ source: String, to path: String) throws {
            let result = try run(["/bin/cp", "--reflink=auto", source, path])
            try #require(result.code == 0, "\(result.errors)")
        }

        /// An agent that was started from a copy of the program.
        private func agent(
            _ workers: String,
            named name: String = "reeve",
            ports: [ReservedPort] = []
        ) throws
            -> AgentProcess
        {
            let path = self.directory.file(name)
            try Self.copy(executable, to: path)
            return try AgentProcess(workers, in: self.directory, executable: path, ports: ports)
        }

        /// Puts a copy of another program in the place of the agent's, as a package manager does.
        private func replace(_ agent: AgentProcess, by source: String = executable) throws {
            try Self.copy(source, to: self.directory.file("next"))
            try systemCall("rename") { rename(self.directory.file("next"), agent.executable) }
        }

        private static func inode(_ path: String) -> UInt64? {
            var status = stat()
            return stat(path, &status) == 0 ? UInt64(status.st_ino) : nil
        }

        // MARK: Looking

        /// On a machine that is too busy the answer may not leave before the agent does; then it is asked again, as a person would.
        private static func upgradeByCommand(_ agent: AgentProcess) throws -> ProgramResult {
            let result = try agent.reeve("upgrade")
            guard result.code == 3 else { return result }
            try agent.eventually("the agent answers again") { (try? agent.pid()) != nil }
            return try agent.reeve("upgrade")
        }

        private static func ended(_ answer: HTTPAnswer, of agent: AgentProcess) throws -> OperationMessage {
            guard answer.status == 202 else { throw UnexpectedAnswer("upgrade: \(answer.status) \(answer.text)") }
            var operation: OperationMessage = try answer.decode()
            try #require(answer.header("Location") == "/v1/operations/\(operation.id)")
            try agent.eventually("the upgrade ends") {
                let next = try? agent.get("/v1/operations/\(operation.id)?timeout=5s")
                guard let next, next.status == 200 else { return false }
                operation = try next.decode()
                return operation.finishedAt != nil
            }
            return operation
        }

        /// What must be the same after an upgrade.
        private struct Untouched: Equatable {
            var pids: [Int32?]
            var runs: [String?]
            var starts: [String?]

            init(_ worker: WorkerMessage) {
                self.pids = worker.instances.map(\.pid)
                self.runs = worker.instances.map(\.runID)
                self.starts = worker.instances.map(\.startedAt)
            }
        }

        /// Each exit once: numbers without a gap, each run once, each with its status.
        private static func expectCompleteHistory(of agent: AgentProcess) throws {
            try agent.operate("stop", "job")
            let exits = try agent.exits(of: "job")
            #expect(exits.map(\.seq) == exits.indices.map { Int64($0) + 1 })
            #expect(Set(exits.map(\.runID)).count == exits.count)
            #expect(exits.dropLast().allSatisfy { $0.exitCode == 3 && $0.cause == "error_exit" })
        }

        // MARK: Upgrades that succeed

        @Test func theNewBinaryTakesOverAndNoWorkerNotices() throws {
            let agent = try self.agent(Self.workers)
            let before = Untouched(try agent.waitFor("web", toBe: "running"))
            let keeper = agent.program.pid
            let old = try agent.pid()
            try self.replace(agent)
            let new = Self.inode(agent.executable)
            #expect(Self.inode("/proc/\(keeper)/exe") != new && Self.inode("/proc/\(old)/exe") != new)

            let operation = try Self.ended(agent.post("/v1/agent/upgrade?reason=release-2"), of: agent)
            #expect(operation.state == "succeeded" && operation.changed && operation.error == nil)
            #expect(operation.action == "upgrade" && operation.reason == "release-2" && operation.instances.isEmpty)
            let information: AgentMessage = try agent.get("/v1/agent").decode()
            #expect(information.pid != old && information.generation == 2 && information.keeperPID == keeper)
            #expect(Self.inode("/proc/\(keeper)/exe") == new && Self.inode("/proc/\(information.pid)/exe") == new)
            #expect(target(ofLink: "/proc/\(keeper)/exe") == agent.executable)
            #expect(Untouched(try agent.worker("web")) == before)

            // And once more, by the command line, of a keeper that was replaced.
            try self.replace(agent)
            let result = try agent.reeve("upgrade", "--reason", "release-3")
            #expect(result.code == 0, "\(result.errors)\(agent.log.suffix(3000))")
            #expect(result.output.contains("with pid \(try agent.pid()) now (was "))
            #expect(Self.inode("/proc/\(keeper)/exe") == Self.inode(agent.executable))
            #expect(Untouched(try agent.worker("web")) == before)
            try Self.expectCompleteHistory(of: agent)
            try agent.operate("stop", "web")
            for instance in 0..<2 {
                let lines = self.directory.lines("logs/web/\(instance).stdout.log").map { Int($0) ?? 0 }
                #expect(lines == Array(1...max(1, lines.count)), "each line once, in order")
            }
            // It is told to end like any other.
            agent.program.signal(SIGTERM)
            #expect(try agent.program.wait().exitCode == 0)
        }

        @Test func theSameAgainJoinsItAndAnotherOperationGoesOnOverIt() throws {
            let agent = try self.agent(
                Self.workers + shellWorker("slow", ignoresTerminate, #"stop = { grace = "1s" }"#)
            )
            try agent.eventually("TERM is ignored") { agent.directory.exists("slow.armed") }
            let stop: OperationMessage = try agent.post("/v1/workers/slow/stop?wait=none").decode()
            let first = try agent.post("/v1/agent/upgrade")
            let second = try? agent.post("/v1/agent/upgrade")
            if let second, second.status == 202 {
                #expect(second.header("Location") == first.header("Location"))
            }
            #expect(try Self.ended(first, of: agent).state == "succeeded")
            #expect(try agent.waitFor("slow", toBe: "stopped").instances[0].lastExit?.operationID == stop.id)
        }

        @Test(arguments: [0, 20, 60, 300])
        func anAgentThatIsToldToEndMeanwhileEnds(milliseconds: Int) throws {
            let agent = try self.agent(Self.workers)
            try agent.waitFor("web", toBe: "running")
            #expect(try agent.post("/v1/agent/upgrade").status == 202)
            // Before it leaves, while there is none, while the next one begins, and in its trial; wherever it falls.
            usleep(UInt32(milliseconds) * 1000)
            agent.program.signal(SIGTERM)
            #expect(try agent.program.wait().exitCode == 0, "\(agent.log.suffix(4000))")
            #expect(agent.processes.isEmpty)
            try agent.startAgain()
            let exits = try agent.exits(of: "web")
            #expect(exits.map(\.cause) == ["stopped", "stopped"] && exits.allSatisfy { $0.waitStatus == SIGTERM })
        }

        // MARK: Upgrades that fail

        @Test(arguments: [("exits", "exit code 5"), ("crashes", "signal 9"), ("text", "Exec format error")])
        func theOldOneIsBackAndSaysWhy(behaviour: String, reason: String) throws {
            let agent = try self.agent(Self.workers, named: Self.names[behaviour] ?? "reeve")
            let before = Untouched(try agent.waitFor("web", toBe: "running"))
            let old = try agent.pid()
            if behaviour == "text" {
                try self.directory.write("no program", to: "source", mode: 0o755)
                try self.replace(agent, by: self.directory.file("source"))
            } else {
                try self.replace(agent, by: Self.testProgram)
            }
            let operation = try Self.ended(agent.post("/v1/agent/upgrade"), of: agent)
            #expect(operation.state == "failed" && !operation.changed)
            let error = try #require(operation.error)
            #expect(error.hasPrefix("the new binary ended before it was ready: ") && error.contains(reason))
            let information: AgentMessage = try agent.get("/v1/agent").decode()
            #expect(information.pid != old && information.keeperPID == agent.program.pid)
            #expect(Self.inode("/proc/\(information.pid)/exe") == Self.inode("/proc/\(agent.program.pid)/exe"))
            #expect(Self.inode("/proc/\(information.pid)/exe") != Self.inode(agent.executable))
            #expect(Untouched(try agent.worker("web")) == before)
            #expect(agent.log.contains(error))

            let result = try Self.upgradeByCommand(agent)
            #expect(
                result.code == 1 && result.errors.contains(reason),
                "\(result.output)\(result.errors)\(agent.log.suffix(6000))"
            )
            #expect(Untouched(try agent.worker("web")) == before)
            // One that works is taken afterwards.
            try self.replace(agent)
            #expect(try Self.upgradeByCommand(agent).code == 0)
            #expect(Untouched(try agent.worker("web")) == before)
            try Self.expectCompleteHistory(of: agent)
        }

        @Test(arguments: [("missing", "No such file or directory"), ("may not be executed", "Permission denied")])
        func whatCannotBeExecutedIsRefusedAndTheAgentStays(what: String, reason: String) throws {
            let agent = try self.agent(Self.workers)
            let before = Untouched(try agent.waitFor("web", toBe: "running"))
            let old = try agent.pid()
            if what == "missing" {
                try systemCall("unlink") { unlink(agent.executable) }
            } else {
                try systemCall("chmod") { chmod(agent.executable, 0o644) }
            }
            let operation = try Self.ended(agent.post("/v1/agent/upgrade"), of: agent)
            #expect(operation.state == "failed" && operation.error?.contains(agent.executable) == true)
            #expect(operation.error?.hasSuffix(reason) == true, "\(operation.error ?? "")")
            let result = try TestSupport.run([executable, "upgrade", "--json", "--socket", agent.socketPath])
            #expect(result.code == 1 && result.output.contains("\"state\":\"failed\""))
            #expect(try agent.pid() == old)
            #expect(Untouched(try agent.worker("web")) == before)
        }

        // MARK: Under load

        @Test(.timeLimit(.minutes(10))) func redisServesOnOverUpgradesInARow() throws {
            let port = try ReservedPort()
            let redis = """

                [workers.redis]
                command = ["/usr/bin/redis-server", "--bind", "127.0.0.1", "--port", "{port}", "--save", "", "--daemonize", "no"]
                base_port = \(port.number)

                """
            let agent = try self.agent(Self.workers + redis, ports: [port])
            let before = Untouched(try agent.waitFor("redis", toBe: "running"))
            let web = Untouched(try agent.waitFor("web", toBe: "running"))
            let ask = "/usr/bin/redis-cli -h 127.0.0.1 -p \(port.number)"
            try agent.eventually("redis answers") {
                try run(["/bin/sh", "-c", "\(ask) ping"]).output == "PONG\n"
            }
            // One client that stays connected, and one that connects anew for each request.
            let constant = try Self.client("\(ask) -r 100000000 -i 0.001 incr constant", "constant", self.directory)
            let fresh = try Self.client("while :; do \(ask) incr fresh || echo failed; done", "fresh", self.directory)
            for round in 1...Self.rounds {
                try self.replace(agent)
                let operation = try Self.ended(agent.post("/v1/agent/upgrade"), of: agent)
                #expect(operation.state == "succeeded", "round \(round): \(operation.error ?? "")\n\(agent.log)")
                #expect(Untouched(try agent.worker("redis")) == before)
            }
            for client in [constant, fresh] {
                #expect(client.ended == nil)
                client.signal(SIGKILL)
                _ = try client.wait()
            }
            for name in ["constant", "fresh"] {
                // The last line may have been cut short by the end of the client.
                let numbers = self.directory.lines(name).dropLast().map { Int($0) ?? 0 }
                #expect(numbers.count > 10 * Self.rounds, "\(name) was served meanwhile")
                #expect(numbers == Array(1...max(1, numbers.count)), "\(name): no request failed")
                #expect(self.directory.read("\(name).errors") == "")
            }
            #expect(Untouched(try agent.worker("web")) == web)
            #expect(try agent.exits(of: "redis").isEmpty && agent.exits(of: "web").isEmpty)
            let information: AgentMessage = try agent.get("/v1/agent").decode()
            #expect(information.generation == Int64(Self.rounds) + 1)
            #expect(Self.inode("/proc/\(agent.program.pid)/exe") == Self.inode(agent.executable))
            try Self.expectCompleteHistory(of: agent)
        }

        private static func client(
            _ script: String,
            _ name: String,
            _ directory: TemporaryDirectory
        ) throws -> ChildProgram {
            try ChildProgram(
                ["/bin/sh", "-c", script.hasPrefix("while") ? script : "exec \(script)"],
                standardOutput: directory.file(name),
                standardError: directory.file("\(name).errors")
            )
        }
    }
}
