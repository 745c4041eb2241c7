internal import ControlMessages
internal import HTTPServer
internal import History
internal import Supervision

/// A request for exits, until it is answered.
struct ExitsRequest {
    var query: ExitsQuery
    /// Names that are not configured and not among the newest exits: only the history knows whether there ever was such a
    /// worker.
    var doubtful: [String] = []
    /// How long it waits for an exit that fits; `nil` for one that does not wait.
    var until: MonotonicInstant?
}

/// GET /v1/exits, GET /v1/exits/{seq} and GET /v1/workers/{worker}/exits: from memory what is new enough, else from the
/// history.
extension ControlHandler {
    static let maximumExitsPerPage: Int64 = 1000

    enum Order: String, CaseIterable {
        case ascending = "asc"
        case descending = "desc"
    }

    func showExits(_ call: Call) throws(Problem) {
        if call.parameters.isEmpty, let response = self.newestExits(call.detail) {
            call.respond(response)
        } else {
            try self.showExits(of: try call.parameters.patterns("worker"), call)
        }
    }

    func showExitsOfWorker(_ call: Call) throws(Problem) {
        try self.showExits(of: [NamePattern(text: call.captures[0])], call)
    }

    private func showExits(of workers: [NamePattern]?, _ call: Call) throws(Problem) {
        var request = ExitsRequest(query: ExitsQuery(workers: workers))
        // The exits of a worker that is configured no more are still there.
        request.doubtful = (workers ?? []).filter { !$0.isGlob }.map(\.text).filter { name in
            self.status.worker(name) == nil && !self.exits.contains(worker: name)
        }
        request.query.causes = try call.parameters.choices("cause")
        request.query.after = try call.parameters.integer("after", in: 0 ... .max)
        request.query.before = try call.parameters.integer("before", in: 0 ... .max)
        request.query.limit = Int(try call.parameters.integer("limit", in: 1...Self.maximumExitsPerPage) ?? 100)
        let order: Order? = try call.parameters.choice("order")
        request.query.isAscending = order.map { $0 == .ascending } ?? (request.query.after != nil)
        request.query.since = try call.parameters.since("since", now: self.timer.now.wall)
        let timeout = try call.parameters.duration("timeout", atMost: Self.maximumPollTime) ?? .zero
        self.trimExits()
        // Of a worker that perhaps never was, the history is asked first.
        if let after = request.query.after, request.doubtful.isEmpty {
            try self.checkIsKept(after, oldest: self.oldestExit)
        }
        if timeout > .zero {
            guard request.query.after != nil else {
                throw Problem(.invalidParameter, "timeout needs after, the newest exit that you have")
            }
            request.until = self.timer.now.monotonic.advanced(by: timeout)
        }
        try self.proceed(with: request, call)
    }

    /// Answers from memory, or asks the history.
    private func proceed(with request: ExitsRequest, _ call: Call) throws(Problem) {
        if request.doubtful.isEmpty, var page = self.exits.wholePage(request.query) {
            page.oldest = self.oldestExit
            try self.conclude(request, page, call)
            return
        }
        let query = request.query
        try self.ask(for: call) { history throws(SQLiteError) in
            let workers = query.workers == nil ? [] : await history.workersWithExits()
            return (workers, try await history.exits(query.stored(known: workers)))
        } then: { [unowned self] result throws(Problem) in
            try self.proceed(with: request, after: result, call)
        }
    }

    private func proceed(
        with request: ExitsRequest,
        after answer: Result<(workers: [String], page: ExitPage), SQLiteError>,
        _ call: Call
    ) throws(Problem) {
        switch answer {
        case .failure(let error):
            try self.makeDo(request, because: error.message, call)
        case .success((_, let page)) where !page.isComplete:
            try self.makeDo(request, because: self.history.status.degraded ?? "it is not open", call)
        case .success((let workers, let page)):
            if let name = request.doubtful.first(where: { !workers.contains($0) }) {
                throw self.unknownWorker(name)
            }
            if let after = request.query.after {
                try self.checkIsKept(after, oldest: page.oldest)
            }
            try self.conclude(request, page, call)
        }
    }

    /// Answers with the page, or waits when it is empty and the client wants to.
    private func conclude(_ request: ExitsRequest, _ page: ExitPage, _ call: Call) throws(Problem) {
        guard let until = request.until, page.records.isEmpty else {
            call.respond(Self.response(page, call.detail))
            return
        }
        var request = request
        request.doubtful = []
        // Nothing that was there when the page was made fits, so nobody need look at it again.
        request.query.after = max(request.query.after ?? 0, page.newest ?? 0)
        guard self.exits.page(request.query).records.isEmpty else {
            try self.proceed(with: request, call)
            return
        }
        try self.waits.take()
        self.exitWaits.add(request.query, call, until: until) { [unowned self] query in self.answer(query, call) }
    }

