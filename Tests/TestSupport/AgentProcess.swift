import ControlMessages
import Glibc
import LinuxSystem

/// The built agent and its keeper, running on a configuration of the test's in a temporary directory, with a socket and state
/// of their own.
///
/// The workers' directory is that temporary directory, which is how all that they start is found again.
public final class AgentProcess {
    public let directory: TemporaryDirectory
    public let stateDirectory: String
    /// The keeper.
    public private(set) var program: ChildProgram
    /// The file that it was started from.
    public let executable: String
    /// Kept bound for the workers as long as the agent lives.
    private let ports: [ReservedPort]

    public static let configurationName = "reeve.toml"

    /// Starts the agent and waits until it answers for its workers.
    /// - Parameters:
    ///   - workers: the `[workers.*]` tables.
    ///   - defaults: lines of `[defaults]`, beside `directory`.
    ///   - control: lines of `[control]`, beside `socket`.
    ///   - agent: lines of `[agent]`, beside the directories.
    ///   - logs: the directory of the workers' output; one of its own in the temporary directory where it is `nil`.
    ///   - executable: the program's file; the built one where it is `nil`.
    ///   - state: the state directory; one of its own in the temporary directory where it is `nil`.
    public init(
        _ workers: String,
        defaults: String = "",
        control: String = "",
        agent: String = "",
        logs: String? = nil,
        state: String? = nil,
        in directory: TemporaryDirectory? = nil,
        executable: String? = nil,
        ports: [ReservedPort] = [],
        waits: Bool = true
    ) throws {
        self.directory = try directory ?? TemporaryDirectory()
        self.executable = executable ?? TestSupport.executable
        self.ports = ports
        let path = self.directory.path
        self.stateDirectory = state ?? "\(path)/state"
        let text = """
            [agent]
            state_dir = "\(self.stateDirectory)"
            log_dir = "\(logs ?? "\(path)/logs")"
            \(agent)
            [control]
            socket = "\(path)/control.sock"
            \(control)
            [defaults]
            directory = "\(path)"
            \(defaults)

            \(workers)
            """
        try self.directory.write(text, to: Self.configurationName)
        self.program = try Self.launch(self.executable, in: self.directory)
        if waits {
            try self.waitUntilItAnswers()
        }
    }

    /// Starts the agent on a configuration that the test has written into the directory.
    public init(configured directory: TemporaryDirectory, ports: [ReservedPort] = []) throws {
        self.directory = directory
        self.executable = TestSupport.executable
        self.stateDirectory = directory.file("state")
        self.ports = ports
        self.program = try Self.launch(self.executable, in: directory)
        try self.waitUntilItAnswers()
    }

    deinit {
        self.end()
    }

    /// Starts it once more on the same configuration, after it ended.
    public func startAgain() throws {
        self.program = try Self.launch(self.executable, in: self.directory)
        let orphans = self.orphans
        try self.eventually("no agent of a former keeper answers") {
            guard !orphans.isEmpty else { return true }
            return (try? self.pid()).map { !orphans.contains($0) } ?? false
        }
        try self.waitUntilItAnswers()
    }

    private static func launch(_ executable: String, in directory: TemporaryDirectory) throws(Errno) -> ChildProgram {
        try ChildProgram(
            [executable, "run", "--config", directory.file(Self.configurationName)],
            standardOutput: directory.file("agent.log"),
            standardError: directory.file("agent.log")
        )
    }

    private func waitUntilItAnswers() throws {
        try self.eventually("the agent answers") {
            if let status = self.program.ended {
                throw TimedOut("the agent ended with \(status) at its start\n\(self.log)")
            }
            let workers: WorkersMessage? = try? self.get("/v1/workers").decode()
            return workers?.workers.isEmpty == false
        }
    }

    /// The agent's own process, which the keeper guards.
    public func pid() throws -> Int32 {
        let agent: AgentMessage = try self.get("/v1/agent").decode()
        return agent.pid
    }

