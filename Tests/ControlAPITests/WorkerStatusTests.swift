import Supervision
import Testing

@testable import ControlAPI

@Suite struct WorkerStatusTests {
    private func worker(
        _ states: [InstanceState],
        desired: [DesiredState] = [],
        autostart: Bool = true
    ) -> WorkerStatus {
        var specification = WorkerSpecification(name: "web", command: ["/x"])
        specification.instances = states.count
        specification.autostart = autostart
        var worker = WorkerStatus(specification, revision: 0, at: 0)
        for (index, state) in states.enumerated() {
            worker.instances[index].status.state = state
            worker.instances[index].status.desired = index < desired.count ? desired[index] : .up
        }
        return worker
    }

    private static let calm = WorkerStatus.Circumstances(isRecovered: true)

    // MARK: State

    @Test(arguments: InstanceState.allCases)
    func theStateThatAllShareIsTheWorkers(state: InstanceState) {
        #expect(self.worker([state]).state == state.rawValue)
        #expect(self.worker([state, state, state]).state == state.rawValue)
    }

    @Test func runningAndFinishedAreRunningTogether() {
        #expect(self.worker([.running, .finished]).state == "running")
        #expect(self.worker([.finished, .running, .finished]).state == "running")
        #expect(self.worker([.finished, .finished]).state == "finished")
    }

    @Test func anyOtherMixtureIsDegraded() {
        for first in InstanceState.allCases {
            for second in InstanceState.allCases where second != first {
                if Set([first, second]) == [.running, .finished] { continue }
                #expect(self.worker([first, second]).state == "degraded")
            }
        }
    }

    @Test func aWorkerWithoutInstancesIsStopped() {
        #expect(self.worker([]).state == "stopped")
        #expect(self.worker([]).desired == .down)
        #expect(self.worker([]).deviations(Self.calm) == [])
    }

    @Test func healthIsThatOfTheWorst() {
        var worker = self.worker([.running, .running, .running])
        #expect(worker.health == .none)
        worker.instances[0].status.health = .passing
        #expect(worker.health == .passing)
        worker.instances[1].status.health = .unknown
        #expect(worker.health == .unknown)
        worker.instances[2].status.health = .failing
        #expect(worker.health == .failing)
        #expect(worker.deviations(Self.calm) == ["web.2 fails its health check"])
    }

    // MARK: Deviations

    @Test func whatIsAsDesiredHasNoDeviations() {
        #expect(self.worker([.running, .finished]).deviations(Self.calm) == [])
        #expect(self.worker([.stopped], desired: [.down], autostart: false).deviations(Self.calm) == [])
    }

    @Test func eachInstanceThatIsNotUpIsNamed() {
        #expect(
            self.worker([.backoff, .running, .failed, .starting, .waiting, .stopping]).deviations(Self.calm) == [
                "web.0 is in backoff", "web.2 has failed", "web.3 is starting", "web.4 waits for another worker",
                "web.5 is stopping",
            ]
        )
    }

    @Test func whatAnOperatorStoppedIsSaid() {
        #expect(
            self.worker([.stopped, .stopped], desired: [.down, .down]).deviations(Self.calm)
                == ["stopped by an operator though autostart is on"]
        )
        #expect(
            self.worker([.running, .stopped], desired: [.up, .down]).deviations(Self.calm)
                == ["web.1 was stopped by an operator though autostart is on"]
        )
        #expect(
            self.worker([.stopping], desired: [.down], autostart: false).deviations(Self.calm) == ["web.0 is stopping"]
        )
    }

    @Test func theAgentsOwnBeginAndEndAreNobodysDecision() {
        let worker = self.worker([.stopped], desired: [.down])
        #expect(worker.deviations(WorkerStatus.Circumstances()) == [])
        #expect(worker.deviations(WorkerStatus.Circumstances(isRecovered: true, isShuttingDown: true)) == [])
    }

    // MARK: Instances that come and go

    @Test func instancesGoInAnyOrderAndComeAgain() {
        var worker = self.worker([.running, .running, .stopping, .stopping], desired: [.up, .up, .down, .down])
        worker.remove(2..<3)
        #expect(worker.instances.map(\.status.id.index) == [0, 1, 3])
        #expect(worker.place(of: 3) == 2 && worker.place(of: 2) == nil)
        #expect(worker.add(InstanceID(worker: "web", index: 2), at: 0) == 2)
        #expect(worker.add(InstanceID(worker: "web", index: 5), at: 0) == 4)
        #expect(worker.add(InstanceID(worker: "web", index: 5), at: 0) == 4)
        #expect(worker.instances.map(\.status.id.index) == [0, 1, 2, 3, 5])
        worker.remove(0..<10)
        #expect(worker.instances.isEmpty)
    }

    @Test func aScaledWorkerSaysSo() {
        var worker = self.worker([.running, .running])
        worker.specification.instances = 1
        #expect(worker.deviations(Self.calm) == ["scaled by an operator to 2 instances; the configuration says 1"])
        worker.count = 1
        worker.instances[1].status.state = .stopping
        worker.instances[1].status.desired = .down
        #expect(worker.deviations(Self.calm) == ["web.1 is stopping"])
        worker.remove(1..<2)
        #expect(worker.deviations(Self.calm) == [])
    }
}
