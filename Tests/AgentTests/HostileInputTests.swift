import ControlMessages
import TestSupport
import Testing

extension AgentTests {
    @Suite struct HostileInputTests {
        /// What an attacker hopes to have executed: it would stop the worker.
        static let smuggled = "POST /v1/workers/web/stop HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"

        /// Requests of which each must be refused, with what hides behind them.
        static let requests: [String] = [
            "GET /v1/workers HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "GET /v1/workers HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nContent-Length: 4\r\n\r\n",
            "GET /v1/workers HTTP/1.1\r\nHost: localhost\r\nContent-Length : 4\r\n\r\n",
            "GET /v1/workers HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
            "GET /v1/workers HTTP/1.1\r\nHost: localhost\r\nContent-Length: +5\r\n\r\n",
            "GET /v1/workers HTTP/1.1\r\nHost: localhost\r\nContent-Length: 18446744073709551617\r\n\r\n",
            "GET /v1/workers HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n",
            "GET /v1/workers HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
            "GET /v1/workers HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
            "GET /v1/workers HTTP/1.1\r\n\r\n",
            "GET /v1/workers HTTP/1.1\r\nHost: localhost\r\nBad Name: x\r\n\r\n",
            "GET /v1/workers HTTP/1.1\r\nHost: localhost\r\nX: a\u{1}b\r\n\r\n",
            "GET /v1/workers HTTP/1.9\r\nHost: localhost\r\n\r\n",
            "G\u{1}T /v1/workers HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "get /v1/workers HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET v1/workers HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET http://localhost/v1/workers HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /v1/workers%00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /v1%2fworkers HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /v1/workers/..%2f..%2fetc HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /v1/workers/%0d%0aX:%20y HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "POST /v1/operations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10000000\r\n\r\n{",
            "GET /\(String(repeating: "a", count: 40_000)) HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /v1/workers HTTP/1.1\r\nHost: localhost\r\nX: \(String(repeating: "a", count: 40_000))\r\n\r\n",
            "\r\n\r\n\r\n\r\nnonsense\r\n\r\n",
            "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{FC}\u{3}\u{3}\r\n\r\n",
        ]

        @Test func malformedRequestsAreRefusedAndNothingBehindThemIsExecuted() throws {
            let agent = try AgentProcess(shellWorker("web", lives))
            let pid = try agent.waitForPID(of: "web")
            for request in Self.requests {
                let exchange = try HTTPExchange(to: agent.address, sending: Array((request + Self.smuggled).utf8))
                let shown = request.prefix(120).debugDescription
                guard let bytes = try? exchange.received() else {
                    Issue.record("neither an answer nor a close for \(shown)")
                    continue
                }
                if let answer = HTTPAnswer(parsing: bytes) {
                    #expect((400...499).contains(answer.status), "\(answer.status) for \(shown)")
                } else {
                    #expect(bytes.isEmpty, "no HTTP for \(shown)")
                }
            }
            let worker = try agent.worker("web")
            #expect(worker.state == "running")
            #expect(worker.instances[0].pid == pid)
            let operations: OperationsMessage = try agent.get("/v1/operations").decode()
            #expect(operations.operations.isEmpty, "a second request was executed")
        }

        /// What a page of another site could make a browser send.
        @Test func anotherSiteIsRefused() throws {
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
            let address = SocketAddress.loopback(port: port.number)
            let rebound = "GET /v1/workers HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
            #expect(try HTTPExchange(to: address, sending: Array(rebound.utf8)).answer().status == 421)
            for address in [address, agent.address] {
                let origin = ["Origin": "https://evil.example"]
                #expect(try request(address, "GET", "/v1/workers", headers: origin).status == 403)
                #expect(try request(address, "POST", "/v1/workers/web/stop", headers: origin).status == 403)
            }
            #expect(try agent.exits(of: "web").isEmpty)
        }

        @Test func idleConnectionsDoNotKeepOthersOut() throws {
            let agent = try AgentProcess(shellWorker("web", lives))
            var idle: [HTTPExchange] = []
            for _ in 1...300 {
                idle.append(try HTTPExchange(to: agent.address, sending: Array("GET /v1/wor".utf8)))
            }
            #expect(try agent.get("/v1/workers").status == 200)
            _ = idle.count
        }
    }
}
