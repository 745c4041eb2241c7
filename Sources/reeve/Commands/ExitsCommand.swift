import ArgumentParser
import ControlClient
import ControlMessages

struct ExitsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "exits",
        abstract: "Shows how runs ended, the newest first; with --follow the newest last.",
        discussion: "Times are UTC."
    )

    @Argument(help: ArgumentHelp("A name; all workers without one.", valueName: "worker"))
    var worker: String?

    @Option(
        help: ArgumentHelp("Only those since then: a time, or a duration before now such as 1h.", valueName: "time")
    )
    var since: String?

    @Option(help: ArgumentHelp("Only those with this cause, such as crashed.", valueName: "cause"))
    var cause: String?

    @Option(help: ArgumentHelp("How many at most.", valueName: "n"))
    var limit: Int?

    @Flag(help: "Go on, and show those to come.")
    var follow = false

    @Flag(help: "Print the agent's JSON as it came.")
    var json = false

    @OptionGroup var connection: ConnectionOptions

    /// How long a request waits for the next exit, in seconds.
    private static let patience = 30

    func validate() throws {
        guard self.limit ?? 1 >= 1 else { throw ValidationError("--limit is 1 or more") }
    }

    func run() throws {
        let client = try self.connection.connect()
        var filter = ExitFilter()
        filter.worker = self.worker
        filter.cause = self.cause
        filter.since = self.since
        filter.limit = self.limit
        let response = try Remote.send(.exits(filter), with: client, json: self.json)
        let message = try Remote.read(ExitsMessage.self, of: response)
        var view = ExitsView()
        var isRead = try self.show(response, message, in: &view, isFirst: true)
        guard self.follow else { return }
        filter.since = nil
        filter.limit = nil
        filter.waitSeconds = Self.patience
        filter.after = Self.newest(message) ?? max(0, (message.oldest ?? 1) - 1)
        while isRead {
            isRead = try self.follow(&filter, in: &view, with: client)
        }
    }

    /// The highest number seen; `nil` while there is none.
    static func newest(_ message: ExitsMessage) -> Int64? {
        message.exits.map(\.seq).max()
    }

    /// Waits for further exits and shows them.
    private func follow(_ filter: inout ExitFilter, in view: inout ExitsView, with client: ControlClient) throws -> Bool
    {
        guard let response = try Remote.sendPatiently(.exits(filter), with: client) else { return true }
        if let oldest = Remote.whereToGoOn(response) {
            Terminal.complain("some exits may be missing here: the agent began anew, or there were too many at once")
            filter.after = oldest - 1
            return true
        }
        guard response.isSuccess else { throw Remote.failure(of: response) }
        let message = try Remote.read(ExitsMessage.self, of: response)
        // Also moves over exits that the filter left out, so that they may be forgotten meanwhile.
        filter.after = message.next ?? Self.newest(message) ?? filter.after
        guard !message.exits.isEmpty else { return true }
        return try self.show(response, message, in: &view, isFirst: false)
    }

    private func show(
        _ response: ControlResponse,
        _ message: ExitsMessage,
        in view: inout ExitsView,
        isFirst: Bool
    ) throws -> Bool {
        guard !self.json else { return try Remote.printBody(of: response) }
        guard !message.exits.isEmpty || self.follow else { return try Terminal.write("no exits\n") }
        let exits = self.follow ? message.exits.sorted { $0.seq < $1.seq } : message.exits
        return try Terminal.write(
            view.render(exits, now: .now, width: Terminal.width, style: Terminal.style, withHeader: isFirst)
        )
    }
}
