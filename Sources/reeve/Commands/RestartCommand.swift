import ArgumentParser

struct RestartCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restart",
        abstract: "Stops workers and starts them again, one instance after the other."
    )

    @OptionGroup var arguments: OperationArguments

    @Option(
        help: ArgumentHelp("How long it may take to end before it is killed; 0s kills at once.", valueName: "duration")
    )
    var grace: DurationArgument?

    @Option(help: ArgumentHelp("How long a new run must stay up.", valueName: "duration"))
    var observe: DurationArgument?

    func run() throws {
        try OperationRunner(action: "restart", arguments: self.arguments, grace: self.grace, observe: self.observe)
            .run()
    }
}
