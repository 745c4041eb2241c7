import ControlMessages
import Glibc
import LinuxSystem
import Supervision
import TestSupport

/// Processes with numbers of their own (pid_namespaces(7)), below a first process that the test names. They end with this object.
final class ProcessNamespace {
    let directory: TemporaryDirectory
    private let program: ChildProgram
    /// Its first process, as the host numbers it; the one that made it where it had ended before anybody looked.
    let first: Int32

    /// Why there can be none here; `nil` where there can.
    static let obstacle: String? = {
        let command = ProcessNamespace.unshare + ["/bin/true"]
        guard let result = try? TestSupport.run(command) else { return "there is no unshare(1)" }
        return result.code == 0 ? nil : result.errors
    }()

    private static let unshare = ["/usr/bin/unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]

    /// - Parameters:
    ///   - workers: the `[workers.*]` tables.
    ///   - command: the first process; `$0` in it is the program, and `$1` the configuration.
    init(_ workers: String, first command: String = #"exec "$0" run --config "$1""#) throws {
        self.directory = try TemporaryDirectory()
        let path = self.directory.path
        let configuration = try self.directory.write(
            """
            [agent]
            state_dir = "\(path)/state"
            log_dir = "\(path)/logs"
            [control]
            socket = "\(path)/control.sock"
            [defaults]
            directory = "\(path)"

            \(workers)
            """,
            to: AgentProcess.configurationName
        )
        let program = try ChildProgram(
            Self.unshare + ["/bin/sh", "-c", command, executable, configuration],
            standardOutput: self.directory.file("agent.log"),
            standardError: self.directory.file("agent.log")
        )
        self.program = program
        self.first = try TestSupport.eventuallySome("the first process") {
            ProcessEntry.alive(withParent: program.pid).first?.pid ?? (program.ended == nil ? nil : program.pid)
        }
    }

    deinit {
        if self.program.ended == nil {
            sendSignal(SIGKILL, to: self.first)
        }
        _ = try? self.program.wait()
    }

    /// Waits for the end of the first process, and answers its exit code.
    func waitForEnd() throws -> Int32? {
        try self.program.wait().exitCode
    }

    var log: String {
        self.directory.read("agent.log")
    }

    func get(_ target: String) throws -> HTTPAnswer {
        try request(.unix(path: self.directory.file("control.sock")), "GET", target)
    }

    func post(_ target: String) throws -> HTTPAnswer {
        try request(.unix(path: self.directory.file("control.sock")), "POST", target)
    }

    func agent() throws -> AgentMessage {
        try self.get("/v1/agent").decode()
    }

    func worker(_ name: String) throws -> WorkerMessage {
        try self.get("/v1/workers/\(name)").decode()
    }

    func exits(of name: String) throws -> [ExitMessage] {
        try self.get("/v1/workers/\(name)/exits?limit=1000&order=asc").decode(ExitsMessage.self).exits
    }

    /// Waits until instance 0 runs, in another run than `old`, and returns its pid as it is numbered inside.
    func waitForPID(of name: String, otherThan old: Int32? = nil) throws -> Int32 {
        try self.eventuallySome("\(name) runs") {
            guard let instance = try? self.worker(name).instances.first, instance.state == "running" else { return nil }
            return instance.pid != old ? instance.pid : nil
        }
    }

    func eventuallySome<Value>(_ what: String, _ find: () throws -> Value?) throws -> Value {
        do {
            return try TestSupport.eventuallySome(what, find)
        } catch let error as TimedOut {
            throw TimedOut("\(error)\nthe log:\n\(self.log.suffix(4000))")
        }
    }

    func eventually(_ what: String, _ condition: () throws -> Bool) throws {
        _ = try self.eventuallySome(what) { try condition() ? true : nil }
    }

    /// Runs a script among these processes, and returns what it printed.
    @discardableResult
    func run(_ script: String) throws -> String {
        let result = try TestSupport.run([
            "/usr/bin/nsenter", "--target=\(self.first)", "--pid", "--mount", "/bin/sh", "-c", script,
        ])
        guard result.code == 0 else { throw UnexpectedAnswer("\(script): \(result.status) \(result.errors)") }
        return result.output
    }

    /// Starts another keeper, as an init would.
    func startAgain() throws {
        let configuration = self.directory.file(AgentProcess.configurationName)
        let log = self.directory.file("agent.log")
        try self.run("setsid \(executable) run --config \(configuration) >>\(log) 2>&1 </dev/null &")
    }

    /// Starts a process of nobody's that gets this number, with a session and a group of it. Somebody else may be quicker, so
    /// it tries until it has it.
    func startBystander(numbered pid: Int32) throws -> ProcessEntry {
        let name = "bystander-\(pid)"
        try self.eventually("number \(pid) is had") {
            let started = try self.run(
                """
                if [ -e /proc/\(pid) ]; then exit; fi
                echo \(pid - 1) >/proc/sys/kernel/ns_last_pid
                setsid bash -c 'exec -a "$0" sleep 1000' \(name) >/dev/null 2>&1 &
                if [ $! != \(pid) ]; then kill -KILL $!; fi
                echo $!
                """
            )
            return Int32(started.filter(\.isNumber)) == pid
        }
        return try self.eventuallySome("the bystander") {
            ProcessEntry.alive().first { $0.arguments == [name, "1000"] }
        }
    }
}
