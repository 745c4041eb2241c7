internal import CLinux
internal import Glibc

/// A pipe that outlives whoever moves bytes through it, with a note beside it that tells whose they are: somebody holds
/// both for the one who comes next, should the present one die with bytes in it. Its descriptors are close-on-exec, nothing
/// waits for them, and they are closed with the last reference.
public final class TransitPipe: Sendable {
    /// How many descriptors it has.
    public static let descriptorCount = 3
    /// Of a note, in bytes.
    public static let maximumNote = 256

    public let readEnd: Int32
    public let writeEnd: Int32
    private let noteFile: Int32

    /// A new one, with an empty note. The corresponding C functions are `pipe2` and `memfd_create`.
    ///
    /// - Parameter capacity: bytes that it is to hold, where the kernel allows it.
    public init(capacity: Int) throws(Errno) {
        let note = Descriptor(owning: try systemCall("memfd_create") { cl_memory_file("reeve-transit") })
        let pipe: Pipe
        do throws(Errno) {
            pipe = try Pipe()
        } catch {
            note.close()
            throw error
        }
        (self.readEnd, self.writeEnd) = pipe.split { ($0.take(), $1.take()) }
        self.noteFile = note.take()
        PipeContents.makeNonBlocking(self.readEnd)
        PipeContents.setCapacity(of: self.readEnd, to: capacity)
    }

    /// One that somebody else has made, by the descriptors in the order of `descriptors`; they belong to it from now on.
    public init(owning descriptors: [Int32]) {
        precondition(descriptors.count == Self.descriptorCount, "a transit pipe of other descriptors")
        self.readEnd = descriptors[0]
        self.writeEnd = descriptors[1]
        self.noteFile = descriptors[2]
    }

    deinit {
        for number in self.descriptors {
            Glibc.close(number)
        }
    }

    /// For whoever is to hold them too. They stay this value's own.
    public var descriptors: [Int32] {
        [self.readEnd, self.writeEnd, self.noteFile]
    }

    /// How many bytes are in it.
    public var count: Int {
        guard case .bytes(let count) = PipeContents.waiting(in: self.readEnd) else { return 0 }
        return count
    }

    /// What was noted last; empty when nothing was.
    public var note: String {
        var bytes = [UInt8](repeating: 0, count: Self.maximumNote)
        let count = pread(self.noteFile, &bytes, bytes.count, 0)
        return String(decoding: bytes[..<max(0, count)].prefix { $0 != 0 }, as: UTF8.self)
    }

    /// Replaces the note by another, of `maximumNote` bytes at most. Whoever is killed here leaves the one or the other. The
    /// corresponding C function is `pwrite`.
    public func write(note: String) throws(Errno) {
        var bytes = Array(note.utf8)
        precondition(bytes.count <= Self.maximumNote, "a note that is too long")
        bytes += [UInt8](repeating: 0, count: Self.maximumNote - bytes.count)
        let count = try systemCall("pwrite") { pwrite(self.noteFile, bytes, bytes.count, 0) }
        guard count == bytes.count else { throw Errno(rawValue: ENOSPC) }
    }
}
