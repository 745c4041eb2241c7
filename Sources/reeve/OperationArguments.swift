import ArgumentParser
import ControlMessages

/// What start, stop and restart have in common.
struct OperationArguments: ParsableArguments {
    @Argument(help: ArgumentHelp("Names or globs, such as \"web*\" in quotes.", valueName: "worker"))
    var workers: [String]

    @Option(help: ArgumentHelp("One slot of a single worker.", valueName: "n"))
    var instance: Int?

    @OptionGroup var common: CommonOperationArguments

    func validate() throws {
        guard let instance = self.instance else { return }
        guard instance >= 0 else { throw ValidationError("--instance counts from 0") }
        guard self.workers.count == 1, !NamePattern(text: self.workers[0]).isGlob else {
            throw ValidationError("--instance goes with one worker, by its name")
        }
    }
}

/// What every operation takes that is waited for.
struct CommonOperationArguments: ParsableArguments {
    @Flag(name: .customLong("no-wait"), help: "Do not wait until it is done.")
    var isDetached = false

    @Option(help: ArgumentHelp("How long to wait, such as 60s; the operation goes on.", valueName: "duration"))
    var timeout: DurationArgument?

    @Option(help: ArgumentHelp("Why, for the record.", valueName: "text"))
    var reason: String?

    @Flag(help: "Let the decision outlive a reboot; else the configuration decides then.")
    var persist = false

    @Flag(help: "Print the agent's JSON as it came.")
    var json = false

    @Flag(name: .shortAndLong, help: "Tell everything that was done.")
    var verbose = false

    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        if self.isDetached, self.timeout != nil {
            throw ValidationError("--timeout is about waiting, and --no-wait does not wait")
        }
    }
}
