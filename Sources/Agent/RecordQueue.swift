import History
import LinuxSystem
import Output
import Supervision

/// What is on its way to the history: the records of exits get the last lines of the run's standard error before they are
/// handed on. Decisions and restarts of the policy do not wait for that; those of operators do, which wait for their commit, and
/// everything keeps its order.
///
/// Belongs to the supervision loop.
final class RecordQueue {
    /// How often, and each time for how long, an exit's record waits for its output. A disk that hangs costs it the lines; a
    /// pause of the whole process, which is over for this loop as soon as for the output's, does not.
    static let waits = 10
    static let wait = Duration.milliseconds(20)

    private enum Content {
        case submission(HistorySubmission)
        case end(() -> Void)
    }

    private struct Item {
        let number: UInt64
        var content: Content
        var isReady: Bool
        var deadline: EventLoop.Deadline?
    }

    /// Takes what is left in the pipes of runs, and answers the last lines of each one's standard error, from any thread.
    typealias Drain = ([RunID], @escaping @Sendable ([RunID: [String]]) -> Void) -> Void

    private let loop: EventLoop
    private let captures: (_ worker: String) -> Bool
    private let drain: Drain
    private let record: (HistorySubmission) -> Void
    private var items: [Item] = []
    private var nextNumber: UInt64 = 1

    /// - Parameter captures: whether the output of a worker's runs comes here.
    init(
        loop: EventLoop,
        captures: @escaping (_ worker: String) -> Bool,
        drain: @escaping Drain,
        record: @escaping (HistorySubmission) -> Void
    ) {
        self.loop = loop
        self.captures = captures
        self.drain = drain
        self.record = record
    }

    convenience init(loop: EventLoop, capture: RunCapture, record: @escaping (HistorySubmission) -> Void) {
        self.init(loop: loop, captures: capture.captures, drain: capture.room.drain, record: record)
    }

    func submit(_ submission: HistorySubmission) {
        let runs = submission.transitions.compactMap { transition -> RunID? in
            guard case .exit(let exit) = transition.change, exit.pid != nil else { return nil }
            return self.captures(exit.instance.worker) ? exit.runID : nil
        }
        guard !runs.isEmpty else {
            self.append(.submission(submission), isReady: true)
            return
        }
        let number = self.append(.submission(submission), isReady: false)
        let bound = LoopBound(self, to: self.loop)
        let loop = self.loop
        self.drain(runs) { tails in
            loop.execute { bound.take().drained(number, tails) }
        }
    }

    /// Calls `body` when everything that was submitted is handed on.
    func finish(_ body: @escaping () -> Void) {
        self.append(.end(body), isReady: true)
    }

    @discardableResult
    private func append(_ content: Content, isReady: Bool) -> UInt64 {
        let number = self.nextNumber
        self.nextNumber += 1
        var item = Item(number: number, content: content, isReady: isReady)
        if !isReady {
            item.deadline = self.loop.schedule(afterTurns: Self.waits, of: Self.wait) { [unowned self] in
                self.drained(number, [:])
            }
        }
        self.items.append(item)
        self.handOn()
        return number
    }

    private func drained(_ number: UInt64, _ tails: [RunID: [String]]) {
        // One that was handed on without its lines is not there any more.
        guard let index = self.items.firstIndex(where: { $0.number == number }) else { return }
        if let deadline = self.items[index].deadline {
            self.loop.cancel(deadline)
        }
        self.items[index].isReady = true
        if case .submission(var submission) = self.items[index].content {
            for position in submission.transitions.indices {
                guard case .exit(var exit) = submission.transitions[position].change, let tail = tails[exit.runID]
                else { continue }
                exit.stderrTail = tail
                submission.transitions[position].change = .exit(exit)
            }
            self.items[index].content = .submission(submission)
        }
        self.handOn()
    }

    private func handOn() {
        while let first = self.items.first, first.isReady {
            self.items.removeFirst()
            switch first.content {
            case .submission(let submission): self.record(submission)
            case .end(let body): body()
            }
        }
    }
}
