import ControlMessages
import FoundationEssentials
import Testing

/// The bytes of every message, which scripts and dashboards rely on.
@Suite struct MessageShapeTests {
    /// Encodes, compares, and reads back with a decoder that is not ours.
    private func check<Message: Codable & Equatable>(_ message: Message, _ json: String) throws {
        let bytes = try ContractEncoder.encode(message)
        #expect(String(decoding: bytes, as: UTF8.self) == json)
        #expect(try JSONDecoder().decode(Message.self, from: Data(bytes)) == message)
    }

    @Test func anExit() throws {
        try self.check(Samples.exit, Samples.exitJSON)
        try self.check(Samples.execFailure, Samples.execFailureJSON)
    }

    @Test func exits() throws {
        try self.check(
            ExitsMessage(exits: [Samples.exit], next: 1043, oldest: 17),
            #"{"exits":[\#(Samples.exitJSON)],"next":1043,"oldest":17}"#
        )
        try self.check(ExitsMessage(exits: [], next: nil, oldest: nil), #"{"exits":[],"next":null,"oldest":null}"#)
    }

    @Test func aWorker() throws {
        try self.check(Samples.worker, Samples.workerJSON)
    }

    @Test func workers() throws {
        let message = WorkersMessage(revision: 4_294_967_337, workers: [Samples.worker, Samples.worker])
        let json = #"{"revision":4294967337,"workers":[\#(Samples.workerJSON),\#(Samples.workerJSON)]}"#
        try self.check(message, json)
        let fragment = try ContractEncoder.encode(Samples.worker)
        let joined = WorkersMessage.encode(revision: 4_294_967_337, fragments: [fragment, fragment])
        #expect(String(decoding: joined, as: UTF8.self) == json)
        let none = WorkersMessage.encode(revision: 1, fragments: [])
        #expect(String(decoding: none, as: UTF8.self) == #"{"revision":1,"workers":[]}"#)
    }

    @Test func aHold() throws {
        try self.check(
            HoldMessage(until: "2026-11-22T12:00:00.000Z", reason: nil, requestedBy: "uid:0"),
            #"{"until":"2026-11-22T12:00:00.000Z","reason":null,"requested_by":"uid:0"}"#
        )
    }

    @Test func anInstanceWithoutARun() throws {
        let instance = InstanceMessage(
            instance: 2,
            id: "web.2",
            state: "backoff",
            desired: "up",
            ready: false,
            health: "none",
            statusText: nil,
            pid: nil,
            runID: nil,
            startedAt: nil,
            readyAt: nil,
            nextStartAt: "2026-11-22T10:00:03.200Z",
            consecutiveFailures: 4,
            restarts: RestartCountsMessage(oneMinute: 3, tenMinutes: 3, oneHour: 3, total: 3),
            upShare24h: nil,
            lastExit: nil
        )
        let json = """
            {"instance":2,"id":"web.2","state":"backoff","desired":"up","ready":false,"health":"none",\
            "status_text":null,"pid":null,"run_id":null,"started_at":null,"ready_at":null,\
            "next_start_at":"2026-11-22T10:00:03.200Z","consecutive_failures":4,\
            "restarts":{"1m":3,"10m":3,"1h":3,"total":3},"up_share_24h":null,"last_exit":null}
            """
        try self.check(instance, json)
    }

    @Test func anOperation() throws {
        try self.check(Samples.operation, Samples.operationJSON)
        try self.check(
            OperationsMessage(operations: [Samples.operation]),
            #"{"operations":[\#(Samples.operationJSON)]}"#
        )
    }

    @Test func aRequestForAnOperation() throws {
        try self.check(
            OperationRequestMessage(action: "restart", workers: .named(["web", "api-*"])),
            #"{"action":"restart","workers":["web","api-*"]}"#
        )
        try self.check(
            OperationRequestMessage(action: "stop", workers: .all),
            #"{"action":"stop","workers":"all"}"#
        )
    }

    @Test func aProblem() throws {
        let problem = ProblemMessage(
            title: "Not Found",
            status: 404,
            code: ProblemCode.unknownWorker.rawValue,
            detail: "no worker is called \"wbe\"; did you mean \"web\"?"
        )
        let json = #"""
            {"type":"about:blank","title":"Not Found","status":404,"code":"unknown_worker",\#
            "detail":"no worker is called \"wbe\"; did you mean \"web\"?","operation":null}
            """#
        try self.check(problem, json)
        var withOperation = problem
        withOperation.operation = Samples.operation
        try self.check(withOperation, String(json.dropLast(5)) + Samples.operationJSON + "}")
    }

    @Test func theAgent() throws {
        try self.check(Samples.agent.decodedOrder, Samples.agent.decodedOrderJSON)
        #expect(String(decoding: try ContractEncoder.encode(Samples.agent), as: UTF8.self) == Samples.agentJSON)
    }

    @Test func everyProblemCodeHasAnErrorStatus() {
        for code in ProblemCode.allCases {
            #expect((400..<600).contains(code.status))
        }
        #expect(ProblemCode.didNotComeUp.status == 424)
        #expect(ProblemCode.onHold.status == 423)
    }
}

extension AgentMessage {
    /// The same with its named values by name, as a decoder gives them.
    fileprivate var decodedOrder: AgentMessage {
        var copy = self
        copy.capabilities.entries.sort { $0.name < $1.name }
        copy.limits.entries.sort { $0.name < $1.name }
        return copy
    }

    fileprivate var decodedOrderJSON: String {
        Samples.agentJSON
            .replacing(#""pidfd":"yes","cgroup":"no: read-only""#, with: #""cgroup":"no: read-only","pidfd":"yes""#)
            .replacing(#""exits_kept":10000,"body_bytes":65536"#, with: #""body_bytes":65536,"exits_kept":10000"#)
    }
}
