import Glibc
import LinuxSystem
import Testing

/// What a child tells of itself between clone and exec.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct SpawnAnnouncementTests {
    let children: ChildProcesses
    private let ends: (near: Int32, far: Int32)

    init() throws {
        self.children = try ChildProcesses()
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
        self.ends = (ends[0], ends[1])
    }

    private func closeEnds() {
        close(self.ends.near)
        close(self.ends.far)
    }

    private func announcement(_ message: [UInt8], descriptors: [Int32] = []) -> SpawnAnnouncement {
        SpawnAnnouncement(socket: self.ends.far, message: message, pidOffset: 4, descriptors: descriptors)
    }

    /// One datagram with what came with it; `nil` when none waits.
    private func receive() -> (bytes: [UInt8], descriptors: [Int32])? {
        var bytes = [UInt8](repeating: 0, count: 4096)
        var control = [UInt64](repeating: 0, count: 32)
        let received = bytes.withUnsafeMutableBytes { bytes in
            control.withUnsafeMutableBytes { control in
                var part = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
                return withUnsafeMutablePointer(to: &part) { part in
                    var header = msghdr()
                    header.msg_iov = part
                    header.msg_iovlen = 1
                    header.msg_control = control.baseAddress
                    header.msg_controllen = control.count
                    let count = recvmsg(self.ends.near, &header, Int32(MSG_DONTWAIT))
                    return (count, header.msg_controllen)
                }
            }
        }
        guard received.0 >= 0 else { return nil }
        // One header of 16 bytes, then the numbers.
        let descriptors = control.withUnsafeBytes { bytes -> [Int32] in
            guard received.1 > 16 else { return [] }
            let length = bytes.load(as: Int.self)
            return stride(from: 16, to: length, by: 4).map { bytes.load(fromByteOffset: $0, as: Int32.self) }
        }
        return (Array(bytes[..<received.0]), descriptors)
    }

    @Test func theChildSendsItsPidfdThenTheOthersAndItsPid() throws {
        defer { self.closeEnds() }
        let file = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        var request = ChildProcesses.shell("exit 7")
        request.announcement = self.announcement([1, 2, 3, 4, 0, 0, 0, 0, 9], descriptors: [file])
        let spawned = try self.children.spawn(request)
        #expect(spawned.announcementError == nil)
        let told = try #require(self.receive())
        let pid = UInt32(bitPattern: spawned.pid)
        #expect(told.bytes == [1, 2, 3, 4] + (0..<4).map { UInt8(truncatingIfNeeded: pid >> (8 * $0)) } + [9])
        try #require(told.descriptors.count == 2)
        let announced = PIDFD(owning: told.descriptors[0])
        try ChildProcesses.waitForEnd(of: announced)
        #expect(try announced.peek()?.pid == spawned.pid)
        announced.close()
        var statuses = (stat(), stat())
        #expect(fstat(told.descriptors[1], &statuses.0) == 0 && fstat(file, &statuses.1) == 0)
        #expect(statuses.0.st_rdev == statuses.1.st_rdev && statuses.0.st_ino == statuses.1.st_ino)
        close(told.descriptors[1])
        #expect(try ChildProcesses.end(of: spawned).waitStatus == 7 << 8)
        #expect(self.receive() == nil)
    }

    @Test func aChildThatCannotBeExecutedHasAnnouncedItself() throws {
        defer { self.closeEnds() }
        var request = ChildProcesses.shell("exit 0")
        request.executable = "/nowhere"
        request.announcement = self.announcement([UInt8](repeating: 0, count: 8))
        #expect(throws: SpawnFailure.self) { _ = try self.children.spawn(request) }
        let told = try #require(self.receive())
        #expect(told.descriptors.count == 1)
        for descriptor in told.descriptors {
            close(descriptor)
        }
    }

    @Test func aFullSocketIsToldAndDelaysNothing() throws {
        defer { self.closeEnds() }
        let filler = [UInt8](repeating: 0, count: 4096)
        while send(self.ends.far, filler, filler.count, Int32(MSG_DONTWAIT)) > 0 {}
        var request = ChildProcesses.shell("exit 3")
        request.announcement = self.announcement([UInt8](repeating: 0, count: 8))
        let spawned = try self.children.spawn(request)
        #expect(spawned.announcementError == .wouldBlock)
        #expect(try ChildProcesses.end(of: spawned).waitStatus == 3 << 8)
    }

    @Test func aSocketWithoutReaderIsToldAndEndsNobody() throws {
        close(self.ends.near)
        defer { close(self.ends.far) }
        // A child of another test has it too until its exec.
        #expect(
            eventually {
                var far = pollfd(fd: self.ends.far, events: 0, revents: 0)
                return poll(&far, 1, 0) == 1 && Int32(far.revents) & Int32(POLLHUP) != 0
            }
        )
        var request = ChildProcesses.shell("exit 4")
        request.announcement = self.announcement([UInt8](repeating: 0, count: 8))
        let spawned = try self.children.spawn(request)
        #expect(spawned.announcementError?.rawValue == EPIPE)
        #expect(try ChildProcesses.end(of: spawned).waitStatus == 4 << 8)
    }
}
