internal import HTTPServer
internal import History
internal import Supervision

// How a follower gets every event once, in order:
// * Each follower has a position, the id of the last event that it was given. Wherever an event comes from, only one with a
//   higher id is given to it, so nothing comes twice.
// * What comes after the position is taken from memory when all of it is there, else from the history, a page at a time. The
//   history knows what it has committed before this room is told of it, so what memory does not cover is always in it.
// * What is given is pulled: as much as the stream takes, and the next page when the client has read the one before. A slow
//   client costs a page of memory and falls back on the history; one that takes nothing at all is cut by its stream.

/// All who follow the events, and what is served to them. Belongs to the control loop.
final class EventFeed {
    /// Events in a page of the history.
    static let pageSize = 256
    /// Pages that the history is asked for at once, over all followers: what it reads keeps what it writes waiting.
    static let maximumReads = 4
    /// Bytes that wait for one follower, beyond those in its socket.
    static let streamLimit = 64 * 1024

    typealias Outcome = Result<TransitionPage, SQLiteError>

    private(set) var recent: RecentEvents
    private let timer: any ControlTimer
    /// Asks the history for the page after an id.
    var read: (Int64, @escaping (Outcome) -> Void) -> Void = { _, _ in preconditionFailure("there is no history") }

    private var followers: [UInt64: EventFollower] = [:]
    /// How many were cut because they did not read, or fell behind what is kept.
    private(set) var cuts: Int64 = 0
    private var nextNumber: UInt64 = 1
    private var reads = 0
    /// Those who wait until the history may be asked for them, in their order.
    private var readers: [EventFollower] = []

    init(_ recovery: HistoryRecovery, timer: any ControlTimer, capacity: Int = RecentEvents.maximumCount) {
        self.recent = RecentEvents(recovery, capacity: capacity)
        self.timer = timer
    }

    var followerCount: Int {
        self.followers.count
    }

    /// Takes events in the order of the stream, and gives them to all who have come so far.
    func append(_ records: some Sequence<TransitionRecord>) {
        for record in records {
            self.recent.append(record)
        }
        for follower in self.followers.values {
            self.advance(follower)
        }
    }

    /// Serves a new follower.
    ///
    /// - Parameter page: the events after its position, when it was asked for already.
    func add(_ follower: EventFollower, _ page: TransitionPage?) {
        let number = self.nextNumber
        self.nextNumber += 1
        self.followers[number] = follower
        let stream = follower.stream
        stream.heartbeat = follower.format.heartbeat
        stream.onReady = { [unowned self, unowned follower] in self.advance(follower) }
        stream.onStall = { [unowned self, unowned follower] in
            self.cuts += 1
            return follower.lagged("this client reads too slowly, and was cut off", at: self.timer.now.wall)
        }
        stream.onClose = { [unowned self] in self.followers[number] = nil }
        let greeting = follower.format.greeting(after: follower.position)
        if let page {
            self.give(page, to: follower, behind: greeting)
        } else {
            _ = stream.write(greeting)
            self.advance(follower)
        }
    }

    /// Gives a follower what its stream takes.
    private func advance(_ follower: EventFollower) {
        let stream = follower.stream
        guard !follower.isReading, !stream.isFinished, !stream.isClosed else { return }
        guard self.recent.covers(after: follower.position) else {
            // One page at a time is in memory: the next one is asked for when this one is read.
            if stream.waiting == 0 {
                self.ask(for: follower)
            }
            return
        }
        for frame in self.recent.following(follower.position) {
            if follower.isAtEnd { break }
            if follower.filter.passes(frame.record) {
                // It is gone on with when the client has read what waits.
                guard stream.write(frame.bytes(follower.format)) else { return }
            }
            follower.position = frame.record.id
        }
        if follower.isAtEnd {
            stream.finish()
        }
    }

    // MARK: The history

    private func ask(for follower: EventFollower) {
        follower.isReading = true
        self.readers.append(follower)
        self.askNext()
    }

    private func askNext() {
        while self.reads < Self.maximumReads, !self.readers.isEmpty {
            let follower = self.readers.removeFirst()
            guard !follower.stream.isClosed else { continue }
            self.reads += 1
            self.read(follower.position) { [weak self] outcome in
                guard let self else { return }
                self.reads -= 1
                follower.isReading = false
                self.take(outcome, for: follower)
                self.askNext()
            }
        }
    }

    private func take(_ outcome: Outcome, for follower: EventFollower) {
        guard !follower.stream.isClosed, !follower.stream.isFinished else { return }
        switch outcome {
        case .failure(let error): self.cut(follower, "the history cannot be read: \(error.message)")
        case .success(let page) where !page.isComplete: self.cut(follower, "the history cannot be read")
        case .success(let page):
            let oldest = page.oldest ?? page.newest + 1
            guard follower.position >= oldest - 1 else {
                self.cut(follower, "events before \(oldest) are no longer kept")
                return
            }
            self.give(page, to: follower)
        }
    }

    /// A page that begins after the follower's position.
    private func give(_ page: TransitionPage, to follower: EventFollower, behind greeting: [UInt8] = []) {
        var bytes = greeting
        var position = follower.position
        for record in page.records where record.id <= follower.end ?? .max {
            if follower.filter.passes(record) {
                bytes += EventFrame(record).bytes(follower.format)
            }
            position = record.id
        }
        if page.records.count < Self.pageSize {
            // There are no more than these, whatever numbers were left out.
            position = max(position, page.newest)
        }
        // A heartbeat may have come first: then the page is asked for again when that is read.
        guard bytes.isEmpty || follower.stream.write(bytes) else { return }
        follower.position = position
        self.advance(follower)
    }

    private func cut(_ follower: EventFollower, _ reason: String) {
        self.cuts += 1
        follower.stream.cut(with: follower.lagged(reason, at: self.timer.now.wall))
    }
}
