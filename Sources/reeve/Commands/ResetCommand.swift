import ArgumentParser
import ControlClient
import ControlMessages

struct ResetCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset",
        abstract: "Forgets the failures of workers; failed ones become stopped."
    )

    @Argument(help: ArgumentHelp("Names or globs.", valueName: "worker"))
    var workers: [String]

    @Flag(help: "Print the agent's JSON as it came.")
    var json = false

    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        try EachWorker(workers: self.workers, json: self.json, connection: self.connection).run { worker in
            .reset(worker: worker)
        }
    }
}
