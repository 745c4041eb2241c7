import ArgumentParser
import ControlClient
import ControlMessages
import Supervision

struct SignalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "signal",
        abstract: "Sends a signal to the main process of a worker's instances."
    )

    @Argument(help: ArgumentHelp("A name or a glob.", valueName: "worker"))
    var worker: String

    @Argument(help: ArgumentHelp("Such as HUP, SIGUSR1 or 10.", valueName: "signal"))
    var signal: String

    @Flag(help: "To the whole process group.")
    var group = false

    @Option(help: ArgumentHelp("One slot only.", valueName: "n"))
    var instance: Int?

    @Flag(help: "Print the agent's JSON as it came.")
    var json = false

    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard Signal(name: self.signal) != nil else {
            throw ValidationError("\"\(self.signal)\" is no signal; say HUP, SIGUSR1 or 10")
        }
        guard self.instance ?? 0 >= 0 else { throw ValidationError("--instance counts from 0") }
    }

    func run() throws {
        // In one spelling, whatever the one used here.
        let name = Signal(name: self.signal).map(\.description) ?? self.signal
        try EachWorker(workers: [self.worker], json: self.json, connection: self.connection).run { worker in
            .signal(name, worker: worker, instance: self.instance, group: self.group)
        }
    }
}
