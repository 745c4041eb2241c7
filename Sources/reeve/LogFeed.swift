import ControlClient
import ControlMessages
import Glibc

/// Brings the output of one worker to the printer, over every end of the answer that may pass.
final class LogFeed {
    /// A longer position does not fit into a target: then it goes on by time, and leaves out what it has had.
    private static let longestPosition = 3000

    private let client: ControlClient
    private let printer: LogPrinter
    private var filter: LogsFilter
    private var lines = LineBuffer()
    /// The next byte in each stream; empty before there was an answer.
    private var positions: [String: UInt64] = [:]
    private var hasBegun = false
    private var skipsKnown = false
    private var lastTime = ""
    private var isCut = false
    private var isAway = false

    init(_ filter: LogsFilter, _ client: ControlClient, _ printer: LogPrinter) {
        self.filter = filter
        self.client = client
        self.printer = printer
    }

    /// Returns when there is no more, or nobody reads it, or something is wrong.
    func run() {
        while self.printer.isRead {
            if self.hasBegun {
                self.goOn()
            }
            let response: ControlResponse
            do {
                response = try self.client.stream(
                    .logs(self.filter),
                    isWanted: { self.printer.isRead },
                    began: { _ in self.begin() },
                    receive: { self.take($0) }
                )
            } catch {
                guard self.filter.follows, self.hasBegun, error.isPassing else {
                    return self.printer.fail(CommandFailure(error))
                }
                self.wait(because: error.description)
                continue
            }
            guard self.goesOn(after: response) else { return }
        }
    }

    private func goesOn(after response: ControlResponse) -> Bool {
        guard self.printer.isRead else { return false }
        if response.isSuccess {
            // One that was cut goes on at once: this program was held up, by a pager perhaps.
            if self.isCut { return true }
            guard self.filter.follows else { return false }
            self.wait(because: "the agent has ended the stream")
            return true
        }
        let failure = Remote.failure(of: response)
        guard self.hasBegun, self.filter.follows, response.status == 503 else {
            self.printer.fail(failure)
            return false
        }
        self.wait(because: failure.message ?? "")
        return true
    }

    private func begin() {
        // What stood there was no whole line.
        self.lines = LineBuffer()
        self.hasBegun = true
        self.isCut = false
        self.isAway = false
    }

    /// Asks for what follows on what was had.
    private func goOn() {
        self.filter.tail = nil
        self.filter.since = nil
        let position = self.positions.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }.joined(separator: ",")
        self.skipsKnown = position.utf8.count > Self.longestPosition
        if self.skipsKnown {
            self.filter.after = nil
            // The output of a stream has no times before there was a line.
            self.filter.since = self.lastTime.isEmpty ? "90d" : self.lastTime
        } else {
            self.filter.after = position
        }
    }

    /// `false` when nobody wants any more.
    private func take(_ bytes: [UInt8]) -> Bool {
        var taken: [(time: String, line: [UInt8], message: LogLineMessage)] = []
        // An empty line says that nothing has happened.
        for line in self.lines.append(bytes) where !line.isEmpty {
            let message: LogMessage
            do throws(CommandFailure) {
                message = try Remote.read(
                    LogMessage.self,
                    of: ControlResponse(status: 200, headers: [], body: line)
                )
            } catch {
                self.printer.fail(error)
                return false
            }
            switch message {
            case .line(let message):
                guard self.note(message.position) else { continue }
                self.lastTime = message.time ?? self.lastTime
                taken.append((self.lastTime, line, message))
            case .note(let note):
                switch LogNoteMessage.Kind(rawValue: note.note) {
                case .begin:
                    for part in (note.position ?? "").split(separator: ",") where !self.skipsKnown {
                        _ = self.note(String(part))
                    }
                case .cut: self.isCut = true
                case .missed, nil: self.printer.printNote(line, note)
                }
            }
        }
        if !taken.isEmpty {
            self.printer.print(taken)
        }
        return self.printer.isRead
    }

    /// Remembers where a stream goes on, such as `0.stdout:1842`. Answers whether that is news.
    private func note(_ position: String) -> Bool {
        let sides = position.split(separator: ":")
        guard sides.count == 2, let number = UInt64(sides[1]) else { return true }
        let stream = String(sides[0])
        if self.skipsKnown, let known = self.positions[stream], number <= known { return false }
        self.positions[stream] = number
        return true
    }

    /// A second; said once until there is an answer again.
    private func wait(because reason: String) {
        if !self.isAway {
            Terminal.complain("\(self.filter.worker): \(Printable.line(reason)); trying again")
        }
        self.isAway = true
        sleep(1)
    }
}
