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

    func run() throws {
        let status = AgentMain.run(configuration: self.config)
        guard status == 0 else { throw ExitCode(status) }
    }
}
