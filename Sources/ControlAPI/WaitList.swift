internal import Supervision

/// How many requests wait, over all lists.
final class WaitLimit {
    /// A connection waits at most once, so the server's cap on connections bounds them as well; this one bounds the work of
    /// a change, which answers all of them.
    static let maximum = 1_000

    private let maximum: Int
    private(set) var count = 0

    init(maximum: Int = WaitLimit.maximum) {
        self.maximum = maximum
    }

    /// Takes a place; the holder releases it once.
    func take() throws(Problem) {
        guard self.count < self.maximum else {
            throw Problem.busy("\(self.maximum) requests wait for an answer already; nothing was done")
        }
        self.count += 1
    }

    func release() {
        precondition(self.count > 0, "a place was released twice")
        self.count -= 1
    }
}

/// Requests that wait for something to happen, until their time is over or their client has left.
final class WaitList<Subject> {
    private struct Entry {
        let subject: Subject
        let call: Call
        let cancel: () -> Void
    }

    private let limit: WaitLimit
    private let timer: any ControlTimer
    private var entries: [UInt64: Entry] = [:]
    private var nextNumber: UInt64 = 1

    init(limit: WaitLimit, timer: any ControlTimer) {
        self.limit = limit
        self.timer = timer
    }

    var count: Int {
        self.entries.count
    }

    /// Lets a call wait. It has a place of the limit already, which is released when it leaves the list.
    ///
    /// - Parameter timedOut: makes the answer when `instant` comes first.
    func add(
        _ subject: Subject,
        _ call: Call,
        until instant: MonotonicInstant,
        timedOut: @escaping (Subject) -> Void
    ) {
        guard !call.isOver else {
            self.limit.release()
            return
        }
        call.hasWaited = true
        let number = self.nextNumber
        self.nextNumber += 1
        let cancel = self.timer.schedule(at: instant) { [weak self] in
            guard self?.remove(number) != nil else { return }
            timedOut(subject)
        }
        self.entries[number] = Entry(subject: subject, call: call, cancel: cancel)
        call.clientGone = { [weak self] in self?.remove(number)?.cancel() }
    }

    /// Answers each call for whose subject there is an answer now.
    func answer(_ answer: (Subject, Call) -> Bool) {
        guard !self.entries.isEmpty else { return }
        for (number, entry) in self.entries where answer(entry.subject, entry.call) {
            self.remove(number)?.cancel()
        }
    }

    @discardableResult
    private func remove(_ number: UInt64) -> Entry? {
        guard let entry = self.entries.removeValue(forKey: number) else { return nil }
        self.limit.release()
        return entry
    }
}
