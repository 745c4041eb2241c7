import ArgumentParser
import ControlClient
import ControlMessages

struct ShutdownCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shutdown",
        abstract: "Stops all workers, then ends the agent."
    )

    @Flag(help: "Print the agent's JSON as it came.")
    var json = false

    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        let client = try self.connection.connect()
        let response = try Remote.send(.shutdown(), with: client, json: self.json)
        guard !self.json else {
            try Remote.printBody(of: response)
            return
        }
        try Terminal.write("the agent stops its workers and ends\n")
    }
}
