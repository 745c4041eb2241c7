import ControlMessages
import FoundationEssentials
import HTTPServer
import History
import LinuxSystem
import Supervision
import Testing

@testable import ControlAPI

/// A control handler with a stream of transitions, clients and a supervisor that a test plays.
final class Desk {
    static let agentUID: UInt32 = 990
    static let access = ControlAccess(
        agentUID: Desk.agentUID,
        peers: [
            PeerAccess(.user(1001), role: .operate), PeerAccess(.group(500), role: .monitor),
            PeerAccess(.group(501), role: .read),
        ],
        hosts: ["web1.example.org", "proxy.example.org:8443"],
        listeners: [
            .unix(path: "/run/reeve/control.sock"),
            .tcp(address: "127.0.0.1:9190", anonymous: .monitor, maximumRole: nil),
            .tcp(address: "127.0.0.1:9191", anonymous: nil, maximumRole: nil),
            .tcp(address: "0.0.0.0:9192", anonymous: .operate, maximumRole: .admin),
            .tcp(address: "[::1]:9193", anonymous: .read, maximumRole: .monitor),
        ]
    )

    /// Who asks, and where.
    enum Client {
        case root
        case user(UInt32, groups: [UInt32] = [])
        /// By the index of the listener.
        case tcp(Int)

        var connection: HTTPConnection {
            switch self {
            case .root: HTTPConnection(listener: 0, peer: .local(PeerCredentials(pid: 1, uid: 0, gid: 0)))
            case .user(let uid, let groups):
                HTTPConnection(
                    listener: 0,
                    peer: .local(PeerCredentials(pid: 1, uid: uid, gid: uid, groups: groups))
                )
            case .tcp(let listener): HTTPConnection(listener: listener, peer: .remote(address: "127.0.0.1"))
            }
        }

        /// With the port of the listener in `access`.
        var host: String {
            if case .tcp(let listener) = self { "localhost:\(9189 + listener)" } else { "localhost" }
        }
    }

    let timer = FakeTimer()
    let history = FakeHistory()
    let output = FakeOutput()
    let handler: ControlHandler
    /// What the supervisor was asked and has not answered yet.
    private(set) var requests: [(number: UInt64, request: OperationRequest)] = []
    var isSupervisionResponsive = true
    private var nextTransition: Int64
    private var nextID: UInt64 = 1

    init(
        maximumWaits: Int = WaitLimit.maximum,
        generation: Int64 = 1,
        recovery: HistoryRecovery = .nothing,
        firstTransition: Int64 = 1
    ) {
        self.nextTransition = firstTransition
        var isResponsive: () -> Bool = { true }
        self.handler = ControlHandler(
            agent: AgentInformation(
                version: "0.1.0",
                pid: 4238,
                generation: generation,
                startedAt: self.timer.now.wall,
                bootID: "0b5c9b0e-6d0a-4c39-8f3e-54a1d1f7c2aa",
                configFiles: ["/etc/reeve/reeve.toml"],
                stateDirectory: "/var/lib/reeve",
                capabilities: ["pidfd": "yes"],
                limits: ["body_bytes": 65536]
            ),
            access: Self.access,
            timer: self.timer,
            history: self.history,
            output: self.output,
            recovery: recovery,
            openAPIDocument: Array("{\"openapi\":\"3.1.0\"}".utf8),
            maximumWaits: maximumWaits,
            isSupervisionResponsive: { isResponsive() }
        )
        isResponsive = { [unowned self] in self.isSupervisionResponsive }
        let history = self.history
        // Everything happens on the test's own thread: nothing is shared.
        nonisolated(unsafe) let handler = self.handler
        self.handler.inquire = { number, question in
            Task(executorPreference: InlineExecutor.shared) {
                handler.answered(number, await question.answer(history))
            }
        }
        let output = self.output
        self.handler.logs.inquire = { number, question in
            Task(executorPreference: InlineExecutor.shared) {
                handler.logs.answered(number, await question.answer(output))
            }
        }
        // Told on the test's own thread, too.
        self.handler.logs.tell = { number in handler.logs.told(number) }
        self.handler.submit = { [unowned self] number, request in self.requests.append((number, request)) }
    }

    /// A desk whose agent has recovered, with the workers web (2 instances), db and mailer, none of them up.
    static func withWorkers(
        maximumWaits: Int = WaitLimit.maximum,
        recovery: HistoryRecovery = .nothing
    ) -> Desk {
        let desk = Desk(maximumWaits: maximumWaits, recovery: recovery)
        var web = WorkerSpecification(name: "web", command: ["/usr/bin/web", "{port}"])
        web.instances = 2
        desk.apply(
            .configured([
                web, WorkerSpecification(name: "db", command: ["/usr/bin/db"]),
                WorkerSpecification(name: "mailer", command: ["/usr/bin/mailer"]),
            ])
        )
        desk.apply(.recovered)
        return desk
    }

    // MARK: The supervisor

    func apply(_ changes: Transition.Change...) {
        self.apply(changes)
    }

    func apply(_ changes: [Transition.Change]) {
        self.handler.apply(
            changes.map { change in
                defer { self.nextTransition += 1 }
                return Transition(id: self.nextTransition, at: self.timer.now.wall, change: change)
            }
        )
    }

    func id() -> UUIDv7 {
        defer { self.nextID += 1 }
        return UUIDv7(high: 0x01a2_02b2_c57b_7000, low: 0x8000_0000_0000_0000 | self.nextID)
    }

