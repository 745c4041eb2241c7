import Glibc
import LinuxSystem
import Supervision
import TestSupport
import Testing

@testable import History

@Suite struct DamagedHistoryTests {
    private let directory: TemporaryDirectory

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    private let memory = InstanceMemory(
        id: InstanceID(worker: "web", index: 0),
        desired: .down,
        bootID: Samples.bootID,
        updatedAt: Samples.time(1)
    )

    private func fill(_ count: Int = 300) -> WriterHarness {
        let harness = WriterHarness(self.directory)
        harness.submit(
            (1...count).flatMap { [Samples.exitTransition($0), Samples.backoff(after: $0)] },
            memories: [self.memory]
        )
        return harness
    }

    private var setAside: [String] {
        self.directory.names.filter { $0.contains("set-aside") }
    }

    /// The history can be used: it takes an exit, gives it a number above all others, and shows it.
    private func expectUsable(_ harness: WriterHarness, above last: Int64) throws {
        harness.submit([Samples.exitTransition(9_999)])
        let seq = try #require(harness.publishedExits.last).seq
        #expect(seq > last)
        #expect(harness.writer.status.degraded == nil)
        #expect(try harness.page(ExitQuery(limit: 1)).records.map(\.seq) == [seq])
    }

    @Test(arguments: [
        "this is no database, but a text that somebody wrote here", "SQLite format 3\0 and then something else",
    ]) func anotherFileIsSetAsideAsItIs(_ text: String) throws {
        self.fill().close()
        try self.directory.write(text, to: "history.db")
        let harness = WriterHarness(self.directory)
        guard case .setAside(let setAside)? = harness.notices.first else {
            Issue.record("nothing was set aside: \(harness.notices)")
            return
        }
        #expect(contents(ofFile: setAside.path) == Array(text.utf8))
        #expect(setAside.message.contains(setAside.path) && harness.writer.status.setAside == [setAside])
        try self.expectUsable(harness, above: 300)
    }

    @Test func aDatabaseOfAnotherProgramIsSetAside() throws {
        let other = try Connection(path: self.directory.file("history.db"), access: .readWrite, busyTimeout: .zero)
        try other.execute("CREATE TABLE exits (something TEXT)")
        let harness = WriterHarness(self.directory)
        #expect(harness.notices.first?.message.contains("another program's database") == true)
        try self.expectUsable(harness, above: 0)
    }

    @Test func aNewerSchemaIsSetAsideAndWhatIsWantedIsTakenOver() throws {
        let first = self.fill()
        try first.store().connection.run("INSERT INTO migrations VALUES ('9999-future', '2030-01-01T00:00:00.000Z')")
        first.close()
        let harness = WriterHarness(self.directory)
        #expect(harness.notices.first?.message.contains("newer version") == true)
        #expect(harness.notices.first?.message.contains("9999-future") == true)
        #expect(harness.recovery.memories == [self.memory])
        #expect(harness.recovery.lastExitSeq == 300)
        try self.expectUsable(harness, above: 300)
        // What was taken over is in the new file.
        harness.close()
        #expect(WriterHarness(self.directory).recovery.memories == [self.memory])
    }

    @Test func aDirectoryInItsPlaceIsSetAside() throws {
        try #require(mkdir(self.directory.file("history.db"), 0o700) == 0)
        let harness = WriterHarness(self.directory)
        #expect(harness.notices.first?.message.contains("no regular file") == true)
        try self.expectUsable(harness, above: 0)
    }

    @Test func aLogWithoutItsDatabaseIsSetAside() throws {
        let first = self.fill()
        #expect(self.directory.size("history.db-wal") > 0)
        let log = try #require(contents(ofFile: self.directory.file("history.db-wal")))
        first.close()
        try self.directory.put([], in: "history.db")
        try self.directory.put(log, in: "history.db-wal")
        let harness = WriterHarness(self.directory)
        #expect(self.setAside.count == 2, "\(self.directory.names)")
        try self.expectUsable(harness, above: 300)
    }

    @Test func aRemovedDatabaseLosesNoNumbers() throws {
        self.fill().close()
        unlink(self.directory.file("history.db"))
        let harness = WriterHarness(self.directory)
        #expect(harness.recovery.lastExitSeq == 300)
        try self.expectUsable(harness, above: 300)
    }

    @Test func aDatabaseThatIsRemovedWhileItIsInUseIsBegunAnew() throws {
        let harness = self.fill()
        for name in ["history.db", "history.db-wal", "history.db-shm"] {
            unlink(self.directory.file(name))
        }
        harness.submit([Samples.exitTransition(301)])
        #expect(harness.notices == [.fileMoved(path: self.directory.file("history.db"))])
        #expect(harness.publishedExits.last?.seq == 301)
        harness.close()
        let next = WriterHarness(self.directory)
        #expect(next.recovery.memories == [self.memory] && next.recovery.lastExitSeq == 301)
    }

