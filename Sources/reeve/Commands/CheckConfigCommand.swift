import ArgumentParser
import Configuration
import ControlMessages
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

    @Flag(help: "Print the result as JSON.")
    var json = false

    /// What `--json` prints.
    struct Result: Encodable {
        struct Problem: Encodable {
            var file: String
            /// `nil` for what concerns the whole file.
            var line: Int?
            var column: Int?
            var message: String
            /// What to do; may be empty.
            var advice: String
        }

        var file: String
        /// `nil` when there are problems.
        var workers: Int?
        var problems: [Problem]
        /// How many more there are than are told.
        var omitted: Int
    }

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
            let count = settings.workers.count
            guard !self.json else {
                return try Self.write(Result(file: path, workers: count, problems: [], omitted: 0))
            }
            try Terminal.write(Self.praise(path, workers: count))
        } catch let error as ConfigurationError {
            try self.tell(error, of: path)
            throw CommandFailure(.usage, error.verdict(on: path))
        }
    }

    private func tell(_ error: ConfigurationError, of path: String) throws {
        guard self.json else {
            for line in error.description.split(separator: "\n") {
                Terminal.explain(Printable.line(String(line)))
            }
            return
        }
        let problems = error.problems.map {
            Result.Problem(file: $0.file, line: $0.line, column: $0.column, message: $0.message, advice: $0.advice)
        }
        try Self.write(Result(file: path, workers: nil, problems: problems, omitted: error.omitted))
    }

    private static func write(_ result: Result) throws {
        try Terminal.write(try ContractEncoder.encode(result) + [UInt8(ascii: "\n")])
    }

    static func praise(_ path: String, workers: Int) -> String {
        "\(path): \(workers) \(workers == 1 ? "worker" : "workers"), no problems\n"
    }
}
