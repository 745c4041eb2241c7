import Agent
import ArgumentParser

/// What the keeper starts.
struct AgentCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: AgentMain.agentCommand,
        abstract: "The agent itself, which `reeve run` starts and guards.",
        shouldDisplay: false
    )

    @Option(help: ArgumentHelp("The configuration.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("The state directory.", valueName: "directory"))
    var state: String?

    func run() throws {
        let status = AgentMain.run(configuration: self.config, state: self.state)
        guard status == 0 else { throw ExitCode(status) }
    }
}