    /// Kills the agent as the kernel's OOM killer would, and waits until the next one answers. The workers live on.
    public func crash() throws {
        let pid = try self.pid()
        sendSignal(SIGKILL, to: pid)
        try self.eventually("another agent answers") {
            if let status = self.program.ended {
                throw TimedOut("the keeper ended with \(status)\n\(self.log)")
            }
            return (try? self.pid()).map { $0 != pid } ?? false
        }
    }

    /// Kills the keeper alone; `startAgain` starts another one. Answers the agent, which may go on.
    @discardableResult
    public func loseKeeper() throws -> Int32 {
        let pid = try self.pid()
        self.program.signal(SIGKILL)
        _ = try self.program.wait()
        self.orphans.append(pid)
        return pid
    }

    /// Kills keeper and agent; `startAgain` starts others. The workers live on.
    public func loseAll() throws {
        let agent = try self.pid()
        self.program.signal(SIGKILL)
        sendSignal(SIGKILL, to: agent)
        _ = try self.program.wait()
        try self.eventually("the agent is gone") { ProcessEntry(pid: agent)?.isAlive != true }
    }

    /// Agents that go on without their keeper.
    private var orphans: [Int32] = []

    /// The agents on this configuration, whoever is their keeper.
    private var agents: [ProcessEntry] {
        let configuration = self.directory.file(Self.configurationName)
        return ProcessEntry.alive().filter {
            $0.arguments.prefix(2) == ["reeve", "agent"] && $0.arguments.contains(configuration)
        }
    }

    // MARK: The end

    /// Ends the agent as init would, then with force, and whatever is left of its workers; returns what was left.
    @discardableResult
    public func end() -> [ProcessEntry] {
        self.program.signal(SIGTERM)
        if (try? self.program.wait(within: .seconds(15))) == nil {
            self.program.signal(SIGKILL)
            _ = try? self.program.wait()
        }
        // They would go on without a keeper.
        for agent in self.agents {
            sendSignal(SIGKILL, to: agent.pid)
        }
        self.orphans = []
        return self.killLeftovers()
    }

    /// Kills every process of the workers, for an agent that was itself killed; returns what there was.
    @discardableResult
    public func killLeftovers() -> [ProcessEntry] {
        let left = self.processes
        for process in left {
            sendSignal(SIGKILL, to: process.pid)
        }
        try? TestSupport.eventually("the leftovers are gone") { self.processes.isEmpty }
        return left
    }

    /// The workers' processes with all that they started.
    public var processes: [ProcessEntry] {
        ProcessEntry.alive(inDirectory: self.directory.path)
    }

    // MARK: Talking to it

    public var socketPath: String {
        self.directory.file("control.sock")
    }

    public var address: SocketAddress {
        .unix(path: self.socketPath)
    }

    /// What it wrote so far.
    public var log: String {
        self.directory.read("agent.log")
    }

    public func get(_ target: String, headers: [String: String] = [:]) throws -> HTTPAnswer {
        try request(self.address, "GET", target, headers: headers)
    }

    public func post(_ target: String, headers: [String: String] = [:], body: String? = nil) throws -> HTTPAnswer {
        try request(self.address, "POST", target, headers: headers, body: body)
    }

    /// Runs the command line on this agent's socket.
    public func reeve(_ arguments: String...) throws -> ProgramResult {
        try TestSupport.run(
            [TestSupport.executable] + arguments + ["--socket", self.socketPath],
            directory: self.directory.path
        )
    }

    /// As the function of that name; a failure shows the end of the agent's log.
    public func eventually(_ what: String, within limit: Duration = patience, _ condition: () throws -> Bool) throws {
        do {
            try TestSupport.eventually(what, within: limit, condition)
        } catch let error as TimedOut {
            throw TimedOut("\(error)\nthe agent's log:\n\(self.log.suffix(4000))")
        }
    }
}

/// The built program: beside the test bundle, or the one that `REEVE` names.
public let executable: String = {
    if let named = getenv("REEVE") { return String(cString: named) }
    let bundle = target(ofLink: "/proc/self/exe") ?? ""
    return bundle[..<(bundle.lastIndex(of: "/") ?? bundle.startIndex)] + "/reeve"
}()
