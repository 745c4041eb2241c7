import Glibc
import Supervision
import TestSupport
import Testing

/// Agents that are killed at random instants while they start runs. The observer knows from the workers' own journal who
/// lived and how each ended.
@Suite(.serialized, .timeLimit(.minutes(10))) struct CampaignTests {
    private static let kills = getenv("KEEPER_KILLS").flatMap { Int(String(cString: $0)) } ?? 40

    @Test func everyExitIsRecordedExactlyOnceWithItsStatus() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("seed of the keeper's campaign: \(seed)")
        var generator = SeededGenerator(state: seed)
        let keeper = try KeeperProcess(slots: 12)
        for number in 0..<Self.kills {
            let agent = try keeper.newAgent()
            usleep(UInt32.random(in: 0...120_000, using: &generator))
            if number % 4 == 3 {
                // Also in the middle of its begin.
                usleep(UInt32.random(in: 0...2_000, using: &generator))
            }
            sendSignal(SIGKILL, to: agent)
            try keeper.eventually("agent \(agent) is gone") { ProcessEntry(pid: agent)?.isAlive != true }
        }
        #expect(try keeper.end().exitCode == 0)
        try Self.compare(keeper)
    }

    static func compare(_ keeper: KeeperProcess, adoptions: Int = 10) throws {
        var started: [Substring: Substring] = [:]
        var ended: [Substring: Substring] = [:]
        for line in keeper.directory.lines("journal") {
            let fields = line.split(separator: " ")
            if fields[0] == "start" {
                #expect(started.updateValue(fields[2], forKey: fields[1]) == nil)
                #expect(fields[4] == "alone", "\(line)")
            } else {
                ended[fields[1]] = fields[3]
            }
        }
        var recorded: [Substring: Substring] = [:]
        for line in keeper.directory.lines("exits") {
            let fields = line.split(separator: " ")
            #expect(recorded.updateValue(fields[2], forKey: fields[0]) == nil, "recorded twice: \(line)")
            #expect(fields[3] == "usage", "\(line)")
            #expect(ended[fields[0]] == fields[2], "a wrong status: \(line)")
        }
        let adopted = keeper.directory.lines("adoptions").count
        print("\(started.count) runs, \(adopted) adoptions, \(keeper.agents.count) agents")
        #expect(Set(started.keys) == Set(recorded.keys))
        #expect(started.count > 3 && adopted >= adoptions)
        #expect(!keeper.directory.exists("faults"), "\(keeper.directory.read("faults"))")
        #expect(!keeper.directory.exists("custody"), "\(keeper.directory.read("custody"))")
    }
}

extension KeeperProcess {
    /// The agent that runs, as soon as there is one.
    func newAgent() throws -> Int32 {
        do {
            return try eventuallySome("an agent") { self.agent?.pid }
        } catch let error as TimedOut {
            throw TimedOut("\(error)\nthe keeper's log:\n\(self.log.suffix(4000))")
        }
    }
}
