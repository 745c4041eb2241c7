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
            let settings = try Self.settings(try Self.path(configuration))
            try Agent.makeDirectories(settings.agent)
            let file = settings.files.first ?? ""
            return KeeperMain.run(
                KeeperOptions(
                    stateDirectory: settings.agent.stateDirectory,
                    agentArguments: [
                        "reeve", Self.agentCommand, "--config", file, "--state", settings.agent.stateDirectory,
                    ]
                )
            )
        } catch {
            Self.complain(error.message)
            return 2
        }
    }

    /// The agent itself: supervises until it is told to end; answers the exit status. Call it on the main thread, before
    /// there is any other.
    ///
    /// - Parameter state: the state directory, where the configuration of the agent before is, should the present one have mistakes.
    public static func run(configuration: String?, state: String?) -> Int32 {
        do throws(AgentStartFailure) {
            let (settings, trouble) = try Self.lastingSettings(try Self.path(configuration), state)
            let agent = try Agent(settings: settings, trouble: trouble)
            // Its rooms have threads that run until the process ends, so it stays until then too.
            _ = Unmanaged.passRetained(agent)
            return try agent.run()
        } catch {
            Self.complain(error.message)
            return 2
        }
    }

    private static var variables: [String: String] {
        Dictionary(WorkerEnvironment.ofThisProcess().own.map { ($0.name, $0.value) }) { $1 }
    }

    private static func path(_ configuration: String?) throws(AgentStartFailure) -> String {
        do {
            return try ConfigurationLocator.locate(
                explicit: configuration,
                environment: Self.variables,
                isRoot: geteuid() == 0
            )
        } catch {
            throw AgentStartFailure("\(error)")
        }
    }

    private static func settings(
        _ path: String,
        system: SystemAccess = .linux
    ) throws(AgentStartFailure) -> Settings {
        do {
            return try ConfigurationLoader.load(
                path: path,
                environment: Self.variables,
                isRoot: geteuid() == 0,
                system: system
            )
        } catch {
            // As check-config does: each line begins with its place, for people and for editors.
            Self.say("\(error)\n")
            throw AgentStartFailure("\(error.verdict(on: path)); nothing was started")
        }
    }

    /// The settings of the files, or those with which the agent before has begun: the mistake that somebody is making just when an
    /// agent dies must not keep the next one from looking after the workers.
    ///
    /// - Returns: also a sentence, when they are not those of the files.
    private static func lastingSettings(
        _ path: String,
        _ state: String?
    ) throws(AgentStartFailure) -> (settings: Settings, trouble: String?) {
        do throws(AgentStartFailure) {
            let (settings, snapshot) = try ConfigurationSnapshot.taken { system throws(AgentStartFailure) in
                try Self.settings(path, system: system)
            }
            // Where it cannot be written, the one before is still better than none.
            try? StateDirectory(path: settings.agent.stateDirectory).replace(Self.snapshotName, by: snapshot.bytes)
            return (settings, nil)
        } catch {
            guard let state, case .success(let bytes) = SystemAccess.linux.read("\(state)/\(Self.snapshotName)"),
                let snapshot = ConfigurationSnapshot(bytes),
                let settings = try? Self.settings(path, system: snapshot.access())
            else { throw error }
            let trouble = "\(path) has mistakes: this agent goes on with the configuration of the one before"
            Self.complain("\(trouble); reeve check-config tells them")
            return (settings, trouble)
        }
    }

    /// In the state directory.
    private static let snapshotName = "configuration"

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
