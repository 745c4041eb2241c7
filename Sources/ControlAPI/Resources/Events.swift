internal import ControlMessages
internal import HTTPServer
internal import History
internal import Supervision

/// GET /v1/events.
extension ControlHandler {
    func showEvents(_ call: Call) throws(Problem) {
        let format: EventFormat = try call.parameters.choice("format") ?? .sse
        var filter = EventFilter()
        filter.workers = try call.parameters.patterns("worker")
        filter.kinds = try call.parameters.choices("type")
        if let patterns = filter.workers {
            // A name with a typing error would otherwise look like a worker to which nothing happens.
            _ = try self.workers(patterns)
        }
        let stays = try call.parameters.flag("follow") ?? true
        let after = try call.parameters.integer("after", in: 0 ... .max)
        let since = try call.parameters.since("since", now: self.timer.now.wall)
        guard after == nil || since == nil else {
            throw Problem(.invalidParameter, "after and since both say where to begin; give one of them")
        }
        let begin = { [unowned self] (position: Int64, page: TransitionPage?) in
            self.begin(call, format, filter, after: position, page, stays: stays)
        }
        // A browser that comes back sends it along with the address that it began with, so it counts more.
        if let position = try self.lastEventID(call) ?? after {
            try self.beginEvents(call, after: position, begin)
        } else if let since {
            try self.beginEvents(call, since: since, begin)
        } else {
            begin(self.events.recent.lastID, nil)
        }
    }

    private func lastEventID(_ call: Call) throws(Problem) -> Int64? {
        guard let text = call.headers.lastEventID else { return nil }
        guard let id = Int64(text), id >= 0 else {
            throw Problem(.invalidParameter, "Last-Event-ID is the id of an event, a whole number")
        }
        return id
    }

    private func beginEvents(
        _ call: Call,
        after position: Int64,
        _ begin: @escaping (Int64, TransitionPage?) -> Void
    ) throws(Problem) {
        let newest = self.events.recent.lastID
        guard position <= newest else {
            // Ids never go back, so it was given by another agent, or by one that lost its state directory.
            throw Problem(
                .gone,
                "there is no event \(position) yet, so nothing can come after it; the newest is \(newest)",
                oldest: newest + 1
            )
        }
        guard !self.events.recent.covers(after: position) else {
            begin(position, nil)
            return
        }
        try self.askForEvents(call, .after(position)) { page throws(Problem) in
            let oldest = page.oldest ?? page.newest + 1
            guard position >= oldest - 1 else {
                throw Problem(.gone, "events before \(oldest) are no longer kept", oldest: oldest)
            }
            begin(position, page)
        }
    }

    private func beginEvents(
        _ call: Call,
        since time: Timestamp,
        _ begin: @escaping (Int64, TransitionPage?) -> Void
    ) throws(Problem) {
        try self.askForEvents(call, .since(time)) { page in
            begin(page.records.first.map { $0.id - 1 } ?? page.newest, page)
        }
    }

    private func askForEvents(
        _ call: Call,
        _ start: TransitionStart,
        then: @escaping (TransitionPage) throws(Problem) -> Void
    ) throws(Problem) {
        try self.ask(for: call) { history throws(SQLiteError) in
            try await history.transitions(start, limit: EventFeed.pageSize)
        } then: { [unowned self] result throws(Problem) in
            switch result {
            case .failure(let error): throw Problem.history(error.message)
            case .success(let page):
                guard page.isComplete else {
                    throw Problem.history(self.history.status.degraded ?? "it is not open")
                }
                try then(page)
            }
        }
    }

    private func begin(
        _ call: Call,
        _ format: EventFormat,
        _ filter: EventFilter,
        after position: Int64,
        _ page: TransitionPage?,
        stays: Bool
    ) {
        let stream = HTTPStream(limit: EventFeed.streamLimit)
        let newest = max(self.events.recent.lastID, page?.newest ?? 0)
        let follower = EventFollower(
            stream,
            format: format,
            filter: filter,
            after: position,
            until: stays ? nil : newest
        )
        self.events.add(follower, page)
        call.respond(Answer.stream(stream, contentType: format.contentType, headers: [Self.lastEventID(position)]))
    }

    /// Where the stream begins, for a client that loses it before there was an event.
    private static func lastEventID(_ position: Int64) -> HTTPField {
        HTTPField("Last-Event-ID", "\(position)")
    }
}
