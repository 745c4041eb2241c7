import ArgumentParser

struct StartCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start",
        abstract: "Starts workers, and waits until they are up."
    )

    @OptionGroup var arguments: OperationArguments

    @Option(help: ArgumentHelp("How long a new run must stay up.", valueName: "duration"))
    var observe: DurationArgument?

    func run() throws {
        try OperationRunner(action: "start", arguments: self.arguments, observe: self.observe).run()
    }
}
