import Glibc
import HTTPServer
import LinuxSystem
import Synchronization
import Testing

enum Transport: CaseIterable, Sendable {
    case tcp
    case unix
}

/// A server on the thread of its own loop, with what the tests look at.
final class TestServer {
    private let loop: EventLoop
    private let server: HTTPServer
    let handler = TestHandler()
    private let directory: TemporaryDirectory?
    private let addresses: [ListeningSocket.Address]
    private let log = LogLines()
    private let counter = TurnCounter()

    init(limits: HTTPLimits = HTTPLimits(), _ transports: Transport...) throws {
        self.loop = try EventLoop(name: "test")
        self.server = HTTPServer(loop: self.loop, limits: limits, handler: self.handler)
        self.directory = transports.contains(.unix) ? TemporaryDirectory() : nil
        for (index, transport) in transports.enumerated() {
            switch transport {
            case .tcp: try self.server.addListener(.tcp(host: "127.0.0.1", port: 0))
            case .unix: try self.server.addListener(.unix(path: "\(self.directory?.path ?? "")/\(index).sock"))
            }
        }
        self.addresses = transports.indices.map { [server] in server.localAddress(ofListener: $0) }
        self.handler.onStop = { [unowned server] in server.stop() }
        self.server.log = { [log] in log.lines.append($0) }
        let endOfTurn = self.loop.endOfTurn
        self.loop.endOfTurn = { [counter] in
            endOfTurn?()
            counter.turns += 1
        }
        self.loop.start()
    }

    /// Ends the server and its loop's thread.
    func stop() {
        self.onLoop { $0.stop() }
        self.loop.stop()
    }

    func client(_ index: Int = 0) throws -> TestClient {
        try TestClient(self.addresses[index])
    }

    // MARK: What goes on

    /// What belongs to one thread, sent to another.
    // Unchecked: the sender waits, so nothing is used by two threads at once.
    private struct Sent<Value>: @unchecked Sendable {
        var value: Value
    }

    /// Calls `body` on the loop and waits for it.
    @discardableResult
    func onLoop<Result>(_ body: @escaping (HTTPServer) -> Result) -> Result {
        let done = Semaphore()
        let slot = ResultSlot<Sent<Result>>()
        let work = Sent(value: (body, self.server))
        self.loop.execute {
            slot.store(Sent(value: work.value.0(work.value.1)))
            done.signal()
        }
        done.wait()
        return slot.take().value
    }

    var counts: [ListenerCounts] {
        self.onLoop { $0.counts }
    }

    var turns: Int {
        self.onLoop { _ in self.counter.turns }
    }

    /// The turns of the loop in a while in which nobody does anything. Looks again when there were some, because what went
    /// on before may not have come to rest.
    func turnsAtRest() -> Int {
        var fewest = Int.max
        for _ in 0..<5 where fewest > 0 {
            let turns = self.turns
            TestProcess.pause(milliseconds: 300)
            // To look is a turn by itself.
            fewest = min(fewest, self.turns - turns - 1)
        }
        return fewest
    }

    var logLines: [String] {
        self.onLoop { _ in self.log.lines }
    }

    var handledPaths: [String] {
        self.onLoop { _ in self.handler.handledPaths }
    }

    var goneCount: Int {
        self.onLoop { _ in self.handler.goneCount }
    }

    /// Waits until so many requests wait for their answer.
    func waitForExchanges(_ count: Int) throws {
        guard eventually({ self.onLoop { _ in self.handler.waiting.count } >= count }) else {
            throw TestClient.Failure.noResponse([])
        }
    }

    /// A client that follows a new stream, after its header.
    func follower(_ index: Int = 0) throws -> TestClient {
        let client = try self.client(index)
        client.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try client.readResponse(withBody: false).status == 200)
        return client
    }

    /// Writes to all streams, sharing the bytes; returns whether each one took them.
    @discardableResult
    func write(_ text: String) -> [Bool] {
        let bytes = Array(text.utf8)
        return self.onLoop { _ in self.handler.streams.map { $0.write(bytes) } }
    }

    /// Calls `body` with a stream, on the loop.
    @discardableResult
    func withStream<Result>(_ index: Int = 0, _ body: @escaping (HTTPStream) -> Result) -> Result {
        self.onLoop { _ in body(self.handler.streams[index]) }
    }

    var closedStreams: [Int] {
        self.onLoop { _ in self.handler.closedStreams }
    }

    /// Answers all that wait.
    func answerAll(_ text: String) {
        self.onLoop { _ in
            let waiting = self.handler.waiting
            self.handler.waiting = []
            for exchange in waiting {
                exchange.respond(TestHandler.text(text))
            }
        }
    }
}

final class LogLines {
    var lines: [String] = []
}

final class TurnCounter {
    var turns = 0
}

/// Takes a value from one thread to another that waits for it.
final class ResultSlot<Value: Sendable>: Sendable {
    private let value = Mutex<Value?>(nil)

    func store(_ value: Value) {
        self.value.withLock { $0 = value }
    }

    func take() -> Value {
        guard let value = self.value.withLock({ $0 }) else { preconditionFailure("nothing was stored") }
        return value
    }
}

/// sem_t, for a thread that waits for another.
// Unchecked: sem_t is made to be shared.
final class Semaphore: @unchecked Sendable {
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() {
        sem_init(self.semaphore, 0, 0)
    }

    deinit {
        sem_destroy(self.semaphore)
        self.semaphore.deallocate()
    }

    func signal() {
        sem_post(self.semaphore)
    }

    func wait() {
        while sem_wait(self.semaphore) != 0 {}
    }
}
