import ArgumentParser
import ControlClient
import ControlMessages
import Supervision

struct ScaleCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scale",
        abstract: "Gives a worker another number of instances."
    )

    @Argument(help: ArgumentHelp("A name or a glob.", valueName: "worker"))
    var worker: String

    @Argument(help: ArgumentHelp("How many instances it is to have.", valueName: "count"))
    var count: Int

    @OptionGroup var common: CommonOperationArguments

    @Option(
        help: ArgumentHelp(
            "How long one that goes may take to end before it is killed; 0s kills at once.",
            valueName: "duration"
        )
    )
    var grace: DurationArgument?

    @Option(help: ArgumentHelp("How long a new run must stay up.", valueName: "duration"))
    var observe: DurationArgument?

    func validate() throws {
        let possible = WorkerSpecification.possibleInstances
        guard possible.contains(self.count) else {
            throw ValidationError("a worker has \(possible.lowerBound) to \(possible.upperBound) instances")
        }
    }

    /// One worker after the other. Goes on after a failure; the first one is what the command ends with.
    func run() throws {
        guard NamePattern(text: self.worker).isGlob else { return try self.scale(self.worker) }
        let client = try self.common.connection.connect()
        let names = try Remote.fetch(WorkersMessage.self, .workers(), with: client).workers.map(\.name)
        var first: CommandFailure?
        for name in try WorkerSelection.expand([self.worker], among: names) {
            do throws(CommandFailure) {
                try self.scale(name)
            } catch {
                if let message = error.message {
                    Terminal.complain(message)
                }
                first = first ?? CommandFailure(error.status)
            }
        }
        if let first {
            throw first
        }
    }

    private func scale(_ worker: String) throws(CommandFailure) {
        try OperationRunner(
            scaling: worker,
            to: self.count,
            arguments: self.common,
            grace: self.grace,
            observe: self.observe
        ).run()
    }
}
