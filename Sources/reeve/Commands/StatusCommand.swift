import ArgumentParser
import ControlClient
import ControlMessages

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Shows what the workers are doing.",
        discussion: "Ends with 0 when every instance is where it should be, with 1 when one is not."
    )

    @Argument(help: ArgumentHelp("Names or globs; all workers without one.", valueName: "worker"))
    var workers: [String] = []

    @Flag(help: "Go on, and show every change.")
    var watch = false

    @Flag(help: "Print the agent's JSON as it came.")
    var json = false

    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        let client = try self.connection.connect()
        let response = try Remote.send(.workers(self.workers), with: client, json: self.json)
        let message = try Remote.read(WorkersMessage.self, of: response)
        var isRead = try self.show(response, message)
        if self.watch {
            var shown = message
            while isRead {
                (isRead, shown) = try self.next(after: shown, with: client)
            }
        }
        guard StatusView.isAsDesired(message.workers) || self.watch else { throw CommandFailure(.notAsDesired) }
    }

    /// How long a request waits for a change while watching. On a terminal also so that the times go on.
    private var patience: Int { Terminal.isTerminal && !self.json ? 2 : 30 }

    /// Waits for a change and shows it, or the same with later times.
    private func next(
        after shown: WorkersMessage,
        with client: ControlClient
    ) throws -> (isRead: Bool, shown: WorkersMessage) {
        let request = ControlRequest.workers(self.workers, after: shown.revision, waitSeconds: self.patience)
        guard let response = try Remote.sendPatiently(request, with: client) else { return (true, shown) }
        guard response.status != 304 else { return (true, shown) }
        let message = try Remote.read(WorkersMessage.self, of: response)
        // The revision also moves for workers that were not asked for, and for what the table does not show.
        let isNews = self.json ? message.revision != shown.revision : Self.isNews(message, after: shown)
        guard isNews || Terminal.isTerminal && !self.json else { return (true, message) }
        return (try self.show(response, message), message)
    }

    static func isNews(_ message: WorkersMessage, after shown: WorkersMessage) -> Bool {
        func withoutShares(_ workers: [WorkerMessage]) -> [WorkerMessage] {
            var workers = workers
            for worker in workers.indices {
                for instance in workers[worker].instances.indices {
                    workers[worker].instances[instance].upShare24h = 0
                }
            }
            return workers
        }
        return withoutShares(message.workers) != withoutShares(shown.workers)
    }

    private func show(_ response: ControlResponse, _ message: WorkersMessage) throws -> Bool {
        guard !self.json else { return try Remote.printBody(of: response) }
        let table = StatusView.render(
            message.workers,
            now: .now,
            width: Terminal.width,
            style: Terminal.style
        )
        // From the upper left corner, and nothing of the earlier table below it.
        let start = self.watch && Terminal.isTerminal ? "\u{1b}[H\u{1b}[2J" : ""
        return try Terminal.write(start + table)
    }
}
