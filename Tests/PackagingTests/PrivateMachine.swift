import ControlMessages
import Glibc
import LinuxSystem
import Supervision
import TestSupport

/// A machine of a test's own with `reeve` installed below /usr, booted into the init that is tried: scripts/private-machine
/// has what it is made of. Its processes end with this object.
final class PrivateMachine {
    /// What lies over the host's files in it.
    let files: TemporaryDirectory
    private let output: TemporaryDirectory
    private let program: ChildProgram
    /// Its PID 1, as the host numbers it.
    let pid: Int32

    /// Why there can be none here, `nil` where there can: not root, no namespaces, no control groups.
    static let obstacle: String? = {
        do {
            let files = try TemporaryDirectory()
            let result = try TestSupport.run([Sources.path("scripts/private-machine"), files.path, "--", "/bin/true"])
            guard result.code != 0 else { return nil }
            return result.errors.isEmpty ? "status \(result.status)" : result.errors
        } catch {
            return "\(error)"
        }
    }()

    /// The directory that the workers run in, by which all that they start is found again.
    static let workDirectory = "/tmp"

    static let configuration = """
        [defaults]
        directory = "\(workDirectory)"
        [workers.plain]
        command = ["/bin/sleep", "1000"]
        [workers.graceful]
        command = ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"]
        [workers.scattered]
        command = ["/bin/sh", "-c", "sleep 1000 & setsid sleep 1000 & exec setsid -w sleep 1000"]
        instances = 2

        """

    /// - Parameters:
    ///   - prepare: puts the files of the init into the machine's, where `usr` lies over the host's and `etc` is all there is.
    ///   - command: PID 1.
    init(_ command: [String], prepare: (TemporaryDirectory) throws -> Void) throws {
        self.files = try TemporaryDirectory()
        self.output = try TemporaryDirectory()
        try Sources.install(into: self.files.path)
        try shell("mkdir -p etc/reeve", in: self.files.path)
        try self.files.write(Self.configuration, to: "etc/reeve/reeve.toml")
        try prepare(self.files)
        var binds: [String] = []
        if let runtime = Self.swiftRuntime {
            binds = ["--bind", runtime]
        }
        let program = try ChildProgram(
            [Sources.path("scripts/private-machine"), self.files.path] + binds + ["--"] + command,
            standardOutput: self.output.file("log"),
            standardError: self.output.file("log")
        )
        self.program = program
        do {
            self.pid = try eventuallySome("a machine that boots \(command)") { Self.initProcess(below: program.pid) }
        } catch {
            // What is there of it, the innermost first; the script takes the control group away then.
            for process in Self.descendants(of: program.pid).reversed() {
                sendSignal(SIGKILL, to: process)
            }
            _ = try? program.wait()
            throw error
        }
    }

    /// Each one's first child, from the outermost on.
    private static func descendants(of script: Int32) -> [Int32] {
        var found: [Int32] = []
        while let child = ProcessEntry.alive(withParent: found.last ?? script).first {
            found.append(child.pid)
        }
        return found
    }

    deinit {
        // Its end is the end of all processes in it, and of the script, which takes the control group away.
        if self.program.ended == nil {
            sendSignal(SIGKILL, to: self.pid)
        }
        _ = try? self.program.wait()
    }

    /// Below the script are its subshell, which became timeout(1), and unshare(1), whose child is PID 1: first the script once
    /// more, which is something else when the machine is ready.
    private static func initProcess(below script: Int32) -> Int32? {
        let below = Self.descendants(of: script)
        guard below.count >= 3 else { return nil }
        let process = below[2]
        guard self.namespace(of: process) != self.namespace(of: getpid()), let entry = ProcessEntry(pid: process),
            !entry.arguments.contains("--inside"), entry.command != "env"
        else { return nil }
        return process
    }

    private static func namespace(of pid: Int32) -> String? {
        target(ofLink: "/proc/\(pid)/ns/pid")
    }

