import ArgumentParser
import Configuration
import FoundationEssentials
import Glibc

struct CheckConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config",
        abstract: "Reads a configuration and tells all that is wrong with it.",
        discussion: "Starts nothing and needs no agent. Ends with 2 when there are problems."
    )

    @Option(help: ArgumentHelp("The configuration.", valueName: "file"))
    var config: String?

    func run() throws {
        let environment = ProcessInfo.processInfo.environment
        let isRoot = geteuid() == 0
        let path: String
        do {
            path = try ConfigurationLocator.locate(explicit: self.config, environment: environment, isRoot: isRoot)
        } catch {
            throw CommandFailure(.usage, error.description)
        }
        do {
            let settings = try ConfigurationLoader.load(path: path, environment: environment, isRoot: isRoot)
            try Terminal.write(Self.praise(path, workers: settings.workers.count))
        } catch let error as ConfigurationError {
            for line in error.description.split(separator: "\n") {
                Terminal.explain(Printable.line(String(line)))
            }
            throw CommandFailure(.usage, Self.verdict(path, problems: error.problems.count + error.omitted))
        }
    }

    static func praise(_ path: String, workers: Int) -> String {
        "\(path): \(workers) \(workers == 1 ? "worker" : "workers"), no problems\n"
    }

    static func verdict(_ path: String, problems: Int) -> String {
        "\(path) has \(problems) \(problems == 1 ? "problem" : "problems")"
    }
}
