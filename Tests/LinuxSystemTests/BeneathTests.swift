import Glibc
import Testing

@testable import LinuxSystem

@Suite struct BeneathTests {
    private let directory: TemporaryDirectory

    init() throws {
        self.directory = try TemporaryDirectory()
        #expect(mkdir("\(self.directory.path)/inside", 0o755) == 0)
        #expect(symlink("inside", "\(self.directory.path)/link") == 0)
        #expect(symlink("/dev/null", "\(self.directory.path)/inside/null") == 0)
    }

    /// With openat2, and as where it is missing.
    private func open(_ path: String, stepwise: Bool, _ flags: Int32) -> Errno? {
        let root = Glibc.open(self.directory.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(root) }
        do throws(Errno) {
            if stepwise {
                try Descriptor.openStepwise(path, beneath: root, flags, mode: 0o640).close()
            } else {
                try Descriptor.open(path, beneath: root, flags, mode: 0o640).close()
            }
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [false, true])
    func nothingButWhatIsBeneathIsOpened(stepwise: Bool) {
        #expect(self.open("inside/new", stepwise: stepwise, O_RDWR | O_CREAT) == nil)
        #expect(self.open("inside/new", stepwise: stepwise, O_RDONLY) == nil)
        #expect(self.open("inside", stepwise: stepwise, O_RDONLY | O_DIRECTORY) == nil)
        #expect(self.open("missing", stepwise: stepwise, O_RDONLY) == .noEntry)
        #expect(self.open("inside/null", stepwise: stepwise, O_RDWR)?.rawValue == ELOOP)
        for path in ["link/new", "link", "../etc/passwd", "/etc/passwd", "inside/../../etc/passwd"] {
            #expect(self.open(path, stepwise: stepwise, O_RDONLY | O_DIRECTORY) != nil, "\(path)")
            #expect(self.open(path, stepwise: stepwise, O_RDONLY) != nil, "\(path)")
        }
    }

    @Test func aPipesContentsAreSeenCopiedAndMoved() throws {
        let pipe = try Pipe()
        let other = try Pipe()
        let (readEnd, writeEnd) = pipe.split { ($0.take(), $1.take()) }
        let (otherRead, otherWrite) = other.split { ($0.take(), $1.take()) }
        defer { for number in [readEnd, otherRead, otherWrite] { close(number) } }
        PipeContents.makeNonBlocking(readEnd)
        PipeContents.setCapacity(of: readEnd, to: 1 << 17)
        #expect(PipeContents.capacity(of: readEnd) >= 4096)
        #expect(PipeContents.waiting(in: readEnd) == .nothing)
        #expect(write(writeEnd, "hello", 5) == 5)
        #expect(PipeContents.waiting(in: readEnd) == .bytes(5))
        #expect(try PipeContents.copy(from: readEnd, to: otherWrite, count: 3) == 3)
        #expect(PipeContents.waiting(in: otherRead) == .bytes(3))
        let file = Glibc.open("\(self.directory.path)/file", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(file) }
        #expect(try PipeContents.move(from: readEnd, to: file, at: 2, count: 4) == 4)
        close(writeEnd)
        #expect(PipeContents.waiting(in: readEnd) == .bytes(1))
        #expect(try PipeContents.move(from: readEnd, to: file, at: 6, count: 9) == 1)
        // A child of another test has the write end too until its exec.
        #expect(eventually { PipeContents.waiting(in: readEnd) == .ended })
        var bytes = [UInt8](repeating: 1, count: 16)
        #expect(pread(file, &bytes, 16, 0) == 7)
        #expect(Array(bytes[..<7]) == Array("\0\0hello".utf8))
    }

    @Test func membersOfASetAreToldTogether() throws {
        let set = try ReadinessSet()
        let pipes = try (0..<100).map { _ in try Pipe().split { ($0.take(), $1.take()) } }
        defer { for number in pipes.flatMap({ [$0.0, $0.1] }) { close(number) } }
        for (index, pipe) in pipes.enumerated() {
            try set.add(pipe.0, number: UInt64(index))
        }
        #expect(set.ready() == [])
        for (_, writeEnd) in pipes {
            #expect(write(writeEnd, "x", 1) == 1)
        }
        let seen = Set(set.ready() + set.ready())
        #expect(seen == Set(0..<100), "those that were not told have their turn")
        set.remove(pipes[0].0)
        #expect(Set(set.ready() + set.ready()) == Set(1..<100))
    }
}