    @Test func damageThatShowsLaterLosesNothingThatIsInMemory() throws {
        let harness = self.fill()
        // Every page but the first becomes noise, under the eyes of the connection.
        try harness.store().connection.checkpoint()
        try harness.store().connection.execute("PRAGMA shrink_memory")
        let path = self.directory.file("history.db")
        let size = Int(self.directory.size("history.db"))
        let number = open(path, O_WRONLY | O_CLOEXEC)
        try #require(number >= 0)
        let noise = [UInt8](repeating: 0xa5, count: size - 4096)
        try #require(pwrite(number, noise, noise.count, 4096) == noise.count)
        close(number)
        harness.submit([Samples.exitTransition(301), Samples.backoff(after: 301)])
        #expect(harness.notices.count == 1)
        guard case .setAside? = harness.notices.first else {
            Issue.record("nothing was set aside: \(harness.notices)")
            return
        }
        #expect(harness.publishedExits.last?.seq == 301 && harness.publishedExits.last?.isDurable == true)
        #expect(try harness.page(ExitQuery()).records.map(\.seq) == [301])
        harness.close()
        let next = WriterHarness(self.directory)
        #expect(next.recovery.memories == [self.memory] && next.recovery.lastExitSeq == 301)
    }

    @Test func numbersThatCannotBeReadAreReasonEnough() throws {
        self.fill().close()
        var bytes = try #require(contents(ofFile: self.directory.file("history.db")))
        let text = Array("sqlite_sequence(name,seq".utf8)
        let start = try #require(bytes.indices.first { bytes[$0...].starts(with: text) })
        bytes[start + text.count - 1] = UInt8(ascii: "p")
        try self.directory.put(bytes, in: "history.db")
        let harness = WriterHarness(self.directory)
        #expect(harness.writer.status.degraded == nil)
        #expect(harness.writer.status.setAside.count == 1)
        harness.submit([Samples.exitTransition(301)])
        #expect(harness.publishedExits.last?.seq == 301, "numbers never go back")
        harness.close()
    }

    /// The two bytes of the header that name the format for writers and for readers: SQLite opens a file of a later one for reading
    /// only, as if the disk did not allow more.
    @Test(arguments: [18, 19]) func aFormatThatDoesNotExistIsDamage(place: Int) throws {
        self.fill().close()
        var bytes = try #require(contents(ofFile: self.directory.file("history.db")))
        bytes[place] = 3
        try self.directory.put(bytes, in: "history.db")
        let harness = WriterHarness(self.directory)
        #expect(harness.writer.status.degraded == nil)
        #expect(harness.writer.status.setAside.count == 1)
        harness.submit([Samples.exitTransition(301)])
        #expect(harness.publishedExits.last?.seq == 301)
        harness.close()
    }

    /// SQLite takes an entry that names a page beyond the last one for a full disk. A limit of pages does so here.
    @Test(arguments: [false, true]) func aDiskThatIsCalledFullWithRoomOnItIsLookedInto(isDamaged: Bool) throws {
        let harness = self.fill()
        let connection = try harness.store().connection
        try connection.checkpoint()
        let size = self.directory.size("history.db")
        if isDamaged {
            // Page 2 has five bytes for each page from the third on: what kind it is, and where it hangs.
            let number = open(self.directory.file("history.db"), O_WRONLY | O_CLOEXEC)
            #expect(pwrite(number, [7], 1, 4096 + 5 * 2) == 1)
            close(number)
            try connection.execute("PRAGMA shrink_memory")
        }
        try connection.execute("PRAGMA max_page_count = \(size / 4096)")
        harness.submit((301...800).map { Samples.exitTransition($0) })
        #expect(harness.writer.status.degraded?.contains("full") == true)
        harness.clock.advance(by: .seconds(1))
        harness.turn()
        #expect((harness.writer.status.degraded == nil) == isDamaged, "\(harness.notices)")
        #expect(harness.writer.status.setAside.count == (isDamaged ? 1 : 0))
        if !isDamaged {
            try connection.execute("PRAGMA max_page_count = 1000000")
            harness.clock.advance(by: .seconds(30))
            harness.turn()
        }
        #expect(harness.writer.status.degraded == nil)
        #expect(try harness.page(ExitQuery(limit: 500)).records.map(\.seq) == (301...800).reversed())
        harness.close()
    }

    /// With sound pages around them: nothing but the value is wrong.
    @Test(arguments: [
        "UPDATE sqlite_sequence SET seq = 9223372036854775807 WHERE name = 'exits'",
        "UPDATE sqlite_sequence SET seq = 9223372036854775000 WHERE name = 'transitions'",
        "INSERT INTO sqlite_sequence (name, seq) VALUES ('operations', 9223372036854775807)",
    ]) func numbersThatNobodyGaveAreDamage(sql: String) throws {
        let first = self.fill()
        try first.store().connection.execute(sql)
        first.close()
        let harness = WriterHarness(self.directory)
        #expect(harness.writer.status.setAside.count == 1)
        try self.expectUsable(harness, above: 300)
        #expect(harness.recovery.memories == [self.memory])
    }

