import ArgumentParser
import ControlClient
import ControlMessages
import Glibc
import Supervision

struct UpgradeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "upgrade",
        abstract: "Has the binary on disk take the agent's place; no worker is touched.",
        discussion: "When it does not come up, the old one comes back, and the command says why and ends with 1."
    )

    /// Longer than the keeper lets a new binary take, so that the end is told by default.
    private static let defaultTimeout = Duration.seconds(60)
    /// How long a request waits for the end, in seconds.
    private static let longestWait: Int64 = 10
    /// Between two tries to reach an agent that is away.
    private static let retryMicroseconds: UInt32 = 50_000

    @Flag(name: .customLong("no-wait"), help: "Do not wait until it is done.")
    var isDetached = false

    @Option(help: ArgumentHelp("How long to wait, 60s by default; the upgrade goes on.", valueName: "duration"))
    var timeout: DurationArgument?

    @Option(help: ArgumentHelp("Why, for the record.", valueName: "text"))
    var reason: String?

    @Flag(help: "Print the agent's JSON as it came.")
    var json = false

    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        if self.isDetached, self.timeout != nil {
            throw ValidationError("--timeout is about waiting, and --no-wait does not wait")
        }
    }

    func run() throws {
        let client = try self.connection.connect()
        // Only for the words at the end.
        let before = self.json || self.isDetached ? nil : try? client.agent()
        var response = try Remote.send(.upgrade(reason: self.reason), with: client, json: self.json)
        var operation = try Remote.read(OperationMessage.self, of: response)
        if !self.isDetached {
            response = try self.wait(for: operation.id, with: client)
            operation = try Remote.read(OperationMessage.self, of: response)
        }
        if self.json {
            try Remote.printBody(of: response)
        }
        try self.report(operation, before: before, with: client)
    }

    /// The operation when it has ended, or as it is at the timeout. The agent is away for a moment meanwhile.
    private func wait(for id: String, with client: ControlClient) throws(CommandFailure) -> ControlResponse {
        let limit = self.timeout.flatMap { DurationText.parse($0.text) } ?? Self.defaultTimeout
        let end = ContinuousClock.now.advanced(by: limit)
        while true {
            let left = ContinuousClock.now.duration(to: end)
            let seconds = min(Self.longestWait, max(0, left.components.seconds))
            var trouble = ""
            switch Result(catching: { () throws(ControlClientError) in
                try client.send(.operation(id, waitSeconds: Int(seconds)))
            }) {
            case .success(let response) where response.isSuccess:
                let operation = try Remote.read(OperationMessage.self, of: response)
                if operation.finishedAt != nil || left <= .zero {
                    return response
                }
            case .success(let response):
                let failure = Remote.failure(of: response)
                // Those of an agent that is not quite there yet.
                guard response.status == 404 || response.status == 503 else { throw failure }
                trouble = failure.message ?? ""
            case .failure(let error):
                guard error.isPassing else { throw CommandFailure(error) }
                trouble = Printable.line(error.description)
            }
            guard left > .zero else {
                throw CommandFailure(.inProgress, "the upgrade has not ended yet; \(trouble)")
            }
            usleep(Self.retryMicroseconds)
        }
    }

    private func report(
        _ operation: OperationMessage,
        before: AgentMessage?,
        with client: ControlClient
    ) throws(CommandFailure) {
        let why = operation.error.map { ": \(Printable.line($0))" } ?? ""
        switch operation.state {
        case "succeeded":
            guard !self.json else { return }
            // The upgrade is over, and an agent that does not answer now changes nothing of it.
            let after = try? client.agent()
            let agent = after.map { "reeve \(Printable.line($0.version)) with pid \($0.pid)" } ?? "the binary on disk"
            let old = before.map { " (was \(Printable.line($0.version)) with pid \($0.pid))" } ?? ""
            try Terminal.write("the agent is \(agent) now\(old)\n")
        case "failed":
            throw CommandFailure(.notAsDesired, "the agent is the old one\(why)")
        case "aborted":
            throw CommandFailure(.notAsDesired, "the upgrade was aborted\(why)")
        default:
            let goesOn = "the upgrade goes on as operation \(Printable.line(operation.id))"
            guard self.isDetached else { throw CommandFailure(.inProgress, goesOn) }
            guard !self.json else { return }
            try Terminal.write(goesOn + "\n")
        }
    }
}
