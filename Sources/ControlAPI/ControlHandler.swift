internal import ControlMessages
internal import HTTPServer
internal import History
internal import Supervision

/// Answers the requests, out of projections of the stream of transitions. Belongs to the control loop, as all that it
/// holds: nothing here is locked, and nothing here waits for another thread.
final class ControlHandler: HTTPHandler {
    let agent: AgentInformation
    let access: ControlAccess
    let policy: AccessPolicy
    let timer: any ControlTimer
    let history: any HistoryQueries
    let logs: LogDesk
    let openAPIDocument: HTTPResponse
    let openAPITag: Int64
    let isSupervisionResponsive: () -> Bool
    let loopLag: LoopLag
    /// Hands a request to the supervisor; its answer comes back through `submitted` with the same number.
    var submit: (UInt64, OperationRequest) -> Void = { _, _ in preconditionFailure("nobody takes operations") }

    /// Hands a question to the history; its answer comes back through `answered` with the same number.
    var inquire: (UInt64, HistoryQuestion) -> Void = { _, _ in preconditionFailure("nobody takes questions") }

    var status: StatusProjection
    var exits: RecentExits
    var operations = OperationLog()
    let events: EventFeed
    /// The last event of the agents before.
    let lastPastEvent: Int64
    var hasRecalledPast = false
    /// The answer to GET /v1/exits without parameters, by `Detail`, until there is another exit, and the oldest in it.
    var newestExits: [(oldest: Int64?, response: HTTPResponse)?] = [nil, nil]

    let requests: RequestMetrics
    var usage = WorkerUsageProbe()
    /// What the workers' metrics are for a revision of theirs.
    var knownWorkerMetrics: (revision: Int64, text: [UInt8])?

    let waits: WaitLimit
    let workerWaits: WaitList<WorkersQuery>
    let exitWaits: WaitList<ExitsQuery>
    let operationWaits: WaitList<OperationWait>
    var submissions: [UInt64: (OperationSubmission) -> Void] = [:]
    var nextSubmission: UInt64 = 1
    var questions: [UInt64: (any Sendable) -> Void] = [:]
    var nextQuestion: UInt64 = 1

    private let router = Router()
    private var expiry: (instant: MonotonicInstant, cancel: () -> Void)?

    init(
        agent: AgentInformation,
        access: ControlAccess,
        timer: any ControlTimer,
        history: any HistoryQueries,
        output: any OutputQueries,
        recovery: HistoryRecovery = .nothing,
        openAPIDocument: [UInt8],
        maximumWaits: Int = WaitLimit.maximum,
        loopLag: LoopLag = LoopLag(),
        isSupervisionResponsive: @escaping () -> Bool
    ) {
        self.agent = agent
        self.access = access
        self.policy = AccessPolicy(access)
        self.timer = timer
        self.history = history
        self.logs = LogDesk(output: output, timer: timer)
        self.openAPITag = Answer.checksum(openAPIDocument)
        self.openAPIDocument = Answer.tagged(openAPIDocument, revision: self.openAPITag)
        self.isSupervisionResponsive = isSupervisionResponsive
        self.loopLag = loopLag
        self.requests = RequestMetrics(timer: timer)
        self.status = StatusProjection(
            generation: agent.generation,
            at: timer.now.monotonic,
            lastExits: recovery.lastExits
        )
        self.exits = RecentExits(recovery)
        self.events = EventFeed(recovery, timer: timer)
        self.lastPastEvent = recovery.lastTransitionID
        self.waits = WaitLimit(maximum: maximumWaits)
        self.workerWaits = WaitList(limit: self.waits, timer: timer)
        self.exitWaits = WaitList(limit: self.waits, timer: timer)
        self.operationWaits = WaitList(limit: self.waits, timer: timer)
        self.events.read = { [unowned self] id, then in
            self.ask { history throws(SQLiteError) in
                try await history.transitions(.after(id), limit: EventFeed.pageSize)
            } then: {
                then($0)
            }
        }
    }

    // MARK: HTTPHandler

    func admit(_ head: HTTPRequest) -> HTTPResponse? {
        if let problem = self.policy.refusal(RequestHeaders(head.headers), head.connection) {
            return self.refuse(head, problem)
        }
        do {
            let (route, _) = try self.router.route(head, self.policy.caller(head.connection))
            // The query is known before the body is, so nobody sends one in vain.
            _ = try Parameters(head.query, for: route)
            return nil
        } catch {
            return self.refuse(head, error)
        }
    }

    private func refuse(_ request: HTTPRequest, _ problem: Problem) -> HTTPResponse {
        self.requests.answered(self.router.pattern(request.path), status: problem.status, began: nil)
        return Answer.problem(problem)
    }

