import Configuration
import Glibc
import Keeper
import Supervision

/// The agent as a program, and the keeper that guards it.
public enum AgentMain {
    /// The command under which the keeper starts the agent. Nobody else does.
    public static let agentCommand = "agent"

    /// `reeve run`: guards an agent until that is told to end; answers the exit status. Call it on the main thread, before
    /// there is any other.
    ///
    /// - Parameter configuration: the path of the file, or `nil` to look for it.
    public static func guardAgent(configuration: String?) -> Int32 {
        StandardStreams.ensureOpen()
        do throws(AgentStartFailure) {
            // Once here, so that mistakes are told by the program that was started, and the lock has a directory.
            let settings = try Self.settings(configuration)
            try Agent.makeDirectories(settings.agent)
            let file = settings.files.first ?? ""
            return KeeperMain.run(
                KeeperOptions(
                    stateDirectory: settings.agent.stateDirectory,
                    agentArguments: ["reeve", Self.agentCommand, "--config", file]
                )
            )
        } catch {
            Self.complain(error.message)
            return 2
        }
    }

    /// The agent itself: supervises until it is told to end; answers the exit status. Call it on the main thread, before
    /// there is any other.
    public static func run(configuration: String?) -> Int32 {
        do throws(AgentStartFailure) {
            let agent = try Agent(settings: try Self.settings(configuration))
            // Its rooms have threads that run until the process ends, so it stays until then too.
            _ = Unmanaged.passRetained(agent)
            return try agent.run()
        } catch {
            Self.complain(error.message)
            return 2
        }
    }

    private static func settings(_ configuration: String?) throws(AgentStartFailure) -> Settings {
        let environment = WorkerEnvironment.ofThisProcess().own
        let variables = Dictionary(environment.map { ($0.name, $0.value) }) { $1 }
        let isRoot = geteuid() == 0
        let path: String
        do {
            path = try ConfigurationLocator.locate(explicit: configuration, environment: variables, isRoot: isRoot)
        } catch {
            throw AgentStartFailure("\(error)")
        }
        do {
            return try ConfigurationLoader.load(path: path, environment: variables, isRoot: isRoot)
        } catch {
            // As check-config does: each line begins with its place, for people and for editors.
            Self.say("\(error)\n")
            throw AgentStartFailure("\(error.verdict(on: path)); nothing was started")
        }
    }

    private static func complain(_ message: String) {
        Self.say("reeve: \(message)\n")
    }

    private static func say(_ text: String) {
        var text = text
        text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}

/// Why the agent does not start. Nothing was started.
struct AgentStartFailure: Error {
    let message: String

    init(_ message: String) {
        self.message = message
    }
}
