import Glibc
import Testing

@testable import LinuxSystem

@Suite struct CounterFileTests {
    @Test func theCounterIsReadEachTime() throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        _ = try directory.file("counters", "oom_killer 1\noom 2\noom_kill 41\n")
        let file = try #require(CounterFile.open("\(directory.path)/counters", key: "oom_kill"))
        #expect(file.read() == 41)
        _ = try directory.file("counters", "oom_killer 1\noom 2\noom_kill 42\n")
        #expect(file.read() == 42)
        _ = try directory.file("counters", "oom_killer 1\n")
        #expect(file.read() == nil)
    }

    @Test(arguments: [0, 1, 8184, 8185, 8186, 8187, 8188, 8189, 8190, 8191, 8192, 20000])
    func itIsFoundWhereverThePiecesOfAFileEnd(length: Int) throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        // Lines of 7 bytes, of which the last is filled up.
        let filler = String(repeating: "line 1\n", count: length / 7) + String(repeating: "x", count: length % 7)
        _ = try directory.file("counters", filler + "\noom_kill 123456789\nend 1\n")
        #expect(CounterFile.open("\(directory.path)/counters", key: "oom_kill")?.read() == 123_456_789)
    }

    @Test(arguments: ["", "oom_kill 1", "oom_kill x\n", "oom_kill1\n", "x oom_kill 1\n", "oom_kill\n"])
    func whatIsNoCounterIsNotOpened(text: String) throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        _ = try directory.file("counters", text)
        #expect(CounterFile.open("\(directory.path)/counters", key: "oom_kill") == nil)
    }

    @Test func aLineLongerThanThePieceIsNoTrap() throws {
        let directory = try TemporaryDirectory()
        defer { directory.remove() }
        _ = try directory.file("counters", String(repeating: "x", count: 100_000) + "\noom_kill 1\n")
        #expect(CounterFile.open("\(directory.path)/counters", key: "oom_kill") == nil)
    }

    @Test func theKernelsOwnCounterIsFoundWhereThereIsOne() throws {
        let text = SmallFile.text("/proc/vmstat") ?? ""
        let count = CgroupMemory.value(of: "oom_kill", in: text)
        let file = CounterFile.outOfMemoryKills()
        #expect((file == nil) == (count == nil))
        if let count, let now = file?.read() {
            #expect(now >= count)
        }
    }
}
