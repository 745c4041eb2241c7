import Testing

@testable import Supervision

/// Slots whose instances come and go, below what anybody asks for.
@Suite struct RosterSlotTests {
    private func roster() -> WorkerRoster {
        let workers: [WorkerSpecification] = [
            .web { $0.instances = 3 }, WorkerSpecification(name: "db", command: ["/db"]),
        ]
        var roster = WorkerRoster(specifications: workers, randomness: Randomness(seed: 1))
        roster.begin(at: .beginning)
        return roster
    }

    private func instances(_ roster: WorkerRoster) -> [[Int]] {
        roster.workers.map { worker in worker.slots.map { roster.slots[$0].machine.id.index } }
    }

    @Test func aVacantSlotIsTakenByTheNextInstanceThatComes() throws {
        var roster = self.roster()
        let vacant = try #require(roster.slotIndex[.web(1)])
        roster.removeInstance(in: vacant)
        #expect(roster.status(of: .web(1)) == nil)
        #expect(self.instances(roster) == [[0, 2], [0]])
        #expect(roster.addInstance(1, to: 1) == vacant)
        #expect(roster.status(of: .db(1))?.state == .stopped)
        #expect(self.instances(roster) == [[0, 2], [0, 1]])
        #expect(roster.slots.count == 4)
    }

    @Test func theOthersKeepTheirSlots() throws {
        var roster = self.roster()
        let before = roster.slotIndex
        for index in [2, 0, 1] {
            roster.removeInstance(in: try #require(roster.slotIndex[.web(index)]))
        }
        #expect(roster.slotIndex[.db(0)] == before[.db(0)])
        #expect(self.instances(roster) == [[], [0]])
        for index in 0..<5 {
            roster.addInstance(index, to: 0)
        }
        #expect(roster.slotIndex[.db(0)] == before[.db(0)])
        #expect(self.instances(roster) == [[0, 1, 2, 3, 4], [0]])
        #expect(Set(roster.slotIndex.values).count == 6)
    }

    @Test func whatAnOperationReachesIsInTheOrderOfTheConfiguration() throws {
        var roster = self.roster()
        roster.removeInstance(in: try #require(roster.slotIndex[.web(2)]))
        roster.addInstance(1, to: 1)
        roster.addInstance(2, to: 0)
        let request = OperationRequest(action: .stop, workers: ["db", "web"], requestedBy: "uid:0")
        let operation = try #require(roster.submit(request, at: .beginning).accepted)
        #expect(operation.workers == ["web", "db"])
        #expect(operation.instances.map(\.instance) == [.web(0), .web(1), .web(2), .db(0), .db(1)])
    }

    @Test func whatHappensToAnInstanceThatHasGoneIsStale() throws {
        var roster = self.roster()
        let run = try #require(roster.status(of: .web(2))?.runID)
        roster.removeInstance(in: try #require(roster.slotIndex[.web(2)]))
        _ = roster.takeEffects()
        roster.spawned(.web(2), run, pid: 7, at: .beginning)
        roster.exited(.web(2), run, .init(status: WaitStatus(exitCode: 0)), at: .beginning)
        roster.timeReached(.instance(.web(2)), at: .beginning)
        #expect(roster.takeEffects().isEmpty)
    }

    @Test func ofAnInstanceThatHasGoneNothingIsRemembered() throws {
        var roster = self.roster()
        let vacant = try #require(roster.slotIndex[.web(2)])
        roster.removeInstance(in: vacant)
        roster.addInstance(1, to: 1)
        roster.remember(vacant)
        let ids = roster.takeMemories(at: .beginning).map(\.id)
        #expect(ids.sorted() == [.db(0), .db(1), .web(0), .web(1)])
    }

    @Test func thousandsGoInAnyOrderAndComeBack() throws {
        let count = 10_000
        let web = WorkerSpecification.web { $0.instances = count }
        var roster = WorkerRoster(specifications: [web], randomness: Randomness(seed: 1))
        for index in (0..<count).filter({ $0 % 2 == 0 }) + (0..<count).filter({ $0 % 2 == 1 }) {
            roster.removeInstance(in: try #require(roster.slotIndex[.web(index)]))
        }
        #expect(self.instances(roster) == [[]])
        for index in 0..<count {
            roster.addInstance(index, to: 0)
        }
        #expect(self.instances(roster) == [Array(0..<count)])
        #expect(roster.slots.count == count)
    }
}
