import TestSupport
import Testing

@testable import Agent

@Suite struct StateDirectoryTests {
    private func generation(after text: String?) throws -> Int64 {
        let directory = try TemporaryDirectory()
        if let text {
            try directory.write(text, to: "generation")
        }
        let state = StateDirectory(path: directory.path)
        let generation = try state.nextGeneration()
        #expect(try state.nextGeneration() == generation + 1)
        return generation
    }

    @Test func startsAreCounted() throws {
        #expect(try self.generation(after: nil) == 1)
        #expect(try self.generation(after: "41\n") == 42)
    }

    @Test(arguments: ["", "x", "-7\n", "9223372036854775807\n", "99999999999999999999\n", "2147483648\n"])
    func whatIsNoCountIsNone(text: String) throws {
        #expect(try self.generation(after: text) == 1)
    }
}
