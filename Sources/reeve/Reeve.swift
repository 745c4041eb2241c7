import Agent
import ArgumentParser
import Glibc
import Keeper

@main
struct Reeve: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reeve",
        abstract: "Supervises worker processes, and is controlled over HTTP.",
        discussion: """
            Exit status: 0 done (status: all is as desired), 1 the worker did not come up (status: something is not as \
            desired), 2 usage, configuration or unknown worker, 3 the agent cannot be reached, 4 not allowed, 5 still \
            in progress at the timeout, 6 conflict, hold or precondition.
            """,
        version: "reeve \(Product.version)",
        subcommands: [
            RunCommand.self, AgentCommand.self, CheckConfigCommand.self, StatusCommand.self, StartCommand.self,
            StopCommand.self,
            RestartCommand.self, ScaleCommand.self, SignalCommand.self, ResetCommand.self, ExitsCommand.self,
            LogsCommand.self, EventsCommand.self, ShutdownCommand.self, UpgradeCommand.self,
        ]
    )

    static func main() {
        // A reader that goes away, `reeve exits | head`, is an error of write(2) and not the end by a signal.
        signal(SIGPIPE, SIG_IGN)
        // A keeper that an upgrade has just replaced goes on where it was.
        if let status = KeeperMain.resume() {
            Glibc.exit(status)
        }
        Glibc.exit(self.run(arguments: Array(CommandLine.arguments.dropFirst())))
    }

    /// Runs a command and answers what the process is to end with.
    static func run(arguments: [String]) -> Int32 {
        do {
            if let name = arguments.first, let why = CommandName.refusal(name) {
                throw CommandFailure(.usage, why)
            }
            var command = try self.parseAsRoot(arguments)
            try command.run()
            return CommandStatus.done.rawValue
        } catch let failure as CommandFailure {
            if let message = failure.message {
                Terminal.complain(message)
            }
            return failure.status.rawValue
        } catch let code as ExitCode {
            // The agent's own, which may be any: nothing is read into it.
            return code.rawValue
        } catch {
            return self.end(with: error)
        }
    }

    /// What swift-argument-parser throws: help, which is no error, or a mistake in the arguments,
    /// which it would end with 64.
    private static func end(with error: any Error) -> Int32 {
        let code = self.exitCode(for: error)
        guard code == .validationFailure else {
            let message = self.fullMessage(for: error)
            if !message.isEmpty {
                _ = try? Terminal.write(message + "\n")
            }
            return code.rawValue
        }
        let usage = self.fullMessage(for: error).split(separator: "\n", omittingEmptySubsequences: false)
            .drop { !$0.hasPrefix("Usage:") && !$0.hasPrefix("  See") }
        Terminal.complain(Printable.line(self.message(for: error)))
        for line in usage {
            Terminal.explain(String(line))
        }
        return CommandStatus.usage.rawValue
    }
}
