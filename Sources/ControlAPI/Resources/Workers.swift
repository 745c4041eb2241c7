internal import ControlMessages
internal import HTTPServer
internal import Supervision

/// What a client of GET /v1/workers wants to see.
struct WorkersQuery {
    /// `nil` for all.
    var patterns: [NamePattern]?
}

/// GET /v1/workers and GET /v1/workers/{worker}.
extension ControlHandler {
    /// The longest that a client can wait for news.
    static let maximumPollTime = Duration.seconds(300)

    func showWorkers(_ call: Call) throws(Problem) {
        self.refreshUpShares()
        let query = WorkersQuery(patterns: try call.parameters.patterns("workers"))
        if let patterns = query.patterns {
            _ = try self.workers(patterns)
        }
        let after = try call.parameters.integer("after", in: 0 ... .max)
        let timeout = try call.parameters.duration("timeout", atMost: Self.maximumPollTime)
        guard let timeout, timeout > .zero else {
            self.answer(query, call)
            return
        }
        guard let after else {
            throw Problem(.invalidParameter, "timeout needs after, the revision that you have")
        }
        guard after == self.status.revision else {
            self.answer(query, call)
            return
        }
        try self.waits.take()
        self.workerWaits.add(query, call, until: self.timer.now.monotonic.advanced(by: timeout)) {
            [unowned self] query in
            self.answer(query, call)
        }
    }

    private func answer(_ query: WorkersQuery, _ call: Call) {
        if let ifNoneMatch = call.headers.ifNoneMatch, Answer.matches(ifNoneMatch, revision: self.status.revision) {
            call.respond(Answer.notModified(revision: self.status.revision))
            return
        }
        let now = self.timer.now.monotonic
        guard let patterns = query.patterns else {
            call.respond(self.status.response(call.detail, at: now))
            return
        }
        // A name that has gone since the request came is no error any more.
        let names = self.status.names.filter { name in patterns.contains { $0.matches(name) } }
        call.respond(self.status.response(of: names, call.detail, at: now))
    }

    func answerWorkerWaits() {
        self.workerWaits.answer { query, call in
            self.answer(query, call)
            return true
        }
    }

    func showWorker(_ call: Call) throws(Problem) {
        self.refreshUpShares()
        let name = call.captures[0]
        guard
            let (response, revision) = self.status.response(
                ofWorker: name,
                call.detail,
                at: self.timer.now.monotonic
            )
        else { throw self.unknownWorker(name) }
        if let ifNoneMatch = call.headers.ifNoneMatch, Answer.matches(ifNoneMatch, revision: revision) {
            call.respond(Answer.notModified(revision: revision))
            return
        }
        call.respond(response)
    }

    private func refreshUpShares() {
        let revision = self.status.revision
        self.status.refreshUpShares(at: self.timer.now.monotonic)
        if self.status.revision != revision {
            self.answerWorkerWaits()
        }
    }
}
