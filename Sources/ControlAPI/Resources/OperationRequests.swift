internal import ControlMessages
internal import HTTPServer
internal import Supervision

/// The POST routes that ask for an operation.
extension ControlHandler {
    /// The longest grace period, observation and timeout that a request can ask for.
    static let maximumOperationTime = Duration.seconds(86_400)
    /// What is added to the time that an operation may take by its own rules, before its client is told that it takes
    /// longer.
    static let timeoutMargin = Duration.seconds(5)
    /// How long a client waits for the supervisor to take its request. It takes a turn of its loop; one that takes longer
    /// hangs, and nobody may wait for ever.
    static let submissionTimeout = Duration.seconds(30)
    /// How long it waits at least, whatever its timeout: without the supervisor's answer there is no operation that
    /// `Location` could name, and nobody could tell whether anything was done.
    static let minimumSubmissionTime = Duration.seconds(1)
    /// Of `reason`, in Unicode scalars.
    static let maximumReasonLength = 256

    /// POST /v1/workers/{worker}/start and its like, and PUT /v1/workers/{worker}/instances.
    func operateOnWorker(_ call: Call, _ action: OperationAction) throws(Problem) {
        let name = call.captures[0]
        guard self.status.worker(name) != nil else { throw self.unknownWorker(name) }
        try self.operate(call, action, [name])
    }

    /// POST /v1/operations: several workers at once.
    func operateOnWorkers(_ call: Call) throws(Problem) {
        guard let word = call.parameters.text("action") else {
            throw Problem(.invalidParameter, "action is missing; it is one of start, stop, restart, signal, reset")
        }
        guard let action = OperationAction(rawValue: word), let route = RouteTable.operation(action) else {
            let hint =
                switch word {
                case "shutdown": "; POST /v1/agent/shutdown ends the agent"
                case "upgrade": "; POST /v1/agent/upgrade replaces the agent"
                case "scale": "; PUT /v1/workers/{worker}/instances scales one"
                default: ""
                }
            throw Problem(.invalidParameter, "action is one of start, stop, restart, signal, reset\(hint)")
        }
        guard let text = call.parameters.text("workers") else {
            throw Problem(.invalidParameter, "workers is missing; it is a list of names and globs, or \"all\"")
        }
        var workers = self.status.names
        if text != "all", let patterns = try call.parameters.patterns("workers") {
            workers = try self.workers(patterns)
        }
        for name in call.parameters.names where name != "action" && name != "workers" {
            guard route.parameters.contains(name) else {
                throw Problem(.unknownParameter, "\(action.rawValue) takes no \(name)")
            }
        }
        try self.operate(call, action, workers)
    }

    /// POST /v1/agent/shutdown: answered before it ends, so nobody waits for it.
    func shutDown(_ call: Call) throws(Problem) {
        var request = OperationRequest(action: .shutdown, workers: self.status.names, requestedBy: call.caller.name)
        request.reason = try Self.reason(call)
        try self.waits.take()
        self.submit(request, for: call, mode: .none, timeout: nil)
    }

    /// POST /v1/agent/upgrade: answered before the agent is replaced, as the one that answers is the one that goes.
    func upgrade(_ call: Call) throws(Problem) {
        var request = OperationRequest(action: .upgrade, workers: [], requestedBy: call.caller.name)
        request.reason = try Self.reason(call)
        try self.waits.take()
        self.submit(request, for: call, mode: .none, timeout: nil)
    }

    private func operate(_ call: Call, _ action: OperationAction, _ workers: [String]) throws(Problem) {
        var request = OperationRequest(action: action, workers: workers, requestedBy: call.caller.name)
        request.reason = try Self.reason(call)
        request.grace = try call.parameters.duration("grace", atMost: Self.maximumOperationTime)
        request.observe = try call.parameters.duration("observe", atMost: Self.maximumOperationTime)
        request.isPersistent = try call.parameters.flag("persist") ?? false
        if let instance = try call.parameters.integer("instance", in: 0...9999) {
            guard workers.count == 1 else {
                throw Problem(.unprocessable, "instance is for one worker, and \(workers.count) are named")
            }
            request.instance = Int(instance)
            try self.check(request)
        }
        if action == .scale {
            let possible = WorkerSpecification.possibleInstances
            let range = Int64(possible.lowerBound)...Int64(possible.upperBound)
            guard let count = try call.parameters.integer("count", in: range) else {
                throw Problem(.invalidParameter, "count is missing, the number of instances, such as count=4")
            }
            request.count = Int(count)
        }
        if action == .signal {
            request.signal = try Self.signal(call)
            request.signalScope = try call.parameters.choice("scope") ?? .main
        }
        let mode: WaitMode = try call.parameters.choice("wait") ?? .done
        guard mode == .done || mode == .none else {
            throw Problem(.notSupportedYet, "wait=\(mode.rawValue) is not supported yet; use done or none")
        }
        let timeout = try call.parameters.duration("timeout", atMost: Self.maximumOperationTime)
        guard !workers.isEmpty else {
            throw Problem(.unprocessable, "no worker is configured")
        }
        // The place is taken before anything is done: a client that is told to come back later must find nothing changed.
        try self.waits.take()
        self.submit(request, for: call, mode: mode, timeout: timeout)
    }

