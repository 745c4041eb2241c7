import Glibc
import Supervision
import TestSupport
import Testing

/// Agents, and then the keeper itself, that are replaced by another binary.
@Suite(.serialized, .timeLimit(.minutes(10))) struct UpgradeTests {
    private static let limits = ["upgrade=1500", "observation=300"]
    /// For a binary that comes up, on a slow machine too.
    private static let patientLimits = ["upgrade=20000", "observation=300"]

    /// A keeper with runs, whose upgrade finds `name`.
    private func keeper(
        _ behaviour: String,
        _ settings: [String] = limits,
        _ prepare: (String) throws -> Void = { _ in }
    ) throws -> (KeeperProcess, String) {
        let directory = try TemporaryDirectory()
        let path = try KeeperProcess.copy("new", behaviour: behaviour, to: directory)
        try prepare(path)
        let keeper = try KeeperProcess(slots: 4, settings + ["binary=\(path)"])
        try keeper.agentBegins(1)
        try keeper.eventually("runs") { keeper.directory.lines("exits").count > 3 }
        // The directory lives as long as the keeper.
        keeper.kept = directory
        return (keeper, path)
    }

    @Test func theNewBinaryTakesOverAndThenTheKeeperReplacesItself() throws {
        let (keeper, path) = try self.keeper("is well", Self.patientLimits)
        let pid = keeper.program.pid
        for round in 1...3 {
            let before = keeper.agents.count
            keeper.program.signal(SIGUSR1)
            try keeper.agentBegins(before + 1)
            #expect(keeper.agents[before].contains("upgrade=onTrial") && keeper.agents[before].contains("is well"))
            try keeper.eventually("the keeper is replaced") {
                keeper.directory.lines("log").count { $0.contains("goes on as the new binary") } == round
            }
            try keeper.eventually("the agent is told") { keeper.upgraded.count == round }
            #expect(keeper.upgraded.last == "upgraded \(try keeper.newAgent())")
        }
        #expect(target(of: "/proc/\(pid)/exe") == path)
        // It guards as before.
        let before = keeper.agents.count
        sendSignal(SIGKILL, to: try keeper.newAgent())
        try keeper.agentBegins(before + 1)
        #expect(keeper.agents[before].contains("previous=ended(waitStatus: 9) upgrade=none"))
        #expect(keeper.program.pid == pid)
        for (number, agent) in keeper.agents.enumerated() {
            #expect(agent.contains(" transit=\(number) "), "what is in transit outlives agents and keepers")
        }
        #expect(try keeper.end().exitCode == 0)
        try CampaignTests.compare(keeper, adoptions: 0)
    }

    /// Nobody but the keeper knows what became of the upgrade then.
    @Test func anAgentThatDiesBeforeItHasWrittenTheEndDownIsFollowedByOneThatIsTold() throws {
        let (keeper, _) = try self.keeper("dies when told", Self.patientLimits)
        keeper.program.signal(SIGUSR1)
        try keeper.agentBegins(3)
        #expect(keeper.agents[1...2].allSatisfy { $0.contains("upgrade=onTrial") })
        try keeper.eventually("both are told") { keeper.upgraded.count == 2 }
        // The second one has confirmed it.
        sendSignal(SIGKILL, to: try keeper.newAgent())
        try keeper.agentBegins(4)
        #expect(keeper.agents[3].contains("upgrade=none"))
        #expect(try keeper.end().exitCode == 0)
        #expect(keeper.upgraded.count == 2)
        try CampaignTests.compare(keeper, adoptions: 0)
    }

    @Test(arguments: [
        ("exits at once", "exit code 5"), ("crashes soon", "signal 9"), ("hangs", "not ready within 1.5 seconds"),
    ])
    func aNewBinaryThatDoesNotComeUpIsRolledBack(behaviour: String, reason: String) throws {
        let (keeper, _) = try self.keeper(behaviour)
        keeper.program.signal(SIGUSR1)
        try keeper.agentBegins(2)
        #expect(keeper.upgraded.isEmpty)
        #expect(keeper.agents[1].contains("rolledBack") && keeper.agents[1].contains(reason), "\(keeper.agents[1])")
        #expect(try keeper.end().exitCode == 0)
        try CampaignTests.compare(keeper, adoptions: 0)
    }

    @Test func aNewBinaryThatEndsInItsTrialIsRolledBackAndNoOtherUpgradeBeginsMeanwhile() throws {
        // It is watched for longer than the test takes.
        let (keeper, path) = try self.keeper("is well", ["upgrade=60000", "observation=3600000"])
        keeper.program.signal(SIGUSR1)
        try keeper.agentBegins(2)
        try keeper.eventually("it is ready") { keeper.log.split(separator: "the agent is ready").count == 3 }
        keeper.program.signal(SIGUSR1)
        try keeper.eventually("the refusal") {
            keeper.directory.lines("agents").contains("upgrade another upgrade is under way")
        }
        #expect(keeper.agents.count == 2 && keeper.upgraded.isEmpty)
        sendSignal(SIGKILL, to: try keeper.newAgent())
        try keeper.agentBegins(3)
        #expect(keeper.agents[2].contains("rolledBack"), "\(keeper.agents[2])")
        #expect(keeper.agents[2].contains("the new binary came up and then ended: signal 9"), "\(keeper.agents[2])")
        #expect(keeper.agent.flatMap { target(of: "/proc/\($0.pid)/exe") } != path)
        #expect(try keeper.end().exitCode == 0)
        try CampaignTests.compare(keeper, adoptions: 0)
    }

    @Test func aFileThatIsNoProgramIsRolledBack() throws {
        let (keeper, _) = try self.keeper("is text", Self.patientLimits) { path in
            let file = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC)
            _ = write(file, "text", 4)
            close(file)
        }
        keeper.program.signal(SIGUSR1)
        try keeper.agentBegins(2)
        #expect(keeper.agents[1].contains("cannot be executed: Exec format error"), "\(keeper.agents[1])")
        #expect(try keeper.end().exitCode == 0)
        try CampaignTests.compare(keeper, adoptions: 0)
    }

    @Test func aFileThatMayNotBeExecutedIsRefusedAndTheAgentStays() throws {
        let (keeper, path) = try self.keeper("may not", Self.patientLimits) { chmod($0, 0o644) }
        let agent = try keeper.newAgent()
        keeper.program.signal(SIGUSR1)
        try keeper.eventually("the refusal") {
            keeper.directory.lines("agents").contains("upgrade cannot execute \(path): Permission denied")
        }
        #expect(keeper.agent?.pid == agent && keeper.agents.count == 1)
        #expect(try keeper.end().exitCode == 0)
    }

    @Test func aNewBinaryThatCannotTakeTheKeepersPlaceLeavesItAsItIs() throws {
        let (keeper, path) = try self.keeper("cannot resume", Self.patientLimits)
        keeper.program.signal(SIGUSR1)
        try keeper.agentBegins(2)
        try keeper.eventually("the refusal") { keeper.log.contains("the new binary cannot take the keeper's place") }
        #expect(target(of: "/proc/\(keeper.program.pid)/exe") != path)
        try keeper.eventually("the agent is told") { keeper.upgraded.count == 1 }
        sendSignal(SIGKILL, to: try keeper.newAgent())
        try keeper.agentBegins(3)
        #expect(try keeper.end().exitCode == 0)
        try CampaignTests.compare(keeper, adoptions: 0)
    }
}
