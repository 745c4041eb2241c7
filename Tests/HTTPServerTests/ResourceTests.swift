import Glibc
import HTTPServer
import Testing

/// In processes of their own: they count descriptors, or have none left.
@Suite(.timeLimit(.minutes(10)))
struct ResourceTests {
    @Test func nothingLeaks() async {
        await #expect(processExitsWith: .success) {
            func use() throws {
                let server = try TestServer(.tcp, .unix)
                for round in 0..<200 {
                    let client = try server.client(round % 2)
                    switch round % 5 {
                    case 0: client.send("GET /a%2fb HTTP/1.1\r\nHost: a\r\n\r\n")
                    case 1: client.send("GET /later HTTP/1.1\r\nHost: a\r\n\r\n")
                    case 2: client.send("POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
                    case 3: break
                    default: _ = try client.exchange("GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
                    }
                }
                server.stop()
            }
            try use()
            let before = TestProcess.descriptorCount
            for _ in 0..<5 {
                try use()
            }
            // The loop's own descriptors are closed when its thread has ended.
            guard eventually({ TestProcess.descriptorCount <= before }) else { exit(1) }
        }
    }

    @Test func withoutDescriptorsClientsAreRefusedAndTheLoopRests() async {
        await #expect(processExitsWith: .success) {
            let server = try TestServer(.tcp, .unix)
            // Sockets for the clients, then all that is left.
            var clients: [TestClient] = []
            var hoard: [Int32] = []
            var limit = rlimit(rlim_cur: 200, rlim_max: 200)
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            while case let descriptor = open("/dev/null", O_RDONLY), descriptor >= 0 {
                hoard.append(descriptor)
            }
            for index in 0..<4 {
                close(hoard.removeLast())
                try clients.append(server.client(index % 2))
            }
            // The reserve descriptor was used to tell each of them.
            for client in clients {
                guard try client.readResponse().status == 503, client.isAtEnd() else { exit(1) }
            }
            guard server.counts.map(\.refused) == [2, 2], server.turnsAtRest() < 50 else { exit(2) }
            close(hoard.removeLast())
            close(hoard.removeLast())
            guard try server.client(0).exchange("GET /ok HTTP/1.1\r\nHost: a\r\n\r\n").status == 200 else { exit(3) }
            for descriptor in hoard {
                close(descriptor)
            }
            server.stop()
        }
    }
}
