internal import HTTPServer
internal import LinuxSystem
internal import Output
internal import Supervision

/// One client that reads output: it pulls. Only when its client has taken all is the next page asked for, on the output's
/// loop; between two pages it holds nothing but its cursor. So a client that is slow, or never reads, costs a page and is
/// waited for by nobody. Belongs to the control loop.
final class LogReader {
    private enum Step {
        /// There is more.
        case page
        /// It has all that there is at present.
        case wait
        case finish
    }

    private let desk: LogDesk
    private let stream: HTTPStream
    private var body: LogBody
    private var cursor: OutputCursor
    /// Where one that does not follow ends: where the streams ended when it came.
    private let ends: [StreamID: UInt64]?
    private var step = Step.page
    private var isAsking = false
    private var lastPage: MonotonicInstant?
    private var wait: LogWait?
    private var cancelDelay: (() -> Void)?

    /// - Parameter ends: `nil` for one that follows.
    init(
        _ desk: LogDesk,
        _ stream: HTTPStream,
        _ format: LogBody.Format,
        at cursor: OutputCursor,
        ends: [StreamID: UInt64]?
    ) {
        self.desk = desk
        self.stream = stream
        self.body = LogBody(format)
        self.cursor = cursor
        self.ends = ends
    }

    /// The stream holds it from now on, until that is closed.
    func begin() {
        self.desk.readerCame()
        let first = self.body.beginning(at: self.cursor.positions)
        if !first.isEmpty {
            _ = self.stream.write(first)
        }
        self.stream.heartbeat = self.body.heartbeat
        self.stream.onReady = { self.clientIsReady() }
        self.stream.onStall = {
            self.body.farewell("cut here: nothing was read for \(HTTPLimits().streamStallTime.components.seconds) s")
        }
        self.stream.onClose = { self.clientHasGone() }
    }

    private func clientIsReady() {
        if let bytes = self.body.next() {
            _ = self.stream.write(bytes)
            return
        }
        guard !self.isAsking, self.wait == nil, self.cancelDelay == nil else { return }
        switch self.step {
        case .page: self.askForPage()
        case .wait: self.waitForMore()
        case .finish: self.stream.finish()
        }
    }

    private func clientHasGone() {
        self.desk.readerLeft()
        self.cancelDelay?()
        self.cancelDelay = nil
        if let wait = self.wait {
            self.desk.end(wait)
            self.wait = nil
        }
    }

    private func askForPage() {
        self.isAsking = true
        self.lastPage = self.desk.timer.now.monotonic
        let cursor = self.cursor
        let limit = self.desk.pageSize
        self.desk.ask {
            await $0.page(at: cursor, limit: limit)
        } then: { page in
            self.isAsking = false
            self.take(page)
        }
    }

    private func take(_ page: OutputPage) {
        guard !self.stream.isClosed, !self.stream.isFinished else { return }
        var page = page
        self.cursor = page.cursor
        if let ends = self.ends {
            page.cut(at: ends)
            self.step = page.isAtEnd || self.cursor.hasReached(ends) ? .finish : .page
        } else {
            self.step = page.isAtEnd ? .wait : .page
        }
        self.body.add(page)
        // A heartbeat may wait; what follows it is asked for as soon as it was taken.
        if self.stream.waiting == 0 {
            self.clientIsReady()
        }
    }

    private func waitForMore() {
        self.wait = self.desk.wait(after: self.cursor) { [unowned self] in
            self.wait = nil
            let now = self.desk.timer.now.monotonic
            let earliest = (self.lastPage ?? now).advanced(by: LogDesk.followInterval)
            guard now < earliest else { return self.askForPage() }
            self.cancelDelay = self.desk.timer.schedule(at: earliest) { [unowned self] in
                self.cancelDelay = nil
                self.askForPage()
            }
        }
    }
}

extension OutputPage {
    /// Leaves out what came after these positions.
    fileprivate mutating func cut(at ends: [StreamID: UInt64]) {
        self.chunks = self.chunks.compactMap { chunk in
            let end = ends[chunk.id] ?? 0
            guard chunk.offset < end else { return nil }
            var chunk = chunk
            if chunk.offset + UInt64(chunk.bytes.count) > end {
                chunk.bytes.removeLast(chunk.bytes.count - Int(end - chunk.offset))
            }
            return chunk
        }
    }
}

extension OutputCursor {
    fileprivate func hasReached(_ ends: [StreamID: UInt64]) -> Bool {
        ends.allSatisfy { id, end in self.positions[id].map { $0 >= end } ?? true }
    }
}
