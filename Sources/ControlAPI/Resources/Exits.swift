internal import ControlMessages
internal import HTTPServer
internal import Supervision

/// GET /v1/exits, GET /v1/exits/{seq} and GET /v1/workers/{worker}/exits.
extension ControlHandler {
    static let maximumExitsPerPage: Int64 = 1000

    enum Order: String, CaseIterable {
        case ascending = "asc"
        case descending = "desc"
    }

    func showExits(_ call: Call) throws(Problem) {
        let workers = try call.parameters.patterns("worker")
        for pattern in workers ?? [] where !pattern.isGlob {
            // The exits of a worker that is configured no more are still there.
            guard self.status.worker(pattern.text) != nil || self.exits.contains(worker: pattern.text) else {
                throw self.unknownWorker(pattern.text)
            }
        }
        if call.parameters.isEmpty {
            self.showNewestExits(call)
        } else {
            try self.showExits(of: workers, call)
        }
    }

    func showExitsOfWorker(_ call: Call) throws(Problem) {
        let name = call.captures[0]
        guard self.status.worker(name) != nil || self.exits.contains(worker: name) else {
            throw self.unknownWorker(name)
        }
        try self.showExits(of: [NamePattern(text: name)], call)
    }

    private func showExits(of workers: [NamePattern]?, _ call: Call) throws(Problem) {
        var query = ExitHistory.Query(workers: workers)
        query.causes = try call.parameters.choices("cause")
        query.after = try call.parameters.integer("after", in: 0 ... .max)
        query.before = try call.parameters.integer("before", in: 0 ... .max)
        query.limit = Int(try call.parameters.integer("limit", in: 1...Self.maximumExitsPerPage) ?? 100)
        let order: Order? = try call.parameters.choice("order")
        query.isAscending = order.map { $0 == .ascending } ?? (query.after != nil)
        query.since = try call.parameters.since("since", now: self.timer.now.wall)
        let timeout = try call.parameters.duration("timeout", atMost: Self.maximumPollTime) ?? .zero
        if let after = query.after {
            try self.checkIsKept(after)
        }
        guard timeout > .zero else {
            self.answer(query, call)
            return
        }
        guard query.after != nil else {
            throw Problem(.invalidParameter, "timeout needs after, the newest exit that you have")
        }
        guard self.exits.page(query).records.isEmpty else {
            self.answer(query, call)
            return
        }
        try self.waits.take()
        // Nothing that is there now fits, so nobody need look at it again.
        query.after = max(query.after ?? 0, self.exits.newest ?? 0)
        self.exitWaits.add(query, call, until: self.timer.now.monotonic.advanced(by: timeout)) { [unowned self] query in
            self.answer(query, call)
        }
    }

    /// Whoever goes on after an exit must be told when it cannot be gone on from there, or it would miss some in silence.
    private func checkIsKept(_ after: Int64) throws(Problem) {
        if self.exits.hasLost(after: after), let oldest = self.exits.oldest {
            throw Self.gone(oldest: oldest)
        }
        let newest = self.exits.newest ?? 0
        guard after <= newest else {
            throw Problem(
                .gone,
                "there is no exit \(after) yet; the newest is \(newest). The numbers begin anew with each agent",
                oldest: self.exits.oldest ?? 1
            )
        }
    }

    private func answer(_ query: ExitHistory.Query, _ call: Call) {
        call.respond(self.response(self.exits.page(query), call.detail))
    }

    private func response(_ page: ExitHistory.Page, _ detail: Detail) -> HTTPResponse {
        Answer.json(
            ExitsMessage(
                exits: page.records.map { ExitMessage($0, detail: detail) },
                next: page.next,
                oldest: self.exits.oldest
            )
        )
    }

    /// What most clients ask for, encoded once for each exit.
    private func showNewestExits(_ call: Call) {
        let detail = call.detail
        let response = self.newestExits[detail.rawValue] ?? self.response(self.exits.page(.init()), detail)
        self.newestExits[detail.rawValue] = response
        call.respond(response)
    }

    func answerExitWaits() {
        self.exitWaits.answer { query, call in
            guard !self.exits.page(query).records.isEmpty else { return false }
            self.answer(query, call)
            return true
        }
    }

    func showExit(_ call: Call) throws(Problem) {
        guard let seq = Int64(call.captures[0]), seq > 0 else {
            throw Problem(.invalidParameter, "an exit is named by its seq, a whole number from 1")
        }
        if let record = self.exits.record(seq: seq) {
            call.respond(Answer.json(ExitMessage(record, detail: call.detail)))
            return
        }
        guard let oldest = self.exits.oldest, let newest = self.exits.newest else {
            throw Problem(.unknownExit, "there is no exit \(seq) yet; nothing has ended")
        }
        if seq < oldest, self.exits.hasDropped {
            throw Self.gone(oldest: oldest)
        }
        throw Problem(.unknownExit, "there is no exit \(seq)\(seq > newest ? " yet; the newest is \(newest)" : "")")
    }

    private static func gone(oldest: Int64) -> Problem {
        Problem(.gone, "exits before \(oldest) are no longer kept", oldest: oldest)
    }
}