    @Test func countsThatCannotBeAreTakenAsFarAsTheyCan() throws {
        let first = self.fill()
        try first.store().connection.execute(
            "UPDATE worker_state SET consecutive_failures = -123, starts_total = 9223372036854775807, restarts_total = -1"
        )
        first.close()
        let memory = try #require(WriterHarness(self.directory).recovery.memories.first)
        #expect(memory.consecutiveFailures == 0 && memory.restarts == 0 && memory.starts == Int(Int32.max))
    }

    @Test func rowsThatAreNoRecordsHideNoOthers() throws {
        let harness = self.fill()
        let connection = try harness.store().connection
        try connection.execute("UPDATE exits SET started_at = 'when?' WHERE seq BETWEEN 90 AND 110 OR seq = 300")
        try connection.execute("UPDATE transitions SET type = 'future' WHERE id BETWEEN 1 AND 50")
        try connection.execute("UPDATE exits SET seq = -9223372036854775808 WHERE seq = 1")
        try connection.execute("UPDATE transitions SET id = -9223372036854775808 WHERE id = 60")
        let sound = Array(2...89) + Array(111...299)
        for isAscending in [true, false] {
            var query = ExitQuery(limit: 5, isAscending: isAscending)
            query.after = isAscending ? 0 : nil
            var seen: [Int64] = []
            while true {
                let page = try harness.page(query)
                seen += page.records.map(\.seq)
                guard let next = page.next, !page.records.isEmpty else { break }
                if isAscending { query.after = next } else { query.before = next }
            }
            #expect(seen.sorted().filter { $0 > 0 } == sound.map(Int64.init), "\(seen)")
        }
        #expect(try harness.transitions(after: 0, limit: 10).map(\.id) == Array(51...59) + [61])
        #expect(try harness.transitions(after: 0, limit: 600).count == 549)
        harness.close()
        let next = WriterHarness(self.directory)
        #expect(next.recovery.newestExits.count == 277 && next.writer.status.oldestExit == 2)
    }

    @Test func severalThatAreSetAsideAtTheSameTimeHaveNamesOfTheirOwn() throws {
        for _ in 0..<3 {
            try self.directory.write("no database at all, only a text", to: "history.db")
            WriterHarness(self.directory).close()
        }
        #expect(self.setAside.count == 3)
        #expect(self.setAside.allSatisfy { $0.hasPrefix("history.set-aside-") && !$0.contains(":") })
    }

    /// The file as it is when the agent was killed, with a log, and as it is when it was closed.
    @Test(arguments: [false, true]) func damageInAThousandPlacesNeverKeepsTheHistoryFromComingUp(
        _ isClosed: Bool
    ) throws {
        let seed: UInt64 = .random(in: 0 ... .max)
        print("damage to a \(isClosed ? "closed" : "live") history, seed \(seed)")
        let first = self.fill(200)
        try first.store().connection.checkpoint()
        first.submit((201...230).map { Samples.exitTransition($0) })
        if isClosed {
            first.close()
        }
        let names = ["history.db", "history.db-wal", "history.seq"]
        let sound = names.map { contents(ofFile: self.directory.file($0)) ?? [] }
        var generator = SeededGenerator(state: seed)
        var usedAsItWas = 0
        for round in 0..<500 {
            let place = try TemporaryDirectory()
            for (name, bytes) in zip(names, sound) where !bytes.isEmpty {
                let isDamaged = name != "history.seq" || isClosed == false && round % 50 == 0
                try place.put(isDamaged ? Self.damage(bytes, &generator) : bytes, in: name)
            }
            let harness = WriterHarness(place)
            harness.submit([Samples.exitTransition(9_999)], memories: [self.memory])
            _ = try harness.page(ExitQuery(limit: 1000))
            _ = try harness.transitions(after: 0)
            let last = try #require(harness.publishedExits.last, "round \(round) of seed \(seed)")
            #expect(harness.writer.status.degraded == nil, "round \(round) of seed \(seed)")
            if round % 50 != 0 || isClosed {
                #expect(last.seq > 230, "round \(round) of seed \(seed)")
            }
            let isSetAside = place.names.contains { $0.contains("set-aside") }
            #expect(isSetAside == !harness.writer.status.setAside.isEmpty)
            usedAsItWas += isSetAside ? 0 : 1
            harness.close()
        }
        print("set aside \(500 - usedAsItWas) of 500")
    }

    /// Turns a few bits, writes noise over some bytes, or cuts the end off.
    private static func damage(_ bytes: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        switch Int.random(in: 0..<4, using: &generator) {
        case 0:
            bytes.removeLast(Int.random(in: 1...bytes.count, using: &generator))
        case 1:
            let start = Int.random(in: 0..<bytes.count, using: &generator)
            for index in start..<min(bytes.count, start + Int.random(in: 1...600, using: &generator)) {
                bytes[index] = UInt8.random(in: 0...255, using: &generator)
            }
        case 2:
            // The first page holds the schema, where a bit matters most.
            for _ in 0..<3 {
                bytes[Int.random(in: 0..<min(4096, bytes.count), using: &generator)] ^=
                    UInt8(1) << UInt8.random(in: 0..<8, using: &generator)
            }
        default:
            for _ in 0..<20 {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] ^=
                    UInt8(1) << UInt8.random(in: 0..<8, using: &generator)
            }
        }
        return bytes
    }
}
