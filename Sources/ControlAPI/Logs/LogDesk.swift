internal import LinuxSystem
internal import Output
internal import Supervision

/// A question about the workers' output, to be asked on whatever thread; the answer comes back to the desk by its number.
struct OutputQuestion: Sendable {
    let answer: @Sendable (any OutputQueries) async -> any Sendable
}

/// Where those who read output wait for it. Belongs to the control loop.
final class LogDesk {
    /// How many may look for where they begin at once: that can mean to look through megabytes.
    static let maximumSearches = 256
    /// How long a client waits for its first answer, which takes milliseconds unless the disk hangs.
    static let patience = Duration.seconds(10)
    /// Bytes of output in one answer of the disk, for one reader and for all of them.
    static let page = 32 << 10
    static let pagesInAll = 16 << 20
    static let smallestPage = 4 << 10
    /// A follower is told of news so often at most: what comes meanwhile comes together.
    static let followInterval = Duration.milliseconds(25)

    let timer: any ControlTimer
    let output: any OutputQueries
    /// Hands a question over; its answer comes back through `answered` with the same number.
    var inquire: (UInt64, OutputQuestion) -> Void = { _, _ in preconditionFailure("nobody takes questions") }
    /// Hands a number over to `told`, from any thread.
    var tell: @Sendable (UInt64) -> Void = { _ in }

    private var questions: [UInt64: (any Sendable) -> Void] = [:]
    private var waits: [UInt64: () -> Void] = [:]
    private var nextNumber: UInt64 = 1
    private(set) var searches = 0
    private(set) var readers = 0

    init(output: any OutputQueries, timer: any ControlTimer) {
        self.output = output
        self.timer = timer
    }

    /// Asks; `then` is called with the answer on the control loop.
    func ask<Answer: Sendable>(
        _ question: @escaping @Sendable (any OutputQueries) async -> Answer,
        then: @escaping (Answer) -> Void
    ) {
        let number = self.newNumber()
        self.questions[number] = { answer in
            guard let answer = answer as? Answer else {
                preconditionFailure("the answer to a question is of another type: \(type(of: answer))")
            }
            then(answer)
        }
        self.inquire(number, OutputQuestion { await question($0) })
    }

    func answered(_ number: UInt64, _ answer: any Sendable) {
        self.questions.removeValue(forKey: number)?(answer)
    }

    /// Asks where a reader begins, on behalf of a call, which nobody else answers meanwhile.
    func search<Answer: Sendable>(
        for call: Call,
        _ question: @escaping @Sendable (any OutputQueries) async -> Answer,
        then: @escaping (Answer) throws(Problem) -> Void
    ) throws(Problem) {
        guard self.searches < Self.maximumSearches else {
            throw Problem.busy("\(Self.maximumSearches) requests wait for the workers' output already")
        }
        self.searches += 1
        let cancel = self.timer.schedule(at: self.timer.now.monotonic.advanced(by: Self.patience)) {
            call.respond(
                Problem.busy("the workers' output could not be read for \(Self.patience.components.seconds) s")
            )
        }
        self.ask(question) { [unowned self] answer in
            self.searches -= 1
            cancel()
            guard !call.isOver else { return }
            do throws(Problem) {
                try then(answer)
            } catch {
                call.respond(error)
            }
        }
    }

    // MARK: Followers

    /// Waits for more than `cursor` knows of; `news` is called once, unless the wait is ended first.
    func wait(after cursor: OutputCursor, _ news: @escaping () -> Void) -> LogWait {
        let number = self.newNumber()
        let wait = LogWait(number: number)
        self.waits[number] = news
        let tell = self.tell
        self.ask {
            await $0.watch(cursor) { tell(number) }
        } then: { [unowned self] watch in
            wait.watch = watch
            // Ended before it had begun.
            if wait.isOver {
                self.cancel(watch)
            }
        }
        return wait
    }

    func told(_ number: UInt64) {
        self.waits.removeValue(forKey: number)?()
    }

    func end(_ wait: LogWait) {
        wait.isOver = true
        guard self.waits.removeValue(forKey: wait.number) != nil, let watch = wait.watch else { return }
        self.cancel(watch)
    }

    private func cancel(_ watch: OutputWatch) {
        self.ask {
            await $0.cancel(watch)
        } then: { () in
        }
    }

    private func newNumber() -> UInt64 {
        defer { self.nextNumber += 1 }
        return self.nextNumber
    }

    // MARK: Bounds

    func readerCame() {
        self.readers += 1
    }

    func readerLeft() {
        self.readers -= 1
    }

    /// How much a reader may ask for now. What it was answered waits in memory until its client takes it.
    var pageSize: Int {
        max(Self.smallestPage, min(Self.page, Self.pagesInAll / max(1, self.readers)))
    }
}

/// Somebody who waits for news of the output.
final class LogWait {
    let number: UInt64
    var isOver = false
    /// `nil` until the output's loop has taken note of it.
    var watch: OutputWatch?

    init(number: UInt64) {
        self.number = number
    }
}
