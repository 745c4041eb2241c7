import ArgumentParser

struct StopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Stops workers, and waits until no process of them is left."
    )

    @OptionGroup var arguments: OperationArguments

    @Option(
        help: ArgumentHelp("How long it may take to end before it is killed; 0s kills at once.", valueName: "duration")
    )
    var grace: DurationArgument?

    func run() throws {
        try OperationRunner(action: "stop", arguments: self.arguments, grace: self.grace).run()
    }
}
