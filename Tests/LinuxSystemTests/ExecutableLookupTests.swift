import Glibc
import Testing

@testable import LinuxSystem

@Suite struct ExecutableLookupTests {
    @Test func aNameWithASlashIsTakenAsItIs() throws {
        for name in ["/bin/sh", "./run", "bin/run", "/no/such"] {
            #expect(try ExecutableLookup.resolve(name, environment: [], directory: nil) == name)
        }
        #expect(throws: Errno.noEntry) { try ExecutableLookup.resolve("", environment: [], directory: nil) }
    }

    @Test func aBareNameIsLookedUpInThePathOfTheProcessToBe() throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        let first = try directory.directory("first")
        let second = try directory.directory("second")
        _ = try directory.file("first/tool", "", mode: 0o644)
        _ = try directory.directory("first/other")
        _ = try directory.file("second/tool", "")
        _ = try directory.file("second/other", "")
        _ = try directory.file("first/denied", "", mode: 0o600)
        let environment = ["A=b", "PATH=/no/such:\(first):\(second)", "PATH=/later"]
        // Skips what may not be executed, and directories.
        #expect(try ExecutableLookup.resolve("tool", environment: environment, directory: nil) == "\(second)/tool")
        #expect(try ExecutableLookup.resolve("other", environment: environment, directory: nil) == "\(second)/other")
        #expect(throws: Errno.accessDenied) {
            try ExecutableLookup.resolve("denied", environment: environment, directory: nil)
        }
        #expect(throws: Errno.noEntry) {
            try ExecutableLookup.resolve("missing", environment: environment, directory: nil)
        }
    }

    @Test func relativePartsOfPathCountFromTheDirectoryOfTheProcess() throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        _ = try directory.directory("bin")
        _ = try directory.file("bin/tool", "")
        _ = try directory.file("here", "")
        let path = directory.path
        #expect(try ExecutableLookup.resolve("tool", environment: ["PATH=bin"], directory: path) == "bin/tool")
        #expect(try ExecutableLookup.resolve("here", environment: ["PATH=/x::/y"], directory: path) == "./here")
    }

    @Test func withoutAPathTheSystemsPlacesAreSearched() throws {
        let found = try ExecutableLookup.resolve("sh", environment: [], directory: nil)
        #expect(["/bin/sh", "/usr/bin/sh"].contains(found))
    }

    @Test func theInterpreterIsReadFromTheFirstLineOnly() {
        func interpreter(_ text: String) -> String? { ExecutableLookup.interpreter(in: Array(text.utf8)) }
        #expect(interpreter("#!/bin/sh\necho") == "/bin/sh")
        #expect(interpreter("#! \t/usr/bin/env python3\n") == "/usr/bin/env")
        #expect(interpreter("#!/bin/sh") == "/bin/sh")
        #expect(interpreter("#!\n/bin/sh") == nil)
        #expect(interpreter("echo") == nil)
        #expect(interpreter("") == nil)
    }

    @Test func aMissingLoaderIsNamed() throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        #expect(ELFLoader.path(of: "/bin/sh")?.contains("ld") == true)
        #expect(ELFLoader.path(of: "/etc/passwd") == nil)
        // An ELF header with one program header, PT_INTERP, and its path behind.
        let loader = "/lib/ld-no-such.so.1"
        var bytes = [UInt8](repeating: 0, count: 120)
        bytes.replaceSubrange(0..<5, with: [0x7f, 0x45, 0x4c, 0x46, 2])
        bytes[32] = 64
        bytes[54] = 56
        bytes[56] = 1
        bytes[64] = 3
        bytes[72] = 120
        bytes[96] = UInt8(loader.utf8.count + 1)
        bytes += Array(loader.utf8) + [0]
        let path = try directory.file("foreign", "")
        let file = open(path, O_WRONLY | O_CLOEXEC)
        #expect(write(file, bytes, bytes.count) == bytes.count)
        close(file)
        #expect(
            ExecutableLookup.explainExecFailure(path, .noEntry)
                == "cannot execute \(path): its loader \(loader) does not exist (it was built for another system)"
        )
        // Cut off at any byte, it is not an error.
        for count in 0..<bytes.count {
            #expect(truncate(path, count) == 0)
            _ = ELFLoader.path(of: path)
            #expect(truncate(path, bytes.count) == 0)
            let again = open(path, O_WRONLY | O_CLOEXEC)
            _ = write(again, bytes, bytes.count)
            close(again)
        }
    }

    @Test func otherErrorsKeepThePlainWords() {
        #expect(
            ExecutableLookup.explainExecFailure("/bin/sh", Errno(rawValue: EIO))
                == "cannot execute /bin/sh: Input/output error"
        )
        #expect(
            ExecutableLookup.explainExecFailure("run", .noEntry, directory: "/no/such")
                == "cannot execute run: No such file or directory"
        )
    }
}
