import ControlMessages
import Glibc
import LinuxSystem
import Supervision
import TestSupport
import Testing

/// A write lease on an executable (fcntl(2), F_SETLEASE): whoever opens the file, and exec does, waits in the kernel until
/// the lease is given back. It stands for the dead file system on which an exec hangs.
private final class Lease {
    private static let setLease: Int32 = 1024
    private let descriptor: Int32

    init(_ path: String) throws {
        // The kernel tells the holder by SIGIO that somebody waits.
        signal(SIGIO, SIG_IGN)
        self.descriptor = try systemCall("open") { open(path, O_RDONLY | O_CLOEXEC) }
        _ = try systemCall("fcntl") { fcntl(self.descriptor, Self.setLease, Int32(F_WRLCK)) }
    }

    func giveBack() {
        _ = fcntl(self.descriptor, Self.setLease, Int32(F_UNLCK))
    }

    deinit {
        close(self.descriptor)
    }
}

@Suite(.serialized, .timeLimit(.minutes(10)))
struct HungStartTests {
    private func makeAgent() throws -> (AgentProcess, Lease) {
        let directory = try TemporaryDirectory()
        let program = directory.file("program")
        _ = try run(["/bin/cp", "/bin/sleep", program], directory: directory.path)
        let lease = try Lease(program)
        let agent = try AgentProcess(
            """
            [workers.hung]
            command = ["\(program)", "1000"]
            stop = { grace = "300ms" }

            [workers.good]
            command = ["/bin/sleep", "1000"]
            backoff = { initial = "1ms", reset_after = "1ms" }
            """,
            in: directory
        )
        return (agent, lease)
    }

    @Test
    func aHangingExecDelaysNobodyElse() throws {
        let (agent, lease) = try self.makeAgent()
        var pid = try agent.waitForPID(of: "good")
        for _ in 0..<20 {
            sendSignal(SIGKILL, to: pid)
            pid = try agent.waitForPID(of: "good", otherThan: pid)
        }
        let hung = try agent.worker("hung")
        #expect(hung.state == "starting")
        #expect(hung.instances[0].pid == nil)
        #expect(try agent.get("/readyz").status == 503)
        #expect(try agent.get("/healthz").status == 200)
        lease.giveBack()
        try agent.waitFor("hung", toBe: "running")
        #expect(try agent.get("/readyz").status == 200)
        #expect(try agent.exits(of: "hung").isEmpty)
        agent.end()
        #expect(agent.processes.isEmpty)
    }

    @Test
    func aHangingStartCanBeStopped() throws {
        let (agent, lease) = try self.makeAgent()
        try agent.waitFor("hung", toBe: "starting")
        let operation = try agent.operate("stop", "hung", "?grace=200ms")
        #expect(operation.state == "succeeded")
        #expect(try agent.worker("hung").state == "stopped")
        let exit = try #require(try agent.exits(of: "hung").first)
        #expect(exit.outcome == "not_started")
        #expect(exit.cause == "stop_timeout")
        #expect(exit.escalated)
        #expect(exit.operationID == operation.id)
        #expect(exit.waitStatus == nil && exit.exitCode == nil && exit.signal == nil)
        #expect(exit.error?.stage == "aborted")
        lease.giveBack()
        try agent.operate("start", "hung")
    }

    @Test
    func aHangingStartDoesNotHoldUpTheEndOfTheAgent() throws {
        let (agent, lease) = try self.makeAgent()
        try agent.waitFor("hung", toBe: "starting")
        agent.program.signal(SIGTERM)
        #expect(try agent.program.wait(within: .seconds(10)).exitCode == 0)
        withExtendedLifetime(lease) {}
    }
}
