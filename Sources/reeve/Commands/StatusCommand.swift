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
            var revision = message.revision
            while isRead {
                (isRead, revision) = try self.next(after: revision, with: client)
            }
        }
        guard StatusView.isAsDesired(message.workers) || self.watch else { throw CommandFailure(.notAsDesired) }
    }

    /// How long a request waits for a change while watching. On a terminal also so that the times go on.
    private var patience: Int { Terminal.isTerminal && !self.json ? 2 : 30 }

    /// Waits for a change and shows it, or the same with later times.
    private func next(after revision: Int64, with client: ControlClient) throws -> (isRead: Bool, revision: Int64) {
        let request = ControlRequest.workers(self.workers, after: revision, waitSeconds: self.patience)
        guard let response = try Remote.sendPatiently(request, with: client) else { return (true, revision) }
        guard response.status != 304 else { return (true, revision) }
        let message = try Remote.read(WorkersMessage.self, of: response)
        guard message.revision != revision || Terminal.isTerminal && !self.json else { return (true, revision) }
        return (try self.show(response, message), message.revision)
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
