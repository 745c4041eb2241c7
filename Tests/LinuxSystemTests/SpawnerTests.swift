import Glibc
import LinuxSystem
import Testing

@Suite(.serialized, .timeLimit(.minutes(10)))
struct SpawnerTests {
    let children: ChildProcesses

    init() throws {
        self.children = try ChildProcesses()
    }

    // MARK: What the child is given

    @Test func theChildHasThreeDescriptorsAndNoOther() throws {
        // One without close-on-exec, far up, that must not reach the child all the same.
        let leak = fcntl(2, F_DUPFD, 500)
        defer { close(leak) }
        let listed = try self.children.output(of: "exec ls /proc/self/fd").split(separator: "\n")
        // ls itself opens the directory, under the next free number.
        #expect(listed == ["0", "1", "2", "3"])
    }

    @Test func aStartLeavesDescriptorsToOthers() async {
        await #expect(processExitsWith: .success) {
            let children = try ChildProcesses()
            var limit = rlimit(rlim_cur: 400, rlim_max: 400)
            #expect(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
            while open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0 {}
            let first = 400 - Int32(SpawnLane.descriptorHeadroom)
            for number in first..<400 {
                close(number)
            }
            do throws(SpawnFailure) {
                _ = try children.spawn(script: "exit 0").pidfd.close()
                exit(1)
            } catch {
                guard error.errno == .tooManyOpenFiles, error.stage == .clone else { exit(2) }
            }
            guard waitpid(-1, nil, WNOHANG) == -1, errno == ECHILD else { exit(3) }
            // Some, because the test's own machinery opens a file now and then.
            for number in (first - 8)..<first {
                close(number)
            }
            _ = try ChildProcesses.end(of: try children.spawn(script: "exit 0"))
        }
    }

    // What a whole process has, in a process of its own.

    @Test func theChildHasNoSignalBlockedOrIgnored() async {
        await #expect(processExitsWith: .success) {
            signal(SIGPIPE, SIG_IGN)
            signal(SIGHUP, SIG_IGN)
            // Lanes look at that when they have nothing to do, so before these signals were ignored.
            let children = try ChildProcesses()
            let status = try children.output(of: "exec grep -E '^Sig(Blk|Ign|Pnd):' /proc/self/status")
            for line in status.split(separator: "\n") {
                #expect(line.hasSuffix("\t0000000000000000"), "\(line)")
            }
            #expect(status.split(separator: "\n").count == 3)
        }
    }

    @Test func theChildLeadsASessionAndHasTheUsualUmask() async {
        await #expect(processExitsWith: .success) {
            umask(0o077)
            let children = try ChildProcesses()
            let text = try children.output(of: "umask; cut -d' ' -f1,5,6 /proc/$$/stat")
            let lines = text.split(separator: "\n")
            #expect(lines.first == "0022")
            let numbers = try #require(lines.last).split(separator: " ")
            #expect(numbers.count == 3)
            #expect(Set(numbers).count == 1)
            #expect(umask(0o077) == 0o077)
        }
    }

    @Test func theChildHasTheEnvironmentArgumentsAndDirectoryOfTheRequest() throws {
        var request = SpawnRequest(
            executable: "/bin/sh",
            arguments: ["a name", "-c", "echo \"$0|$1|$2\"; env; pwd", "zero", "", "ünïcode"],
            environment: ["A=1", "B=two words", "EMPTY="],
            directory: "/usr"
        )
        let pipe = try Pipe()
        request.standardOutput = .descriptor(pipe.writeEnd.rawValue)
        let spawned = try self.children.spawn(request)
        let text = pipe.split { reader, writer in
            writer.close()
            let text = Self.readAll(reader.rawValue)
            reader.close()
            return text
        }
        let lines = text.split(separator: "\n").map(String.init)
        #expect(lines.first == "zero||ünïcode")
        #expect(lines.last == "/usr")
        #expect(Set(lines).isSuperset(of: ["A=1", "B=two words", "EMPTY="]))
        #expect(!lines.contains { $0.hasPrefix("HOME=") })
        #expect(try ChildProcesses.end(of: spawned).waitStatus == 0)
    }

    @Test func standardStreamsMayBeAnyOfThisProcessAlsoCrosswise() async {
        // In a process of its own, whose standard streams can be exchanged.
        await #expect(processExitsWith: .success) {
            let directory = try TemporaryDirectory()
            defer { directory.remove() }
            let paths = try ["zero", "one", "two"].map { try directory.file($0, "", mode: 0o600) }
            for (number, path) in paths.enumerated() {
                let file = open(path, O_RDWR)
                dup2(file, Int32(number))
                close(file)
            }
            let children = try ChildProcesses()
            var request = ChildProcesses.shell("echo stdin >&0; echo stdout >&1; echo stderr >&2")
            request.standardInput = .descriptor(1)
            request.standardOutput = .descriptor(2)
            request.standardError = .descriptor(0)
            _ = try ChildProcesses.end(of: children.spawn(request))
            let texts = paths.map { path in
                let file = open(path, O_RDONLY)
                defer { close(file) }
                return SpawnerTests.readAll(file)
            }
            #expect(texts == ["stderr\n", "stdin\n", "stdout\n"], "\(texts)")
        }
    }

    @Test func aLargeEnvironmentAndManyArgumentsArrive() throws {
        let value = String(repeating: "x", count: 100_000)
        var request = ChildProcesses.shell("test ${#BIG} = 100000 && test $# = 2000")
        request.environment = [ChildProcesses.path, "BIG=\(value)"]
        request.arguments += ["sh"] + (0..<2000).map { "argument \($0)" }
        #expect(try ChildProcesses.end(of: self.children.spawn(request)).waitStatus == 0)
    }

    // MARK: Failures

    private func failure(_ change: (inout SpawnRequest) throws -> Void) throws -> SpawnFailure {
        var request = ChildProcesses.shell("exit 0")
        try change(&request)
        do throws(SpawnFailure) {
            let spawned = try self.children.spawn(request)
            spawned.pidfd.close()
        } catch {
            return error
        }
        struct NoFailure: Error {}
        throw NoFailure()
    }

    @Test func whatCannotBeExecutedIsToldWithStageAndErrno() throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let cases: [(path: String, errno: Errno, message: String)] = [
            ("/no/such/program", .noEntry, "cannot execute /no/such/program: No such file or directory"),
            (
                try directory.file("plain", "#!/bin/sh\n", mode: 0o644), .accessDenied,
                "cannot execute \(directory.path)/plain: Permission denied (it has no execute permission; chmod +x)"
            ),
            (
                "/bin/sh/x", .notADirectory,
                "cannot execute /bin/sh/x: Not a directory (a part of the path before the last one is no directory)"
            ),
            (
                try directory.file("text", "echo hello\n"), .execFormat,
                "cannot execute \(directory.path)/text: Exec format error (it is no program for this machine; a script "
                    + "must begin with a line such as #!/bin/sh)"
            ),
            (
                try directory.file("empty", ""), .execFormat,
                "cannot execute \(directory.path)/empty: Exec format error (it is empty)"
            ),
            (
                try directory.file("script", "#! /no/such/interp -x\n"), .noEntry,
                "cannot execute \(directory.path)/script: its interpreter /no/such/interp does not exist"
            ),
            (
                try directory.file("dos", "#!/bin/sh\r\nexit 0\r\n"), .noEntry,
                "cannot execute \(directory.path)/dos: its interpreter /bin/sh does not exist with a carriage return at "
                    + "the end (the file has the line ends of DOS)"
            ),
            (
                directory.path, .accessDenied,
                "cannot execute \(directory.path): Permission denied (it is a directory)"
            ),
        ]
        for (path, errno, message) in cases {
            var failure = try self.failure { $0.executable = path }
            // A child of another test may have the file open for writing, as this one had, until its exec.
            _ = try eventually {
                guard failure.errno.rawValue == ETXTBSY else { return true }
                failure = try self.failure { $0.executable = path }
                return false
            }
            #expect(failure == SpawnFailure(stage: .exec, errno: errno, message: message))
        }
    }

    @Test func aMissingDirectoryIsToldAsSuch() throws {
        let failure = try self.failure { $0.directory = "/no/such/directory" }
        let message = "cannot change to the directory /no/such/directory: No such file or directory"
        #expect(failure == SpawnFailure(stage: .directory, errno: .noEntry, message: message))
        #expect(try self.failure { $0.directory = "/etc/passwd" }.errno == .notADirectory)
    }

    @Test func aStreamThatIsNotOpenIsToldAsSuch() throws {
        let failure = try self.failure { $0.standardOutput = .descriptor(9999) }
        #expect(failure.stage == .descriptors)
        #expect(failure.errno.name == "EBADF")
    }

    @Test func aNULByteIsRefusedInsteadOfCuttingTheArgument() throws {
        for field in 0..<4 {
            let failure = try self.failure {
                switch field {
                case 0: $0.arguments.append("a\0b")
                case 1: $0.environment.append("A=a\0b")
                case 2: $0.executable = "/bin/sh\0x"
                default: $0.directory = "/\0x"
                }
            }
            #expect(failure.stage == .arguments)
            #expect(failure.errno == .invalidArgument)
        }
    }

    @Test func tooManyArgumentsAreToldAsSuch() throws {
        let failure = try self.failure {
            $0.arguments += Array(repeating: String(repeating: "x", count: 100_000), count: 100)
        }
        #expect(failure.stage == .exec)
        #expect(failure.errno == .argumentListTooLong)
    }

    // MARK: Nothing is left behind

    @Test func aThousandSpawnsAndFailuresLeaveNoDescriptorAndNoZombie() async {
        await #expect(processExitsWith: .success) {
            let children = try ChildProcesses()
            var request = SpawnRequest(executable: "/bin/true", arguments: ["true"], environment: [])
            // Once before counting: what is made at the first time may stay.
            _ = try ChildProcesses.end(of: children.spawn(request))
            // A lane that is idle has let go of its last job, and that of its box.
            #expect(eventually { children.spawner.load.busy == 0 })
            let before = SpawnerTests.openDescriptors()
            for round in 0..<1000 {
                request.executable = round % 4 == 3 ? "/no/such" : "/bin/true"
                do throws(SpawnFailure) {
                    let spawned = try children.spawn(request)
                    guard (try? ChildProcesses.end(of: spawned).waitStatus) == 0 else { fatalError("true failed") }
                } catch {
                    #expect(error.errno == .noEntry && round % 4 == 3)
                }
            }
            #expect(eventually { children.spawner.load.busy == 0 })
            #expect(SpawnerTests.openDescriptors() == before)
            #expect(waitpid(-1, nil, WNOHANG) == -1 && errno == ECHILD)
        }
    }

    static func openDescriptors() -> Int {
        guard let directory = opendir("/proc/self/fd") else { return -1 }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil {
            count += 1
        }
        return count
    }

    static func readAll(_ number: Int32) -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while case let count = read(number, &chunk, chunk.count), count > 0 {
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