    func handle(_ request: HTTPRequest, _ exchange: any HTTPExchange) {
        let began = self.requests.now
        let caller = self.policy.caller(request.connection)
        do {
            let (route, captures) = try self.router.route(request, caller)
            let headers = RequestHeaders(request.headers)
            var parameters = try Parameters(request.query, for: route)
            try RequestBody.read(request.body, contentType: headers.contentType, into: &parameters, for: route)
            let call = Call(
                headers: headers,
                caller: caller,
                captures: captures,
                parameters: parameters,
                route: route,
                requests: self.requests,
                began: began,
                exchange: exchange
            )
            do throws(Problem) {
                try route.handle(self, call)
            } catch {
                call.respond(error)
            }
        } catch {
            exchange.respond(self.refuse(request, error))
        }
    }

    // MARK: The stream

    /// How many exits of one batch are taken before those who wait for exits are told.
    private static let exitsBetweenAnswers = Int64(RecentExits.maximumCount / 2)

    /// Takes a batch of transitions, then answers whoever waited for one of them.
    func apply(_ transitions: [Transition]) {
        let now = self.timer.now.monotonic
        let revision = self.status.revision
        let newestExit = self.exits.lastSeq
        var answered = newestExit
        var operationsHaveMoved = false
        for transition in transitions {
            self.status.apply(transition, at: now)
            switch transition.change {
            case .exit(let record):
                self.exits.append(record)
                self.operations.apply(record)
                operationsHaveMoved = true
                // Whoever waits must be told before it falls out of memory again.
                if self.exits.lastSeq - answered >= Self.exitsBetweenAnswers {
                    self.answerExitWaits(after: answered)
                    answered = self.exits.lastSeq
                }
            case .operation(let operation):
                self.operations.apply(operation, exits: self.exits)
                operationsHaveMoved = true
            case .recovered: self.recallPast()
            case .configured, .instance, .scaled, .removed, .shuttingDown: break
            }
        }
        self.setExpiry()
        if self.exits.lastSeq != newestExit {
            self.newestExits = [nil, nil]
            self.answerExitWaits(after: answered)
        }
        if operationsHaveMoved {
            self.answerOperationWaits()
        }
        if self.status.revision != revision {
            self.answerWorkerWaits()
        }
        // Last, so that whoever hears of something and looks finds it so.
        self.events.append(transitions.map { TransitionRecord($0) })
    }

    /// The history has written the exits of these runs, which it could not when they were told.
    func madeDurable(_ runs: [RunID]) {
        let runs = Set(runs)
        if self.exits.markDurable(runs) {
            self.newestExits = [nil, nil]
        }
        self.operations.markDurable(runs)
        let revision = self.status.revision
        self.status.markDurable(runs)
        if self.status.revision != revision {
            self.answerWorkerWaits()
        }
    }

    /// Wakes up when the next restart leaves its window: what is shown changes then, without any transition.
    func setExpiry() {
        let next = self.status.nextExpiry
        guard next != self.expiry?.instant else { return }
        self.expiry?.cancel()
        self.expiry = next.map { instant in
            (instant, self.timer.schedule(at: instant) { [weak self] in self?.expire() })
        }
    }

    private func expire() {
        self.expiry = nil
        let revision = self.status.revision
        self.status.expire(at: self.timer.now.monotonic)
        self.setExpiry()
        if self.status.revision != revision {
            self.answerWorkerWaits()
        }
    }

    // MARK: Names

    func unknownWorker(_ name: String, mayKnowNames: Bool = true) -> Problem {
        let shown = Problem.shown(name)
        guard mayKnowNames, let near = NearestName.of(name, among: self.status.names) else {
            return Problem(.unknownWorker, "no worker is called \"\(shown)\"")
        }
        return Problem(.unknownWorker, "no worker is called \"\(shown)\"; did you mean \"\(near)\"?")
    }

    /// The workers that a list of names and globs means, in the order of the configuration. Every pattern must mean one: a
    /// name with a typing error would otherwise look like a worker that is well.
    func workers(
        _ patterns: [NamePattern],
        mayKnowNames: Bool = true
    ) throws(Problem) -> [String] {
        var chosen: Set<String> = []
        let names = self.status.names
        for pattern in patterns {
            if !pattern.isGlob {
                guard self.status.worker(pattern.text) != nil else {
                    throw self.unknownWorker(pattern.text, mayKnowNames: mayKnowNames)
                }
                chosen.insert(pattern.text)
                continue
            }
            let matching = names.filter { pattern.matches($0) }
            guard !matching.isEmpty else {
                throw Problem(.unknownWorker, "no worker's name matches \"\(Problem.shown(pattern.text))\"")
            }
            chosen.formUnion(matching)
        }
        return names.filter { chosen.contains($0) }
    }
}
