import Agent
import ArgumentParser

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Supervises the workers of a configuration, in the foreground."
    )

    @Option(help: ArgumentHelp("The configuration.", valueName: "file"))
    var config: String?

    func run() throws {
        let status = AgentMain.guardAgent(configuration: self.config)
        guard status == 0 else { throw ExitCode(status) }
    }
}
