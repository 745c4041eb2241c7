import ControlMessages
import Glibc
import TestSupport
import Testing

/// What a run used: the kernel's numbers, and none that is the agent's.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct UsageTests {
    @Test
    func aSmallRunIsNotGivenTheMemoryOfTheAgent() throws {
        let agent = try AgentProcess(shellWorker("small", "exit 3", "restart = \"never\""))
        let exit = try #require(try agent.waitForExits(of: "small", count: 1).first)
        let usage = try #require(exit.usage)
        #expect(usage.maxRSSBytes == nil)
    }

    @Test
    func aLargeRunIsToldInBytes() throws {
        let script = "python3 -c 'x = bytearray(200 << 20); [0 for _ in range(2000000)]'; exit 3"
        let agent = try AgentProcess(shellWorker("large", "exec " + script, "restart = \"never\""))
        let exit = try #require(try agent.waitForExits(of: "large", count: 1).first)
        let usage = try #require(exit.usage)
        #expect((200 << 20)...(400 << 20) ~= (usage.maxRSSBytes ?? 0))
        #expect(usage.userSeconds > 0.01)
    }
}
