import CLinux
import Glibc
import LinuxSystem
import Testing

/// Runs jobs on a spawner's lane and hands the children back to the test.
struct ChildProcesses {
    let spawner: Spawner

    init() throws {
        self.spawner = try Spawner(name: "test-spawn")
    }

    static let path = "PATH=/usr/local/bin:/usr/bin:/bin"

    /// A request for `/bin/sh -c script`.
    static func shell(_ script: String, environment: [String] = [path]) -> SpawnRequest {
        SpawnRequest(
            executable: "/bin/sh",
            arguments: ["sh", "-c", script],
            environment: environment
        )
    }

    /// Spawns on a lane and waits for the outcome.
    func spawn(_ request: SpawnRequest) throws(SpawnFailure) -> Spawned {
        let outcome = Box<Result<Spawned, SpawnFailure>>()
        self.spawner.submit { lane in
            do throws(SpawnFailure) {
                outcome.put(.success(try lane.spawn(request)))
            } catch {
                outcome.put(.failure(error))
            }
        }
        return try outcome.take().get()
    }

    func spawn(script: String) throws(SpawnFailure) -> Spawned {
        try self.spawn(Self.shell(script))
    }

    /// Runs a shell script to its end with its output in a pipe; returns what it wrote.
    func output(of script: String) throws -> String {
        let (readEnd, writeEnd) = try Pipe().split { ($0.take(), $1.take()) }
        var request = Self.shell(script)
        request.standardOutput = .descriptor(writeEnd)
        let spawned = try self.spawn(request)
        close(writeEnd)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while case let count = read(readEnd, &chunk, chunk.count), count > 0 {
            bytes += chunk[..<count]
        }
        close(readEnd)
        _ = try Self.end(of: spawned)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Waits for the end of a child, reaps it and closes its pidfd.
    static func end(of spawned: Spawned) throws -> PIDFD.PeekedExit {
        do {
            try Self.waitForEnd(of: spawned.pidfd)
        } catch {
            spawned.pidfd.close()
            throw error
        }
        let exit = try #require(try spawned.pidfd.peek())
        #expect(try spawned.pidfd.reap())
        spawned.pidfd.close()
        return exit
    }

    /// Waits until a process has ended; fails after two minutes.
    static func waitForEnd(of process: PIDFD) throws {
        var watched = pollfd(fd: process.descriptor, events: Int16(POLLIN), revents: 0)
        var ready = poll(&watched, 1, 120_000)
        while ready < 0, errno == EINTR {
            ready = poll(&watched, 1, 120_000)
        }
        try #require(ready == 1, "the process did not end")
    }
}

/// Hands one value from one thread to another.
final class Box<Value: Sendable>: Sendable {
    private let value = Locked<Value?>(nil)
    private let ready: Int32 = eventfd(0, Int32(EFD_CLOEXEC))

    deinit {
        close(self.ready)
    }

    func put(_ value: Value) {
        self.value.withLock { $0 = value }
        var one: UInt64 = 1
        _ = write(self.ready, &one, 8)
    }

    /// Waits for the value, two minutes at most.
    func take() -> Value {
        var watched = pollfd(fd: self.ready, events: Int16(POLLIN), revents: 0)
        while poll(&watched, 1, 120_000) < 0, errno == EINTR {}
        guard let value = self.value.withLock({ $0 }) else { fatalError("no value within two minutes") }
        return value
    }

    var isEmpty: Bool {
        self.value.withLock { $0 == nil }
    }
}

/// Whether `condition` becomes true within two minutes; looks every millisecond.
func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
    let limit = SuspendingClock.now + .seconds(120)
    while SuspendingClock.now < limit {
        if try condition() {
            return true
        }
        usleep(1000)
    }
    return false
}
