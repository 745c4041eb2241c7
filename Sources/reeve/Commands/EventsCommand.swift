import ArgumentParser
import ControlClient
import ControlMessages
import Glibc

struct EventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Shows everything that happens, as it happens.",
        discussion: """
            Begins now, or with --no-follow with the oldest that is kept, unless --since or --after says otherwise, and goes on until it is interrupted, also over restarts \
            of the agent: nothing is left out and nothing shown twice. Times are UTC.
            """
    )

    @Argument(help: ArgumentHelp("Names or globs; without one everything, also of the agent.", valueName: "worker"))
    var workers: [String] = []

    @Option(
        help: ArgumentHelp(
            "Begin with those since then: a time, or a duration before now such as 1h.",
            valueName: "time"
        )
    )
    var since: String?

    @Option(help: ArgumentHelp("Begin with those after the event of this id.", valueName: "id"))
    var after: Int64?

    @Option(help: ArgumentHelp("Only those of these types, such as instance.state,exit.", valueName: "types"))
    var type: String?

    @Flag(inversion: .prefixedNo, help: "Go on with those to come, or end behind those that there are.")
    var follow = true

    @Flag(help: "Print the agent's JSON, one event a line.")
    var json = false

    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        if self.since != nil, self.after != nil {
            throw ValidationError("--since and --after both say where to begin; give one of them")
        }
        guard self.after ?? 0 >= 0 else { throw ValidationError("--after is 0 or more") }
    }

    func run() throws {
        let client = try self.connection.connect()
        var filter = EventsFilter()
        filter.workers = self.workers
        filter.types = self.type
        filter.since = self.since
        // Who does not wait for any wants to see those that there are.
        filter.after = self.after ?? (self.follow || self.since != nil ? nil : 0)
        filter.follows = self.follow
        let reader = EventReader(self.json ? nil : EventsView())
        var isAway = false
        while true {
            if let position = reader.position {
                filter.after = position
                filter.since = nil
            }
            let response: ControlResponse
            do {
                response = try client.stream(
                    .events(filter),
                    began: { response in
                        isAway = false
                        reader.begin(response)
                    },
                    receive: { reader.take($0) }
                )
            } catch {
                guard self.follow, reader.position != nil, error.isPassing else { throw CommandFailure(error) }
                Self.wait(because: error.description, &isAway)
                continue
            }
            guard try self.goesOn(after: response, reader, &isAway) else { return }
        }
    }

    /// What follows when a stream has ended, or there is none: `true` for another one.
    private func goesOn(after response: ControlResponse, _ reader: EventReader, _ isAway: inout Bool) throws -> Bool {
        if let failure = reader.failure { throw failure }
        guard reader.isRead else { return false }
        if response.isSuccess {
            // One that was cut goes on at once: this program was held up, by a pager perhaps.
            guard !reader.isCut else { return true }
            guard self.follow else { return false }
            Self.wait(because: "the agent has ended the stream", &isAway)
            return true
        }
        guard reader.position != nil else {
            if self.json {
                try Remote.printBody(of: response)
            }
            throw Remote.failure(of: response)
        }
        if let oldest = Remote.whereToGoOn(response) {
            Terminal.complain("some events are missing here: they are no longer kept, or the agent began anew")
            reader.goOn(after: oldest - 1)
            return true
        }
        let failure = Remote.failure(of: response)
        guard response.status == 503 else { throw failure }
        Self.wait(because: failure.message ?? "", &isAway)
        return true
    }

    /// A second; said once until there is a stream again.
    private static func wait(because reason: String, _ isAway: inout Bool) {
        if !isAway {
            Terminal.complain("\(Printable.line(reason)); trying again")
        }
        isAway = true
        sleep(1)
    }
}
