import Glibc
public import LinuxSystem
public import Supervision

/// A program that the test started, in a session of its own, with its output in files.
///
/// It stays a child of the test until its status was taken, so its pid cannot come to mean another process.
public final class ChildProgram {
    public let pid: Int32
    private var status: WaitStatus?

    /// Starts `arguments[0]`, a path, with all signals at their default and nothing on standard input.
    /// - Parameter environment: beside PATH, HOME and nothing else of the test's own.
    public init(
        _ arguments: [String],
        environment: [String: String] = [:],
        standardOutput: String,
        standardError: String
    ) throws(Errno) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let writing = O_WRONLY | O_CREAT | O_APPEND
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, standardOutput, writing, 0o644)
        posix_spawn_file_actions_addopen(&actions, 2, standardError, writing, 0o644)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        // POSIX_SPAWN_SETSID of spawn.h, which Swift does not import.
        let inNewSession: Int16 = 0x80
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF) | inNewSession
        )

        var variables = ["PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
        variables["HOME"] = getenv("HOME").map { String(cString: $0) } ?? "/"
        variables.merge(environment) { $1 }
        let strings = arguments.map { strdup($0) } + [nil]
        let assignments = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for string in strings + assignments { free(string) } }
        var pid: Int32 = 0
        let error = posix_spawn(&pid, arguments[0], &actions, &attributes, strings, assignments)
        guard error == 0 else { throw Errno(rawValue: error) }
        self.pid = pid
    }

    deinit {
        guard self.status == nil else { return }
        kill(self.pid, SIGKILL)
        var status: Int32 = 0
        while waitpid(self.pid, &status, 0) == -1, errno == EINTR {}
    }

    /// The status, `nil` while it runs.
    public var ended: WaitStatus? {
        if self.status == nil {
            var status: Int32 = 0
            if waitpid(self.pid, &status, WNOHANG) == self.pid {
                self.status = WaitStatus(rawValue: status)
            }
        }
        return self.status
    }

    public func signal(_ number: Int32) {
        guard self.ended == nil else { return }
        kill(self.pid, number)
    }

    /// Waits for the end.
    public func wait(within limit: Duration = patience) throws -> WaitStatus {
        try eventuallySome("the end of process \(self.pid)", within: limit) { self.ended }
    }
}

/// What a program that ran to its end said.
public struct ProgramResult: Sendable {
    public let status: WaitStatus
    public let output: String
    public let errors: String

    /// The exit code, `nil` after a signal.
    public var code: Int32? {
        self.status.exitCode
    }
}

/// Runs a program to its end.
public func run(
    _ arguments: [String],
    environment: [String: String] = [:],
    directory: String? = nil,
    within limit: Duration = patience
) throws -> ProgramResult {
    let files = try TemporaryDirectory()
    let program = try ChildProgram(
        (directory.map { ["/usr/bin/env", "-C", $0] } ?? []) + arguments,
        environment: environment,
        standardOutput: files.file("output"),
        standardError: files.file("errors")
    )
    let status = try program.wait(within: limit)
    return ProgramResult(status: status, output: files.read("output"), errors: files.read("errors"))
}
