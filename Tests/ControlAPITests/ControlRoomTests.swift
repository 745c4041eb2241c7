import ControlMessages
import HTTPServer
import LinuxSystem
import Supervision
import Synchronization
import Testing

@testable import ControlAPI

/// The room on a loop of its own, with a supervisor on another one.
@Suite struct ControlRoomTests {
    /// A supervisor whose operations succeed at once; it tells the room before it answers.
    private actor FakeSupervisor: SupervisorCommands {
        nonisolated let loop: EventLoop
        private var room: ControlRoom?

        nonisolated var unownedExecutor: UnownedSerialExecutor {
            self.loop.asUnownedSerialExecutor()
        }

        init(loop: EventLoop) {
            self.loop = loop
        }

        func tell(_ room: ControlRoom) {
            self.room = room
        }

        func submit(_ request: OperationRequest) async -> OperationSubmission {
            let operation = Supervision.Operation(
                id: OperationID(high: 0x01a2_02b2_c57b_7000, low: 0x8000_0000_0000_0001),
                action: request.action,
                workers: request.workers,
                state: .succeeded,
                requestedBy: request.requestedBy,
                createdAt: Timestamp(nanosecondsSinceEpoch: 0)
            )
            self.room?.apply([Transition(id: 3, at: Timestamp(nanosecondsSinceEpoch: 0), change: .operation(operation))]
            )
            return .accepted(operation, budget: .seconds(10))
        }
    }

    private static func request(_ method: String, _ path: [String]) -> HTTPRequest {
        HTTPRequest(method: method, target: "", path: path, connection: Desk.Client.root.connection)
    }

    @Test(.timeLimit(.minutes(10)))
    func anOperationGoesToTheSupervisorsLoopAndComesBack() async throws {
        let control = try EventLoop(name: "control")
        let supervision = try EventLoop(name: "supervision")
        let supervisor = FakeSupervisor(loop: supervision)
        let room = ControlRoom(
            loop: control,
            agent: AgentInformation(
                version: "0.1.0",
                pid: 1,
                generation: 1,
                startedAt: Timestamp(nanosecondsSinceEpoch: 0),
                bootID: "",
                configFiles: [],
                stateDirectory: "/var/lib/reeve"
            ),
            access: Desk.access,
            supervisor: supervisor,
            history: FakeHistory(),
            output: FakeOutput(),
            isSupervisionResponsive: { supervision.isResponsive(within: .seconds(5)) }
        )
        control.start()
        supervision.start()
        defer {
            control.stop()
            supervision.stop()
        }
        await supervisor.tell(room)
        let worker = WorkerSpecification(name: "web", command: ["/x"])
        room.apply([Transition(id: 1, at: Timestamp(nanosecondsSinceEpoch: 0), change: .configured([worker]))])
        room.apply([Transition(id: 2, at: Timestamp(nanosecondsSinceEpoch: 0), change: .recovered)])

        let (status, body) = await room.ask(Self.request("POST", ["v1", "workers", "web", "restart"]))
        #expect(status == 200)
        #expect(body.contains("\"action\":\"restart\""))
        #expect(await room.ask(Self.request("GET", ["healthz"])).0 == 200)
        let document = await room.ask(Self.request("GET", ["openapi.json"])).1
        #expect(document.hasPrefix("{\"openapi\":\"3.1"))
    }
}

/// Hands its answer over to somebody who waits.
private final class WaitingExchange: HTTPExchange {
    var clientGone: (() -> Void)?
    private let answer: (Int, String) -> Void

    init(_ answer: @escaping (Int, String) -> Void) {
        self.answer = answer
    }

    func respond(_ response: HTTPResponse) {
        self.answer(response.status, response.text)
    }
}

extension ControlRoom {
    /// Asks as the server does, on the loop.
    fileprivate func ask(_ request: HTTPRequest) async -> (Int, String) {
        await withCheckedContinuation { continuation in
            let exchange = WaitingExchange { continuation.resume(returning: ($0, $1)) }
            if let response = self.handler.admit(request) {
                exchange.respond(response)
            } else {
                self.handler.handle(request, exchange)
            }
        }
    }
}
