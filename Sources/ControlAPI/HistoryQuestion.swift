internal import ControlMessages
internal import History
internal import Supervision

/// What the control server wants to know of the history, to be asked on whatever thread; the answer comes back to the
/// handler by its number.
struct HistoryQuestion: Sendable {
    let answer: @Sendable (any HistoryQueries) async -> any Sendable

    /// How many are unanswered at once, each with a client that waits: what the history reads keeps what it writes
    /// waiting.
    static let maximumCount = 64
    /// How long a client waits for an answer, which takes milliseconds unless the disk hangs.
    static let patience = Duration.seconds(10)
}

extension ControlHandler {
    /// Asks the history on behalf of a call, which nobody else answers meanwhile.
    ///
    /// - Parameter then: called with the answer, unless the client has left or was told that it takes too long.
    func ask<Answer: Sendable>(
        for call: Call,
        _ question: @escaping @Sendable (any HistoryQueries) async throws(SQLiteError) -> Answer,
        then: @escaping (Result<Answer, SQLiteError>) throws(Problem) -> Void
    ) throws(Problem) {
        guard self.questions.count < HistoryQuestion.maximumCount else {
            throw Problem.busy("\(HistoryQuestion.maximumCount) requests wait for the history already")
        }
        let cancel = self.timer.schedule(at: self.timer.now.monotonic.advanced(by: HistoryQuestion.patience)) {
            call.respond(Problem.history("it has not answered for \(HistoryQuestion.patience.components.seconds) s"))
        }
        self.ask(question) { result in
            cancel()
            guard !call.isOver else { return }
            do throws(Problem) {
                try then(result)
            } catch {
                call.respond(error)
            }
        }
    }

    /// Asks the history; `then` is called with the answer on the control loop.
    func ask<Answer: Sendable>(
        _ question: @escaping @Sendable (any HistoryQueries) async throws(SQLiteError) -> Answer,
        then: @escaping (Result<Answer, SQLiteError>) -> Void
    ) {
        let number = self.nextQuestion
        self.nextQuestion += 1
        self.questions[number] = { answer in
            guard let result = answer as? Result<Answer, SQLiteError> else {
                preconditionFailure("the answer to a question is of another type: \(type(of: answer))")
            }
            then(result)
        }
        let asked = HistoryQuestion { history in
            do throws(SQLiteError) {
                return Result<Answer, SQLiteError>.success(try await question(history))
            } catch {
                return Result<Answer, SQLiteError>.failure(error)
            }
        }
        self.inquire(number, asked)
    }

    /// The history's answer to a question that `inquire` handed over.
    func answered(_ number: UInt64, _ answer: any Sendable) {
        self.questions.removeValue(forKey: number)?(answer)
    }
}

extension Problem {
    /// The history cannot be read at present.
    static func history(_ reason: String) -> Problem {
        Problem(.historyUnavailable, "the history cannot be read: \(reason)", headers: [Self.retryAfter])
    }
}