    func become(
        _ state: InstanceState,
        _ worker: String,
        _ index: Int = 0,
        desired: DesiredState = .up,
        restarts: Int = 0
    ) {
        var status = InstanceStatus(id: InstanceID(worker: worker, index: index))
        status.state = state
        status.desired = desired
        status.restarts = restarts
        status.ready = state == .running
        self.apply(.instance(InstanceChange(from: state, to: state, status: status)))
    }

    /// An exit with code 1, with what a test needs set.
    func exit(
        _ seq: Int64,
        _ worker: String = "web",
        _ index: Int = 0,
        cause: ExitCause = .errorExit,
        run: RunID? = nil
    ) -> ExitRecord {
        ExitRecord(
            seq: seq,
            instance: InstanceID(worker: worker, index: index),
            runID: run ?? self.id(),
            pid: 42,
            startedAt: self.timer.now.wall.advanced(by: .seconds(-3)),
            readyAt: nil,
            endedAt: self.timer.now.wall,
            uptime: .milliseconds(3000) + .microseconds(400),
            waitStatus: WaitStatus(exitCode: 1),
            outcome: .exited,
            cause: cause,
            stderrTail: ["no such table"],
            decision: ExitDecision(action: .restart, delay: .milliseconds(100), consecutiveFailures: 1)
        )
    }

    func operation(
        _ action: OperationAction,
        _ state: OperationState = .running,
        workers: [String] = ["web"]
    ) -> Supervision.Operation {
        Supervision.Operation(
            id: self.id(),
            action: action,
            workers: workers,
            state: state,
            changed: true,
            requestedBy: "uid:0",
            createdAt: self.timer.now.wall
        )
    }

    /// Answers the oldest request that waits.
    func answer(_ submission: OperationSubmission) {
        self.handler.submitted(self.requests.removeFirst().number, submission)
    }

    // MARK: Clients

    /// Sends a request; it may be answered later.
    func send(
        _ method: String,
        _ target: String,
        as client: Client = .root,
        headers: [(String, String)] = [],
        body: String = ""
    ) -> FakeExchange {
        let parts = target.split(separator: "?", maxSplits: 1)
        let query = (parts.count > 1 ? parts[1].split(separator: "&") : []).map { pair in
            let both = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return HTTPField(String(both[0]), both.count > 1 ? String(both[1]) : "")
        }
        var fields = headers.map { HTTPField($0.0, $0.1) }
        if !headers.contains(where: { $0.0.lowercased() == "host" }) {
            fields.append(HTTPField("Host", client.host))
        }
        var request = HTTPRequest(
            method: method,
            target: target,
            path: parts[0].split(separator: "/").map(String.init),
            query: query,
            headers: fields,
            connection: client.connection
        )
        let exchange = FakeExchange()
        if let response = self.handler.admit(request) {
            exchange.respond(response)
            return exchange
        }
        request.body = Array(body.utf8)
        self.handler.handle(request, exchange)
        return exchange
    }

    /// Sends a request that must be answered at once.
    func ask(
        _ method: String,
        _ target: String,
        as client: Client = .root,
        headers: [(String, String)] = [],
        body: String = "",
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> HTTPResponse {
        let exchange = self.send(method, target, as: client, headers: headers, body: body)
        return try exchange.response(sourceLocation: sourceLocation)
    }

    func get(_ target: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> HTTPResponse {
        try self.ask("GET", target, sourceLocation: sourceLocation)
    }
}

extension FakeExchange {
    /// The one answer.
    func response(sourceLocation: SourceLocation = #_sourceLocation) throws -> HTTPResponse {
        try #require(self.responses.count == 1, sourceLocation: sourceLocation)
        return self.responses[0]
    }
}

extension HTTPResponse {
    /// The body without the newline that ends it.
    var text: String {
        let text = String(decoding: self.body, as: UTF8.self)
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }

    func header(_ name: String) -> String? {
        self.headers.first { $0.name == name }?.value
    }

    func decode<Message: Decodable>(_ type: Message.Type = Message.self) throws -> Message {
        try JSONDecoder().decode(type, from: Data(self.body))
    }

    /// The problem, after a look at what all problems have in common.
    func problem(sourceLocation: SourceLocation = #_sourceLocation) throws -> ProblemMessage {
        let problem: ProblemMessage = try self.decode()
        #expect(problem.status == self.status, sourceLocation: sourceLocation)
        #expect(problem.title != "Error", sourceLocation: sourceLocation)
        #expect(self.header("Content-Type") == "application/problem+json", sourceLocation: sourceLocation)
        #expect(ProblemCode(rawValue: problem.code) != nil, sourceLocation: sourceLocation)
        return problem
    }
}

extension Desk {
    /// Sends a request that must fail with this status and code; the answer is its detail.
    @discardableResult
    func refused(
        _ status: Int,
        _ code: ProblemCode,
        _ method: String,
        _ target: String,
        as client: Client = .root,
        headers: [(String, String)] = [],
        body: String = "",
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> String {
        let response = try self.ask(
            method,
            target,
            as: client,
            headers: headers,
            body: body,
            sourceLocation: sourceLocation
        )
        let problem = try response.problem(sourceLocation: sourceLocation)
        #expect(response.status == status, sourceLocation: sourceLocation)
        #expect(problem.code == code.rawValue, sourceLocation: sourceLocation)
        return problem.detail
    }
}
