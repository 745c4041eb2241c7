import ControlMessages
import Supervision
import Testing

@testable import ControlAPI

/// What is shown of workers whose instances come and go.
@Suite struct ScaledWorkersTests {
    private let desk = Desk.withWorkers()

    private func workers() throws -> WorkersMessage {
        try self.desk.get("/v1/workers").decode()
    }

    private func worker(_ name: String) throws -> WorkerMessage {
        try self.desk.get("/v1/workers/\(name)").decode()
    }

    @Test func instancesThatComeAndGoMoveTheRevision() throws {
        let before = try self.workers().revision
        self.desk.apply(.scaled(ScaleChange(worker: "web", from: 2, to: 4, added: 2..<4, text: "scaled by uid:0")))
        let more = try self.worker("web")
        #expect(more.instances.map(\.id) == ["web.0", "web.1", "web.2", "web.3"])
        #expect(more.instances.allSatisfy { $0.state == "stopped" })
        let between = try self.workers().revision
        #expect(between > before)
        self.desk.become(.running, "web", 3)
        self.desk.apply(.scaled(ScaleChange(worker: "web", from: 4, to: 2, text: "scaled by uid:0")))
        self.desk.apply(.removed(InstanceID(worker: "web", index: 2), nil))
        #expect(try self.worker("web").instances.map(\.state) == ["stopped", "stopped", "running"])
        self.desk.become(.stopped, "web", 3)
        self.desk.apply(.removed(InstanceID(worker: "web", index: 3), nil))
        #expect(try self.worker("web").instances.map(\.id) == ["web.0", "web.1"])
        #expect(try self.workers().revision > between)
        // What is told too late of an instance that has gone changes nothing.
        self.desk.apply(.removed(InstanceID(worker: "web", index: 3), nil))
        #expect(try self.worker("web").instances.count == 2)
    }

    @Test func atTheStartAScaledWorkerHasNoInstancesThatNeverWere() throws {
        self.desk.apply(
            .scaled(ScaleChange(worker: "web", from: 2, to: 0, removed: 0..<2, text: "scaled by an operator before"))
        )
        let none = try self.worker("web")
        #expect(none.instances.isEmpty && none.state == "stopped")
        #expect(none.deviations == ["scaled by an operator to 0 instances; the configuration says 2"])
    }
}
