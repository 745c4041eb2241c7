import Glibc
import Supervision
import TestSupport
import Testing

extension PackagingTests {
    /// There is no container engine where these run, so the file is looked at, and the program is PID 1 of a namespace.
    @Suite struct ContainerTests {
        /// Instructions with their arguments, continued lines joined.
        private static func instructions() throws -> [(name: String, arguments: String)] {
            let text = try Sources.text("Packaging/container/Containerfile").replacing("\\\n", with: " ")
            return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
                let words = line.split(separator: " ", maxSplits: 1)
                return (String(words[0]), words.count > 1 ? String(words[1]) : "")
            }
        }

        @Test func whatItCopiesIsThere() throws {
            let copies = try Self.instructions().filter { $0.name == "COPY" && !$0.arguments.hasPrefix("--from") }
            let names = copies.flatMap { $0.arguments.split(separator: " ").dropLast() }
            #expect(names.contains("Sources"))
            for name in names {
                #expect(access(Sources.path(String(name)), R_OK) == 0, "COPY \(name)")
            }
        }

        @Test func itRunsReeveWithoutAShell() throws {
            let instructions = try Self.instructions()
            #expect(instructions.last { $0.name == "ENTRYPOINT" }?.arguments == #"["/usr/bin/reeve"]"#)
            #expect(instructions.last { $0.name == "CMD" }?.arguments == #"["run"]"#)
            #expect(instructions.last { $0.name == "STOPSIGNAL" }?.arguments == "SIGTERM")
        }

        @Test func itInstallsTheLibrariesThatTheProgramNames() throws {
            let needed = try run(["/usr/bin/readelf", "--dynamic", "--wide", executable]).output
                .split(separator: "\n").filter { $0.contains("(NEEDED)") }
                .compactMap { $0.split(separator: "[").last?.dropLast() }
                // The Swift runtime is in the release, as scripts/build makes it.
                .filter { !$0.hasPrefix("libswift") && !$0.hasPrefix("libFoundation") && !$0.hasPrefix("libdispatch") }
            try #require(needed.contains("libmicrohttpd.so.12"))
            var packages: Set<String> = []
            for library in needed {
                // Where another build of curl is installed for development than the one that the image takes.
                let name = library.replacing("libcurl.so.4", with: "libcurl-gnutls.so.4")
                let owner = try run(["/usr/bin/dpkg-query", "--search", "*/\(name)"])
                let package = owner.output.prefix { $0 != ":" }
                try #require(!package.isEmpty, "\(name): \(owner.errors)")
                packages.insert(String(package))
            }
            let install = try #require(try Self.instructions().last { $0.arguments.contains("apt-get install") })
            let words = install.arguments.split(separator: " ").drop { $0 != "install" }.dropFirst()
            let installed = words.prefix { $0 != "&&" }.filter { !$0.hasPrefix("-") }.map(String.init)
            #expect(Set(installed) == packages)
            #expect(installed == installed.sorted())
        }

        @Test(.enabled(if: PrivateMachine.obstacle == nil, "\(PrivateMachine.obstacle ?? "")"))
        func asInitItReapsAndEndsAllAndExitsWithZero() throws {
            let machine = try PrivateMachine(["/usr/bin/reeve", "run"]) { _ in }
            _ = try machine.waitUntilReady()
            #expect(machine.supervised == machine.pid)

            // What loses its parent becomes a child of PID 1, which has never heard of it.
            try machine.expect("sleep 987654 >/dev/null 2>&1 &")
            var stranger: ProcessEntry?
            try machine.eventually("the stranger has a new parent") {
                stranger = ProcessEntry.alive(withParent: machine.pid).first { $0.arguments == ["sleep", "987654"] }
                return stranger != nil
            }
            let pid = try #require(stranger).pid
            sendSignal(SIGKILL, to: pid)
            try machine.eventually("its zombie is gone") { ProcessEntry(pid: pid) == nil }

            sendSignal(SIGTERM, to: machine.pid)
            // The status goes through unshare(1) and the script; that nothing is left the kernel sees to.
            #expect(try machine.waitForEnd().exitCode == 0)
            #expect(machine.log.contains("state=succeeded"))
        }

        @Test(.enabled(if: PrivateMachine.obstacle == nil, "\(PrivateMachine.obstacle ?? "")"))
        func aVitalWorkersStatusIsTheContainers() throws {
            let main = """
                [workers.main]
                command = ["/bin/sh", "-c", "until [ -e /tmp/go ]; do sleep 0.05; done; exit 7"]
                restart = "never"
                vital = true

                """
            let machine = try PrivateMachine(["/usr/bin/reeve", "run"]) { files in
                try files.write(PrivateMachine.configuration + main, to: "etc/reeve/reeve.toml")
            }
            try machine.eventually("it answers") { (try? machine.get("/v1/workers/main").status) == 200 }
            try machine.expect("touch /tmp/go")
            #expect(try machine.waitForEnd().exitCode == 7)
        }
    }
}