    private func check(_ request: OperationRequest) throws(Problem) {
        guard let index = request.instance, let worker = self.status.worker(request.workers[0]) else { return }
        guard worker.place(of: index) != nil else {
            throw Self.unknownInstance(InstanceID(worker: request.workers[0], index: index), worker.count)
        }
    }

    static func unknownInstance(_ id: InstanceID, _ count: Int) -> Problem {
        let has =
            switch count {
            case 0: "no instances"
            case 1: "1 instance, \(id.worker).0"
            default: "\(count) instances, \(id.worker).0 to \(id.worker).\(count - 1)"
            }
        return Problem(.unknownInstance, "\(id.worker) has \(has); there is no \(id)")
    }

    private static func reason(_ call: Call) throws(Problem) -> String? {
        guard let reason = call.parameters.text("reason") else { return nil }
        guard reason.unicodeScalars.count <= Self.maximumReasonLength else {
            throw Problem(.invalidParameter, "reason is at most \(Self.maximumReasonLength) characters long")
        }
        guard reason.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control }) else {
            throw Problem(.invalidParameter, "reason is on one line, without control characters")
        }
        return reason
    }

    private static func signal(_ call: Call) throws(Problem) -> Signal {
        guard let text = call.parameters.text("signal") else {
            throw Problem(.invalidParameter, "signal is missing, such as signal=HUP")
        }
        guard let signal = Signal(name: text) else {
            throw Problem(.invalidParameter, "signal is no signal of this system; use a name such as HUP or a number")
        }
        return signal
    }

    /// Hands the request to the supervisor and takes care of its answer. The call has its place already.
    private func submit(_ request: OperationRequest, for call: Call, mode: WaitMode, timeout: Duration?) {
        let began = self.timer.now.monotonic
        let number = self.nextSubmission
        self.nextSubmission += 1
        let patience = max(timeout ?? Self.submissionTimeout, Self.minimumSubmissionTime)
        let cancel = self.timer.schedule(at: began.advanced(by: patience)) {
            call.respond(
                Problem(.timeout, "the supervisor has not answered yet; GET /v1/operations shows whether it has begun")
            )
        }
        self.submissions[number] = { [unowned self] submission in
            cancel()
            switch submission {
            case .accepted(let operation, let budget), .joined(let operation, let budget):
                if self.operations[operation.id] == nil {
                    self.operations.apply(operation, exits: self.exits)
                }
                if mode == .none {
                    self.waits.release()
                    call.respond(self.accepted(operation.id))
                } else {
                    let end = began.advanced(by: timeout ?? budget + Self.timeoutMargin)
                    self.wait(OperationWait(id: operation.id, answer: .outcome), call, until: end)
                }
            case .conflict, .unknownWorker, .unknownInstance, .refused, .noProcess, .busy:
                self.waits.release()
                call.respond(self.refusal(submission, request))
            }
        }
        self.submit(number, request)
    }

    /// The supervisor's answer to a request that `submit` handed over.
    func submitted(_ number: UInt64, _ submission: OperationSubmission) {
        self.submissions.removeValue(forKey: number)?(submission)
    }

    private func refusal(_ submission: OperationSubmission, _ request: OperationRequest) -> Problem {
        switch submission {
        case .accepted, .joined: preconditionFailure("an operation that runs is no refusal")
        case .conflict(let worker, let other):
            return Problem(
                .conflict,
                "a \(other.action.rawValue) that \(other.requestedBy) asked for is under way for \(worker)",
                operation: self.message(other),
                headers: [Self.location(other.id)]
            )
        case .unknownWorker(let name): return self.unknownWorker(name)
        case .unknownInstance(let id, let count): return Self.unknownInstance(id, count)
        case .refused(let sentence): return Problem(.unprocessable, sentence)
        case .noProcess(let worker):
            return Problem(.noProcess, "\(worker) has no process that a signal could be sent to")
        case .busy(let sentence): return Problem.busy(sentence)
        }
    }
}
