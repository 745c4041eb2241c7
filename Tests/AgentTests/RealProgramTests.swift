import ControlMessages
import Glibc
import TestSupport
import Testing

extension AgentTests {
    /// redis, nginx with a master and two workers, and Python's HTTP server, as Examples/redis-nginx-python.toml has them.
    @Suite struct RealProgramTests {
        let agent: AgentProcess
        let redis: ReservedPort
        let nginx: ReservedPort
        let files: ReservedPort

        init() throws {
            self.redis = try ReservedPort()
            self.nginx = try ReservedPort()
            self.files = try ReservedPort()
            let directory = try TemporaryDirectory()
            let configuration = try Self.example("redis-nginx-python.toml")
                .replacing("/tmp/reeve-programs", with: directory.path)
                .replacing("26379", with: "\(self.redis.number)")
                .replacing("28081", with: "\(self.files.number)")
                // Each kill is told apart from a failing start: the next restart comes at once.
                .replacing("[defaults]", with: "[defaults]\nbackoff = { reset_after = \"1ms\" }")
            try directory.write(configuration, to: AgentProcess.configurationName)
            let server = try Self.example("nginx.conf").replacing("28080", with: "\(self.nginx.number)")
            try directory.write(server, to: "nginx.conf")
            self.agent = try AgentProcess(configured: directory, ports: [self.redis, self.nginx, self.files])
        }

        @Test func allThreeServeAndAreBackAfterAKill() throws {
            try self.expectAllServe()
            for name in ["redis", "nginx", "files"] {
                var pid = try self.agent.waitForPID(of: name)
                for _ in 1...5 {
                    sendSignal(SIGKILL, to: pid)
                    pid = try self.agent.waitForPID(of: name, otherThan: pid)
                    try self.expectAllServe()
                }
                let exits = try self.agent.exits(of: name)
                #expect(exits.count == 5)
                for exit in exits {
                    expectSignaled(exit, SIGKILL, "SIGKILL", cause: "killed", decision: "restart")
                }
            }
            #expect(try self.agent.get("/readyz").status == 200)
        }

        @Test func thePortOfAKilledMasterIsFreeForItsSuccessorEachTime() throws {
            var master = try self.agent.waitForPID(of: "nginx")
            for round in 1...50 {
                try self.agent.eventually("both workers of \(master) serve") {
                    ProcessEntry.alive(withParent: master).count == 2 && (try? self.nginxProcess())?.parent == master
                }
                let old = ProcessEntry.alive(withParent: master).map(\.pid) + [master]
                sendSignal(SIGKILL, to: master)
                master = try self.agent.waitForPID(of: "nginx", otherThan: master)
                let left = old.filter { ProcessEntry(pid: $0)?.isAlive == true }
                #expect(left.isEmpty, "round \(round): the successor runs beside \(left)")
            }
            try self.agent.eventually("the last one serves") { (try? self.nginxProcess())?.parent == master }
            let exits = try self.agent.exits(of: "nginx")
            #expect(exits.count == 50, "none of the successors failed")
            #expect(
                exits.allSatisfy { $0.cause == "killed" && $0.waitStatus == SIGKILL && $0.signal?.name == "SIGKILL" }
            )
            #expect(exits.allSatisfy { $0.exitCode == nil && $0.requestedBy == nil })
        }

        @Test func restartAndStopEndTheWholeTree() throws {
            try self.expectAllServe()
            for name in ["redis", "nginx", "files"] {
                let old = try self.agent.waitForPID(of: name)
                let children = ProcessEntry.alive(withParent: old).map(\.pid)
                let operation = try self.agent.operate("restart", name)
                #expect(operation.instances.map(\.outcome) == ["up"])
                let new = try self.agent.waitForPID(of: name)
                #expect(new != old)
                #expect((children + [old]).allSatisfy { ProcessEntry(pid: $0)?.isAlive != true })
            }
            try self.expectAllServe()
            let exits: ExitsMessage = try self.agent.get("/v1/exits?order=asc").decode()
            #expect(exits.exits.map(\.cause) == ["stopped", "stopped", "stopped"])
            #expect(exits.exits.map(\.escalated) == [false, false, false], "each ends in good order within its grace")
            for name in ["redis", "nginx", "files"] {
                try self.agent.operate("stop", name)
            }
            #expect(self.agent.processes.isEmpty)
            #expect(throws: (any Error).self) { try self.nginxProcess() }
        }

        private func expectAllServe() throws {
            try self.agent.eventually("redis answers") { (try? self.ping()) == "+PONG\r\n" }
            try self.agent.eventually("nginx answers") { (try? self.nginxProcess()) != nil }
            try self.agent.eventually("Python's server answers") {
                (try? request(.loopback(port: self.files.number), "GET", "/"))?.status == 200
            }
        }

        /// The nginx worker that answers a request.
        private func nginxProcess() throws -> ProcessEntry? {
            let answer = try request(.loopback(port: self.nginx.number), "GET", "/")
            guard answer.status == 200, let pid = answer.header("X-Process").flatMap({ Int32($0) }) else { return nil }
            return ProcessEntry(pid: pid)
        }

        private func ping() throws -> String {
            let exchange = try HTTPExchange(
                to: .loopback(port: self.redis.number),
                sending: Array("PING\r\nQUIT\r\n".utf8)
            )
            return String(decoding: try exchange.received().prefix(7), as: UTF8.self)
        }

        /// A file of Examples.
        private static func example(_ name: String) throws -> String {
            try AgentTests.example(name)
        }
    }

    /// The text of a file in the folder Examples.
    static func example(_ name: String, file: String = #filePath) throws -> String {
        let root = file.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        let text = contents(ofFile: "\(root)/Examples/\(name)").map { String(decoding: $0, as: UTF8.self) }
        return try #require(text, "Examples/\(name) is missing")
    }
}