    /// What memory holds is better than nothing while the history cannot be read, as long as nothing is passed over.
    private func makeDo(_ request: ExitsRequest, because reason: String, _ call: Call) throws(Problem) {
        guard !request.query.isAscending else { throw Problem.history(reason) }
        var page = self.exits.page(request.query)
        guard let last = page.records.last else { throw Problem.history(reason) }
        // The next page is the history's.
        page.next = last.seq
        page.oldest = self.oldestExit
        call.respond(Self.response(page, call.detail))
    }

    // MARK: Retention

    /// The oldest exit that is kept; `nil` when there is none.
    private var oldestExit: Int64? {
        self.history.status.oldestExit ?? self.exits.oldest
    }

    private func trimExits() {
        if let oldest = self.history.status.oldestExit {
            self.exits.trim(before: oldest)
        }
    }

    /// Whoever goes on after an exit must be told when it cannot be gone on from there, or it would miss some in silence.
    private func checkIsKept(_ after: Int64, oldest: Int64?) throws(Problem) {
        let newest = self.exits.lastSeq
        let oldest = oldest ?? newest + 1
        guard after >= oldest - 1 else { throw Self.gone(oldest: oldest) }
        // Numbers never go back, so it was given by another agent, or by one that lost its state directory.
        guard after <= newest else {
            throw Problem(
                .gone,
                "there is no exit \(after) yet, so nothing can come after it; the newest is \(newest)",
                oldest: oldest
            )
        }
    }

    private static func gone(oldest: Int64) -> Problem {
        Problem(.gone, "exits before \(oldest) are no longer kept", oldest: oldest)
    }

    // MARK: Answers

    private func answer(_ query: ExitsQuery, _ call: Call) {
        var page = self.exits.page(query)
        page.oldest = self.oldestExit
        call.respond(Self.response(page, call.detail))
    }

    private static func response(_ page: ExitPage, _ detail: Detail) -> HTTPResponse {
        Answer.json(
            ExitsMessage(
                exits: page.records.map { ExitMessage($0, detail: detail) },
                next: page.next,
                oldest: page.oldest
            )
        )
    }

    /// What most clients ask for, encoded once for each exit; `nil` when only the history can answer.
    private func newestExits(_ detail: Detail) -> HTTPResponse? {
        self.trimExits()
        let oldest = self.oldestExit
        if let known = self.newestExits[detail.rawValue], known.oldest == oldest {
            return known.response
        }
        guard var page = self.exits.wholePage(ExitsQuery()) else { return nil }
        page.oldest = oldest
        let response = Self.response(page, detail)
        self.newestExits[detail.rawValue] = (oldest, response)
        return response
    }

    /// Answers those for whom there is something among the exits after `seq`.
    func answerExitWaits(after seq: Int64) {
        self.exitWaits.answer { query, call in
            var news = query
            news.after = max(query.after ?? 0, seq)
            guard !self.exits.page(news).records.isEmpty else { return false }
            self.answer(query, call)
            return true
        }
    }

    // MARK: One

    func showExit(_ call: Call) throws(Problem) {
        guard let seq = Int64(call.captures[0]), seq > 0 else {
            throw Problem(.invalidParameter, "an exit is named by its seq, a whole number from 1")
        }
        self.trimExits()
        if let record = self.exits.record(seq: seq) {
            call.respond(Answer.json(ExitMessage(record, detail: call.detail)))
            return
        }
        let newest = self.exits.lastSeq
        guard seq <= newest else {
            let what = newest == 0 ? "nothing has ended" : "the newest is \(newest)"
            throw Problem(.unknownExit, "there is no exit \(seq) yet; \(what)")
        }
        let oldest = self.oldestExit ?? newest + 1
        guard seq >= oldest else { throw Self.gone(oldest: oldest) }
        let gone = Problem(.gone, "the exit \(seq) is no longer kept", oldest: oldest)
        guard !self.exits.covers(after: seq - 1) else { throw gone }
        try self.ask(for: call) { history throws(SQLiteError) in
            try await history.exit(seq: seq)
        } then: { [unowned self] result throws(Problem) in
            switch result {
            case .failure(let error): throw Problem.history(error.message)
            case .success(let record?): call.respond(Answer.json(ExitMessage(record, detail: call.detail)))
            case .success(nil):
                if let reason = self.history.status.degraded { throw Problem.history(reason) }
                throw gone
            }
        }
    }
}
