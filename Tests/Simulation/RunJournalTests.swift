import Glibc
import Keeper
import LinuxSystem
import Supervision
import TestSupport
import Testing

@testable import Agent

/// What is written down of runs is there for the next agent, whenever this one ends.
@Suite struct RunJournalTests {
    private let directory: TemporaryDirectory

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    private func open(owner: String = "5661dfe6-798e-43be-8e8a-7e022f71bb5e 1795000000.5") throws -> RunJournal {
        try RunJournal(path: self.directory.file("runs"), owner: owner)
    }

    private func run(_ number: Int) -> (id: RunID, announcement: RunAnnouncement) {
        let key = RunKey(high: 0x0190_0000_0000_7000, low: UInt64(number))
        return (
            RunID(key),
            RunAnnouncement(run: key, worker: "web", instance: UInt32(number), startedAt: 7, details: [1, 2, 3])
        )
    }

    @Test func theNextAgentFindsWhatWasWritten() throws {
        let journal = try self.open()
        #expect(journal.inherited.isEmpty)
        for number in 1...3 {
            journal.write(self.run(number).announcement, of: self.run(number).id)
        }
        let identity = ProcessIdentity(pid: 4242, inode: 99, startTime: 0)
        journal.began(self.run(1).id, identity)
        journal.remove(self.run(2).id)
        let next = try self.open()
        let found = next.inherited.sorted { $0.announcement.instance < $1.announcement.instance }
        #expect(found.map(\.announcement) == [self.run(1).announcement, self.run(3).announcement])
        #expect(found.map(\.identity) == [identity, nil])
        #expect(found.map(\.pid) == [4242, 0])
    }

    /// What the process of a run writes by itself, before its parent knows of it.
    @Test func aPIDThatWasWrittenFirstIsKept() throws {
        let journal = try self.open()
        journal.write(self.run(1).announcement, of: self.run(1).id)
        let spawner = try Spawner()
        let record = try #require(journal.record(of: self.run(1).id))
        let spawned = Locked<Int32?>(nil)
        spawner.submit { lane in
            let request = SpawnRequest(executable: "/bin/true", arguments: ["true"], environment: [], record: record)
            guard let child = try? lane.spawn(request) else { return }
            while (try? child.pidfd.reap()) == false {
                usleep(1000)
            }
            child.pidfd.close()
            spawned.withLock { $0 = child.pid }
        }
        let pid = try eventuallySome("the child") { spawned.withLock { $0 } }
        #expect(try self.open().inherited.map(\.pid) == [pid])
    }

    @Test func theyStayUntilTheNextAgentHasAdoptedThem() throws {
        let journal = try self.open()
        for number in 1...3 {
            journal.write(self.run(number).announcement, of: self.run(number).id)
        }
        // One that dies in its begin.
        _ = try self.open()
        let next = try self.open()
        #expect(next.inherited.count == 3)
        next.write(self.run(2).announcement, of: self.run(2).id)
        next.keepOnly([self.run(2).id])
        #expect(try self.open().inherited.map(\.announcement) == [self.run(2).announcement])
    }

    @Test(arguments: ["another", "5661dfe6-798e-43be-8e8a-7e022f71bb5e 1795000000.50", "5661dfe6"])
    func anotherOwnerKnowsNothing(owner: String) throws {
        try self.open().write(self.run(1).announcement, of: self.run(1).id)
        #expect(try self.open(owner: owner).inherited.isEmpty)
        #expect(try self.open().inherited.isEmpty)
    }

    /// The file in memory outlives a state directory that is removed, and the next one may have its number.
    @Test func anotherStateDirectoryInTheSamePlaceIsAnotherOwner() throws {
        let path = self.directory.file("state")
        func make() throws -> String {
            #expect(mkdir(path, 0o700) == 0)
            return RunJournal.owner(stateDirectory: path, bootID: "boot")
        }
        let first = try make()
        guard FileBirth(path: path) != nil else {
            print("skipped: this file system does not know when a directory was made")
            return
        }
        #expect(RunJournal.owner(stateDirectory: path, bootID: "boot") == first)
        #expect(RunJournal.owner(stateDirectory: path, bootID: "other") != first)
        // The kernel's clock for files goes on by a tick, 10 ms at most where it is not held up.
        try eventually("another birth is another owner") {
            #expect(rmdir(path) == 0)
            usleep(20000)
            return try make() != first
        }
    }

    @Test func itGrowsAndUsesPlacesAgain() throws {
        let journal = try self.open()
        for number in 1...1000 {
            journal.write(self.run(number).announcement, of: self.run(number).id)
        }
        for number in 1...900 {
            journal.remove(self.run(number).id)
        }
        for number in 1001...1900 {
            journal.write(self.run(number).announcement, of: self.run(number).id)
        }
        #expect(journal.overlooked == 0)
        let next = try self.open()
        #expect(Set(next.inherited.map(\.announcement.instance)) == Set(901...1900))
        #expect(contents(ofFile: self.directory.file("runs"))?.count ?? 0 <= 1100 * RunJournal.slotSize)
    }

    @Test func whatIsDamagedIsLeftOut() throws {
        let journal = try self.open()
        for number in 1...3 {
            journal.write(self.run(number).announcement, of: self.run(number).id)
        }
        var bytes = try #require(contents(ofFile: self.directory.file("runs")))
        for offset in 0..<200 {
            bytes[RunJournal.headerSize + RunJournal.slotSize + 32 + offset] = 0xff
        }
        #expect(writeFile(bytes, self.directory.file("runs")))
        let found = try self.open().inherited
        #expect(found.map(\.announcement.instance) == [1, 3])
    }

    @Test func aLinkIsNotFollowed() throws {
        #expect(symlink("/etc/passwd", self.directory.file("runs")) == 0)
        #expect(throws: Errno(rawValue: ELOOP)) { try self.open() }
    }

    private func writeFile(_ bytes: [UInt8], _ path: String) -> Bool {
        let file = Glibc.open(path, O_WRONLY)
        defer { close(file) }
        return file >= 0 && Glibc.write(file, bytes, bytes.count) == bytes.count
    }
}