    /// Where this process has the Swift runtime from, which a debug build of the program needs too.
    private static let swiftRuntime: String? = {
        let maps = String(decoding: contents(ofFile: "/proc/self/maps") ?? [], as: UTF8.self)
        let library = maps.split(separator: "\n").first { $0.hasSuffix("/libswiftCore.so") }
        guard let path = library?.firstIndex(of: "/").flatMap({ library?[$0...] }) else { return nil }
        return path.lastIndex(of: "/").map { String(path[..<$0]) }
    }()

    // MARK: Its processes

    /// All processes in it.
    var processes: [ProcessEntry] {
        let own = Self.namespace(of: self.pid)
        return ProcessEntry.alive().filter { Self.namespace(of: $0.pid) == own }
    }

    /// The workers' processes with all that they started.
    var workerProcesses: [ProcessEntry] {
        self.processes.filter { $0.directory == Self.workDirectory }
    }

    /// What the init supervises: the keeper, which is the one that `reeve` did not start itself.
    var supervised: Int32? {
        let found = self.processes.filter { $0.arguments.starts(with: ["/usr/bin/reeve", "run"]) }
        return found.first { process in !found.contains { $0.pid == process.parent } }?.pid
    }

    /// Waits for the end of PID 1; the status is the one that the script ended with.
    func waitForEnd() throws -> WaitStatus {
        try self.program.wait()
    }

    /// Runs a command in it.
    func run(_ command: String..., within limit: Duration = patience) throws -> ProgramResult {
        try TestSupport.run(
            ["/usr/bin/nsenter", "--target", "\(self.pid)", "--all", "--wdns=/", "--"] + command,
            within: limit
        )
    }

    /// Runs a command in it that must succeed; returns what it said.
    @discardableResult
    func expect(_ command: String...) throws -> String {
        let line = command.joined(separator: " ")
        let result = try TestSupport.run(
            ["/usr/bin/nsenter", "--target", "\(self.pid)", "--all", "--wdns=/", "--", "/bin/sh", "-c", line]
        )
        guard result.code == 0 else {
            throw UnexpectedAnswer("\(line): \(result.status)\n\(result.output)\(result.errors)\(self.log)")
        }
        return result.output
    }

    /// What PID 1 and those without another place wrote.
    var log: String {
        self.output.read("log") + String(decoding: contents(ofFile: self.path("/dev/console")) ?? [], as: UTF8.self)
    }

    /// A file of it as the host sees it.
    func path(_ inside: String) -> String {
        "/proc/\(self.pid)/root\(inside)"
    }

    // MARK: The agent

    func get(_ target: String) throws -> HTTPAnswer {
        try request(.unix(path: self.path("/run/reeve/control.sock")), "GET", target)
    }

    func agent() throws -> AgentMessage {
        try self.get("/v1/agent").decode()
    }

    /// Waits until all workers are up under an agent that started later than the given one; answers who is there.
    func waitUntilReady(after generation: Int64 = 0) throws -> AgentMessage {
        var last: AgentMessage?
        try self.eventually("the workers are up, with a generation after \(generation)") {
            guard let agent = try? self.agent(), agent.generation > generation else { return false }
            last = agent
            return try self.get("/readyz").status == 200
        }
        guard let last else { throw TimedOut("no agent") }
        return last
    }

    /// The runs of all workers.
    func runs() throws -> Set<String> {
        let workers: WorkersMessage = try self.get("/v1/workers").decode()
        return Set(workers.workers.flatMap(\.instances).compactMap(\.runID))
    }

    /// As the function of that name; a failure shows what the machine wrote.
    func eventually(_ what: String, within limit: Duration = patience, _ condition: () throws -> Bool) throws {
        do {
            try TestSupport.eventually(what, within: limit, condition)
        } catch let error as TimedOut {
            throw TimedOut("\(error)\n\(self.log.suffix(4000))\n\(self.processes.map(\.arguments))")
        }
    }
}

/// Runs a line of shell on the host, in a directory, and expects it to succeed.
func shell(_ line: String, in directory: String) throws {
    let result = try run(["/bin/sh", "-euc", line], directory: directory)
    guard result.code == 0 else { throw UnexpectedAnswer("\(line): \(result.status) \(result.errors)") }
}
