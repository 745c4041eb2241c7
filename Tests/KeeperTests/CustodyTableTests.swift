import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import Keeper

@Suite(.serialized) struct CustodyTableTests {
    private func keep(_ number: UInt64, in table: CustodyTable, pidfd: Int32 = -1, pipes: [Int32] = []) -> Int? {
        let message = AgentMessage.announce(Samples.announcement(number))
        return message.withUnsafeBytes { bytes in
            let body = UnsafeRawBufferPointer(rebasing: bytes[HandoverProtocol.headerLength...])
            var reader = MessageReader(body)
            guard let outline = try? AnnouncementOutline(from: &reader) else { return nil }
            return table.insert(outline, body: body, pidfd: pidfd, pipes: pipes.span)
        }
    }

    private static func inode(of descriptor: Int32) -> ino_t? {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? status.st_ino : nil
    }

    private func key(_ number: UInt64) -> RunKey {
        RunKey(high: Samples.run.high, low: number)
    }

    @Test func whatWasKeptIsFoundAndGivenUp() throws {
        let table = CustodyTable()
        let (pipe, process) = try Pipe().split { ($0.take(), $1.take()) }
        let inode = Self.inode(of: pipe)
        let first = try #require(self.keep(1, in: table, pidfd: process, pipes: [pipe]))
        let second = try #require(self.keep(2, in: table))
        #expect(table.count == 2 && table.index(of: self.key(1)) == first && table.index(of: self.key(2)) == second)
        #expect(table.index(of: self.key(3)) == nil)
        #expect(table.keeps(pid: 4242) && !table.keeps(pid: 4243))
        #expect(Array(table.body(of: first)) == Array(AgentMessage.announce(Samples.announcement(1)).dropFirst(8)))
        table.remove(first)
        // Another suite may have got the numbers by now.
        #expect(inode != nil && Self.inode(of: process) != inode && Self.inode(of: pipe) != inode)
        #expect(table.count == 1 && table.index(of: self.key(1)) == nil && table.index(of: self.key(2)) == second)
        // The free place is taken first.
        #expect(self.keep(4, in: table) == first)
        table.remove(second)
        table.remove(first)
        #expect(table.count == 0 && table.end == 0 && !table.keeps(pid: 4242))
    }

    @Test func aFullTableRefusesAndGoesOn() throws {
        let table = CustodyTable()
        for number in 0..<UInt64(CustodyTable.capacity) {
            try #require(self.keep(number, in: table) != nil)
        }
        #expect(self.keep(99_999, in: table) == nil)
        table.remove(5)
        #expect(self.keep(99_999, in: table) == 5)
        #expect(table.index(of: self.key(UInt64(CustodyTable.capacity) - 1)) == CustodyTable.capacity - 1)
    }
}
