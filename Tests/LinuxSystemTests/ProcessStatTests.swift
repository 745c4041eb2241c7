import Testing

@testable import LinuxSystem

@Suite struct ProcessStatTests {
    private func parse(_ text: String) -> ProcessStat? {
        let bytes = Array(text.utf8)
        return ProcessStat(parsing: bytes.span)
    }

    @Test func theFieldsAreReadFromTheirPlaces() throws {
        let line = "4242 (nginx) S 10 11 12 34816 -1 4194560 5 6 7 8 9 10 11 12 20 0 3 0 987654321 1000 200 184 1 1 0"
        let stat = try #require(self.parse(line))
        #expect(stat.pid == 4242)
        #expect(stat.parent == 10)
        #expect(stat.group == 11)
        #expect(stat.session == 12)
        #expect(stat.state == UInt8(ascii: "S"))
        #expect(stat.threads == 3)
        #expect(stat.startTime == 987_654_321)
        #expect(!stat.hasEnded)
    }

    @Test(arguments: ["a b", "x) Z 1 1 (", "))", "(", ") R 0 0 0", "tab\tnew\nline", "", "ünïcode"])
    func aNameMayHoldAnything(name: String) throws {
        let stat = try #require(self.parse("7 (\(name)) S 1 2 3 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 55 0 0\n"))
        #expect(stat.pid == 7)
        #expect(stat.parent == 1)
        #expect(stat.startTime == 55)
    }

    @Test func aFirstThreadThatEndedBeforeTheOthersIsNoEndOfTheProcess() throws {
        func state(_ state: String, threads: Int) throws -> Bool {
            let line = "7 (x) \(state) 1 2 3 0 -1 0 0 0 0 0 0 0 0 0 20 0 \(threads) 0 55 0 0"
            return try #require(self.parse(line)).hasEnded
        }
        #expect(try state("Z", threads: 1))
        #expect(try !state("Z", threads: 2))
        #expect(try state("X", threads: 0))
        #expect(try !state("R", threads: 1))
    }

    @Test(arguments: ["", "7", "7 (x", "7 (x)", "7 (x) S", "7 (x) S 1 2", "x (y) S 1 2 3", "7 (x) S a b c"])
    func whatIsNoSuchLineIsRefused(text: String) {
        #expect(self.parse(text) == nil)
    }
}
