internal import ControlMessages
internal import HTTPServer
internal import History
internal import Supervision

/// GET /v1/operations, GET /v1/operations/{id}, and the answers of those who wait for an operation.
extension ControlHandler {
    static func location(_ id: OperationID) -> HTTPField {
        HTTPField("Location", "/v1/operations/\(id)")
    }

    func showOperations(_ call: Call) throws(Problem) {
        let limit = try call.parameters.integer("limit", in: 1...Int64(OperationLog.maximumCount)) ?? 100
        let newest = self.operations.newest(Int(limit))
        guard newest.count < limit else {
            self.answer(newest.map(\.message), call)
            return
        }
        // Those of the agents before.
        try self.ask(for: call) { history throws(SQLiteError) in
            try await StoredOperation.load(history.operations(newest: Int(limit)), from: history)
        } then: { [unowned self] result in
            let known = self.operations.newest(Int(limit))
            // What memory holds is better than nothing while the history cannot be read.
            let older = (try? result.get())?.filter { self.operations[$0.operation.id] == nil } ?? []
            self.answer((known.map(\.message) + older.map(\.message)).prefix(Int(limit)), call)
        }
    }

    private func answer(_ operations: some Sequence<OperationMessage>, _ call: Call) {
        call.respond(Answer.json(OperationsMessage(operations: Array(operations))))
    }

    func showOperation(_ call: Call) throws(Problem) {
        let timeout = try call.parameters.duration("timeout", atMost: Self.maximumPollTime) ?? .zero
        guard let id = OperationID(call.captures[0]) else { throw Self.unknownOperation(call) }
        guard self.operations[id] != nil else {
            try self.showStoredOperation(id, call)
            return
        }
        let wait = OperationWait(id: id, answer: .look)
        guard timeout > .zero else {
            self.answer(wait, call)
            return
        }
        try self.waits.take()
        self.wait(wait, call, until: self.timer.now.monotonic.advanced(by: timeout))
    }

    /// One of an agent before, which has ended: what that agent left behind, this one has taken up.
    private func showStoredOperation(_ id: OperationID, _ call: Call) throws(Problem) {
        try self.ask(for: call) { history throws(SQLiteError) in
            try await StoredOperation.load([history.operation(id)].compactMap { $0 }, from: history).first
        } then: { [unowned self] result throws(Problem) in
            switch result {
            case .failure(let error): throw Problem.history(error.message)
            case .success(let stored?): call.respond(Answer.json(stored.message))
            case .success(nil):
                if let reason = self.history.status.degraded { throw Problem.history(reason) }
                throw Self.unknownOperation(call)
            }
        }
    }

    private static func unknownOperation(_ call: Call) -> Problem {
        let shown = Problem.shown(call.captures[0])
        return Problem(.unknownOperation, "no operation has the id \(shown), or it is no longer kept")
    }

    /// The operation with the exits that are known of it.
    func message(_ operation: Operation) -> OperationMessage {
        self.operations[operation.id]?.message ?? OperationMessage(operation, exits: [:])
    }

    /// 202: it goes on by itself.
    func accepted(_ id: OperationID) -> HTTPResponse {
        guard let entry = self.operations[id] else { return Self.forgotten }
        return Answer.json(entry.message, status: 202, headers: [Self.location(id)])
    }

    /// Answers at once when the operation has ended, else when it ends. The call has its place already.
    func wait(_ wait: OperationWait, _ call: Call, until instant: MonotonicInstant) {
        if self.operations[wait.id]?.isComplete ?? true {
            self.waits.release()
            self.answer(wait, call)
            return
        }
        self.operationWaits.add(wait, call, until: instant) { [unowned self] wait in
            self.answer(wait, call)
        }
    }

    func answerOperationWaits() {
        self.operationWaits.answer { wait, call in
            guard self.operations[wait.id]?.isComplete ?? true else { return false }
            self.answer(wait, call)
            return true
        }
    }

    /// Answers with what is known now.
    private func answer(_ wait: OperationWait, _ call: Call) {
        guard let entry = self.operations[wait.id] else {
            call.respond(Self.forgotten)
            return
        }
        switch wait.answer {
        case .look: call.respond(Answer.json(entry.message))
        case .outcome: call.respond(Self.outcome(entry))
        }
    }

    private static func outcome(_ entry: OperationLog.Entry) -> HTTPResponse {
        let operation = entry.operation
        switch operation.state {
        case .succeeded:
            return Answer.json(entry.message)
        case .failed:
            let isStart = [.start, .restart, .scale].contains(operation.action)
            return Answer.problem(
                Problem(
                    isStart ? .didNotComeUp : .internalError,
                    operation.error ?? "the \(operation.action.rawValue) failed",
                    operation: entry.message
                )
            )
        case .aborted:
            return Answer.problem(
                Problem(
                    .conflict,
                    operation.error ?? "the \(operation.action.rawValue) was aborted",
                    operation: entry.message,
                    headers: [Self.location(operation.abortedBy ?? operation.id)]
                )
            )
        case .pending, .running:
            return Answer.problem(
                Problem(
                    .timeout,
                    "the \(operation.action.rawValue) has not ended yet; it goes on",
                    operation: entry.message,
                    headers: [Self.location(operation.id)]
                )
            )
        }
    }

    /// Only when more operations came than are kept, while somebody waited for this one.
    private static var forgotten: HTTPResponse {
        Answer.problem(Problem(.unknownOperation, "the operation is no longer kept; look at the worker"))
    }
}
