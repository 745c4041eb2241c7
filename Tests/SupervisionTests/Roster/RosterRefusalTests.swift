import Supervision
import Testing

@Suite struct RosterRefusalTests {
    @Test(arguments: [OperationAction.start, .stop, .restart, .signal, .reset])
    func anUnknownWorkerIsNamed(action: OperationAction) throws {
        var harness = try RosterHarness.running()
        let request = OperationRequest.web(action) {
            $0.workers = ["web", "wbe", "bwe"]
            $0.signal = .hangup
        }
        guard case .unknownWorker("wbe") = try harness.submit(request) else {
            Issue.record("the first unknown worker is not named")
            return
        }
        #expect(harness.status(.web(0)).state == .running, "nothing was done")
    }

    @Test(arguments: [-1, 2, 10_000])
    func anUnknownInstanceIsNamed(index: Int) throws {
        var harness = try RosterHarness.running(instances: 2)
        guard case .unknownInstance(let id, 2) = try harness.submit(.web(.stop) { $0.instance = index }) else {
            Issue.record("it was found")
            return
        }
        #expect(id == .web(index))
    }

    @Test func aWorkerOfNoInstancesHasNoInstance() throws {
        var harness = try RosterHarness.begun(instances: 0)
        guard case .unknownInstance(.web(0), 0) = try harness.submit(.web(.start) { $0.instance = 0 }) else {
            Issue.record("it was found")
            return
        }
    }

    @Test func tooManyStartsAreRefusedAndAStopIsNot() throws {
        let names = (0...WorkerRoster.maximumOperations).map { "w\($0)" }
        var roster = WorkerRoster(
            specifications: names.map { name in
                var specification = WorkerSpecification(name: name, command: ["/bin/w"])
                specification.autostart = false
                return specification
            },
            randomness: Randomness(seed: 1)
        )
        roster.begin(at: .beginning)
        for name in names.dropLast() {
            let request = OperationRequest(action: .start, workers: [name], requestedBy: "uid:0")
            guard case .accepted = roster.submit(request, at: .beginning) else {
                Issue.record("\(name) was refused")
                return
            }
        }
        let last = OperationRequest(action: .start, workers: [names[names.count - 1]], requestedBy: "uid:0")
        guard case .busy = roster.submit(last, at: .beginning) else {
            Issue.record("there was still room")
            return
        }
        var stop = last
        stop.action = .stop
        guard case .accepted = roster.submit(stop, at: .beginning) else {
            Issue.record("the stop was refused")
            return
        }
    }
}
