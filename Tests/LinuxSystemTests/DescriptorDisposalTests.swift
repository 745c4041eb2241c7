import Glibc
import LinuxSystem
import TestSupport
import Testing

@Suite struct DescriptorDisposalTests {
    /// Whether the other end of a pipe is closed.
    static func isAlone(_ end: Int32) -> Bool {
        var entry = pollfd(fd: end, events: 0, revents: 0)
        return poll(&entry, 1, 0) == 1 && Int32(entry.revents) & Int32(POLLHUP) != 0
    }

    @Test func whatIsHandedInIsClosedSoon() throws {
        let disposal = DescriptorDisposal(name: "disposal", limit: 2)
        // More often than there may be threads at a time.
        for _ in 0..<100 {
            let (readEnd, writeEnd) = try Pipe().split { ($0.take(), $1.take()) }
            disposal.close(Descriptor(owning: writeEnd))
            try eventually("it is closed") { Self.isAlone(readEnd) }
            Descriptor(owning: readEnd).close()
        }
    }

    /// In a process in which nobody else starts children, which would have the descriptors too until their exec.
    @Test func whoWaitsFindsAllClosed() async {
        await #expect(processExitsWith: .success) {
            let disposal = DescriptorDisposal(name: "disposal", limit: 50)
            #expect(!disposal.finish())
            for _ in 0..<50 {
                var ends: [Int32] = []
                for _ in 0..<20 {
                    let (readEnd, writeEnd) = try Pipe().split { ($0.take(), $1.take()) }
                    disposal.close(Descriptor(owning: writeEnd))
                    ends.append(readEnd)
                }
                disposal.finish()
                for end in ends {
                    #expect(DescriptorDisposalTests.isAlone(end))
                    Descriptor(owning: end).close()
                }
            }
        }
    }
}
