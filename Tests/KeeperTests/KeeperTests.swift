import Glibc
import Supervision
import TestSupport
import Testing

@testable import Keeper

/// The keeper as a process, and agents that die.
@Suite(.serialized, .timeLimit(.minutes(10))) struct KeeperTests {
    @Test func anAgentThatIsKilledIsStartedAgainAndTermEndsBoth() throws {
        let keeper = try KeeperProcess()
        let first = try keeper.agentBegins(1)
        sendSignal(SIGKILL, to: first)
        let second = try keeper.agentBegins(2)
        #expect(second != first)
        #expect(keeper.agents[0].contains("starts=1 shutdown=0 previous=none upgrade=none runs=0"))
        #expect(keeper.agents[1].contains("starts=2 shutdown=0 previous=ended(waitStatus: 9)"))
        #expect(try keeper.end().exitCode == 0)
        #expect(keeper.log.contains("error keeper: the agent died pid=\(first) how=\"signal 9\" runs=0"))
        #expect(ProcessEntry(pid: second)?.isAlive != true)
    }

    @Test func everySignalIsPassedOn() throws {
        let keeper = try KeeperProcess()
        let agent = try keeper.agentBegins(1)
        try keeper.eventually("ready") { keeper.log.contains("the agent is ready") }
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGUSR2] {
            keeper.program.signal(signal)
            try keeper.eventually("signal \(signal) arrives") {
                keeper.directory.lines("agents").contains("signal \(agent) \(signal)")
            }
        }
        // What the last one has started.
        try keeper.eventually("the stranger") { keeper.directory.exists("stranger") }
        let stranger = try #require(keeper.directory.lines("stranger").first.flatMap { Int32($0) })
        sendSignal(SIGKILL, to: stranger)
        #expect(try keeper.end().exitCode == 0)
    }

    @Test func anAgentThatDiesInItsShutdownComesBackInItsShutdown() throws {
        let keeper = try KeeperProcess(slots: 1)
        let first = try keeper.agentBegins(1)
        try keeper.eventually("a run") { keeper.directory.exists("journal") }
        sendSignal(SIGSTOP, to: first)
        keeper.program.signal(SIGTERM)
        try keeper.eventually("TERM is passed on") { keeper.log.contains("passed a signal on signal=15") }
        sendSignal(SIGKILL, to: first)
        #expect(try keeper.program.wait().exitCode == 0)
        #expect(keeper.agents.count == 2 && keeper.agents[1].contains("shutdown=15"))
    }

    @Test func aSilentAgentIsKilledAndStartedAgain() throws {
        let keeper = try KeeperProcess(["sign=100", "silence=1000"], behaviour: "silent")
        let first = try keeper.agentBegins(1)
        try keeper.directory.write("", to: "behaviour")
        try keeper.agentBegins(2)
        #expect(keeper.agents[1].contains("previous=silent"))
        #expect(keeper.log.contains("kills the agent, which gave no sign of life pid=\(first)"))
        #expect(try keeper.end().exitCode == 0)
    }

    @Test func anAgentThatIsWellAndIdleIsLeftAlone() throws {
        let keeper = try KeeperProcess(["sign=50", "silence=4000"])
        let agent = try keeper.agentBegins(1)
        // A stop that is shorter than the limit changes nothing; the signs show that time has passed.
        sendSignal(SIGSTOP, to: agent)
        sendSignal(SIGCONT, to: agent)
        let begin = SuspendingClock.now
        try keeper.eventually("more than the limit") { begin.duration(to: .now) > .milliseconds(4500) }
        #expect(keeper.agent?.pid == agent && keeper.agents.count == 1)
        #expect(try keeper.end().exitCode == 0)
    }

    @Test func anAgentThatCannotStartAtAllEndsTheKeeperWithItsCode() throws {
        let directory = try TemporaryDirectory()
        let copy = try KeeperProcess.copy("agent", behaviour: "exits at once", to: directory)
        let keeper = try KeeperProcess(program: copy)
        #expect(try keeper.program.wait().exitCode == 5)
        #expect(keeper.log.contains("the agent does not start how=\"exit code 5\""))
    }

    @Test func anAgentThatCrashesAgainAndAgainIsStartedWithAGrowingDelay() throws {
        let keeper = try KeeperProcess(behaviour: "crash", environment: ["SWIFT_BACKTRACE": "enable=no"])
        try keeper.agentBegins(4)
        #expect(keeper.log.contains("starts the agent again after=\"0.1 seconds\""))
        #expect(keeper.log.contains("starts the agent again after=\"0.2 seconds\""))
        try keeper.directory.write("", to: "behaviour")
        #expect(try keeper.end().exitCode == 0)
    }

    @Test func aSecondKeeperOfTheSameDirectoryEndsWithTwo() throws {
        let keeper = try KeeperProcess()
        try keeper.agentBegins(1)
        let path = keeper.directory.path
        let second = try run([String(KeeperProcess.built), "keeper", path, "0"])
        #expect(second.code == 2)
        #expect(
            second.errors.contains("another keeper (pid \(keeper.program.pid)) is running with the state directory")
        )
        #expect(keeper.agents.count == 1)
        #expect(try keeper.end().exitCode == 0)
    }

    @Test func orphansOfStrangersAreReaped() throws {
        let keeper = try KeeperProcess()
        let agent = try keeper.agentBegins(1)
        // Started by the agent, it becomes the keeper's when the agent dies.
        sendSignal(SIGUSR2, to: agent)
        try keeper.eventually("a stranger") { keeper.directory.exists("stranger") }
        let orphan = try #require(Int32(keeper.directory.lines("stranger")[0]))
        sendSignal(SIGKILL, to: agent)
        try keeper.agentBegins(2)
        sendSignal(SIGTERM, to: orphan)
        try keeper.eventually("the orphan is gone, its zombie too") { ProcessEntry(pid: orphan) == nil }
        #expect(try keeper.end().exitCode == 0)
    }

    @Test func theServiceManagerIsToldByTheKeeper() throws {
        let directory = try TemporaryDirectory()
        let manager = try ServiceManager(directory.file("notify"))
        let keeper = try KeeperProcess(
            environment: ["NOTIFY_SOCKET": directory.file("notify"), "WATCHDOG_USEC": "400000"]
        )
        let agent = try keeper.agentBegins(1)
        try manager.hears("READY=1\nMAINPID=\(keeper.program.pid)\n")
        for _ in 0..<3 {
            try manager.hears("WATCHDOG=1\n")
        }
        // The agent itself does not know of it.
        let environment = contents(ofFile: "/proc/\(agent)/environ") ?? []
        #expect(!String(decoding: environment, as: UTF8.self).contains("NOTIFY_SOCKET"))
        keeper.program.signal(SIGTERM)
        try manager.hears("STOPPING=1\n")
        #expect(try keeper.program.wait().exitCode == 0)
    }

    // MARK: As PID 1

    private static let canBeInit =
        (try? run(["/usr/bin/unshare", "--pid", "--fork", "--mount-proc", "true"]))?.code == 0

    @Test(.enabled(if: canBeInit, "a process namespace cannot be made here"))
    func asInitItReapsStrangersAndEndsWithTheAgent() throws {
        let keeper = try KeeperProcess(prefix: ["/usr/bin/unshare", "--pid", "--fork", "--mount-proc"])
        try keeper.agentBegins(1)
        #expect(keeper.log.contains("started the agent pid=2 "))
        let initProcess = try eventuallySome("init") { ProcessEntry.alive(withParent: keeper.program.pid).first }
        let agent = try #require(ProcessEntry.alive(withParent: initProcess.pid).first)
        sendSignal(SIGUSR2, to: agent.pid)
        try keeper.eventually("a stranger") { keeper.directory.exists("stranger") }
        sendSignal(SIGKILL, to: agent.pid)
        try keeper.agentBegins(2)
        let children = ProcessEntry.alive(withParent: initProcess.pid)
        let stranger = try #require(children.first { $0.command == "sleep" })
        sendSignal(SIGKILL, to: stranger.pid)
        try keeper.eventually("the stranger is gone, its zombie too") { ProcessEntry(pid: stranger.pid) == nil }
        sendSignal(SIGTERM, to: initProcess.pid)
        #expect(try keeper.program.wait().exitCode == 0)
    }
}
