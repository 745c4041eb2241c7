import Glibc
import Supervision
import Testing

@testable import Agent

@Suite
struct EnvironmentFileTests {
    private func parse(_ text: String) throws -> [String] {
        try EnvironmentFile.parse(text, path: "/etc/app.env").map { "\($0.name)=\($0.value)" }
    }

    @Test
    func linesAreNamesAndValues() throws {
        let text = "# a comment\n\nA=1\nexport B = two words \nC=\"x\\ny # z\" # why\nD='$HOME \\n'\r\nE=\n"
        #expect(throws: StartError.self) { try self.parse(text) }
        #expect(
            try self.parse(text.replacing("B = two", with: "B=two"))
                == ["A=1", "B=two words", "C=x\ny # z", "D=$HOME \\n", "E="]
        )
    }

    @Test(arguments: ["novalue", "1A=x", "A-B=x", "=x", "A=\"open", "A='x' y"])
    func aMistakeIsToldWithItsLine(_ line: String) {
        let error = #expect(throws: StartError.self) { try self.parse("OK=1\n\(line)\n") }
        #expect(error?.stage == "environment_file")
        #expect(error?.message.hasPrefix("/etc/app.env:2: ") == true)
    }

    @Test
    func onlyARegularFileIsRead() throws {
        let path = "/tmp/reeve-environment-\(getpid())"
        #expect(mkfifo(path, 0o600) == 0)
        defer { unlink(path) }
        let fifo = #expect(throws: StartError.self) { try EnvironmentFile.read(path) }
        #expect(fifo?.message == "cannot read the environment file \(path): it is no regular file")
        let missing = #expect(throws: StartError.self) { try EnvironmentFile.read("/nonexistent/env") }
        #expect(missing?.errnoName == "ENOENT")
    }
}
