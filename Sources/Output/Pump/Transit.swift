import LinuxSystem
import Supervision

/// The pipe between a worker's pipe and a file: splice(2) into the file holds the lock of the pipe out of which it takes, and
/// with this one in between the worker goes on writing meanwhile.
///
/// The bytes of one piece are in it at a time, and none between two pieces. What is in it when the agent dies is the keeper's
/// too, with the note of the stream that it belongs to: the next agent writes it before anything else of that stream.
final class Transit {
    struct Owner: Equatable {
        var run: RunID
        var stream: StreamID
    }

    private let pipe: TransitPipe
    /// Whether it holds what is moved at a time; the kernel may have given less.
    let isLarge: Bool
    /// Whom the note names.
    private var noted: Owner?
    /// Bytes in it.
    private(set) var count: Int

    init(_ pipe: TransitPipe) {
        self.pipe = pipe
        self.isLarge = PipeContents.capacity(of: pipe.readEnd) >= OutputLimits.turn
        self.count = pipe.count
        self.noted = Owner(note: pipe.note)
    }

    /// Whose bytes are in it; `nil` when there are none, or nobody knows.
    var owner: Owner? {
        self.count > 0 ? self.noted : nil
    }

    /// Takes up to `count` bytes out of a run's pipe. Answers how many; EAGAIN when there are none. What the one before has
    /// left must be out of it.
    func enter(from source: Int32, count: Int, of owner: Owner) throws(Errno) -> Int {
        precondition(self.count == 0, "the bytes of two pieces would be in the transit pipe")
        if self.noted != owner {
            // In between it names nobody: a failure may have left either.
            self.noted = nil
            try self.pipe.write(note: owner.note)
            self.noted = owner
        }
        self.count = try PipeContents.move(from: source, to: self.pipe.writeEnd, at: -1, count: count)
        return self.count
    }

    /// Moves what is in it to a position of a file; answers how many bytes. EINVAL for a file that cannot do it.
    func leave(to file: Int32, at position: Int64) throws(Errno) -> Int {
        let moved = try PipeContents.move(from: self.pipe.readEnd, to: file, at: position, count: self.count)
        self.count -= moved
        return moved
    }

    /// Takes all of it into memory.
    func takeAll() -> [UInt8] {
        let bytes = [UInt8](unsafeUninitializedCapacity: self.count) { buffer, filled in
            let all = UnsafeMutableRawBufferPointer(buffer)
            while filled < all.count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: all[filled...])
                guard let more = try? PipeContents.read(from: self.pipe.readEnd, into: rest), more > 0 else { break }
                filled += more
            }
        }
        self.count = 0
        return bytes
    }
}

extension Transit.Owner {
    /// Also another build reads it.
    fileprivate var note: String {
        "\(self.run) \(self.stream.stream.rawValue) \(self.stream.instance.index) \(self.stream.instance.worker)"
    }

    fileprivate init?(note: String) {
        let words = note.split(separator: " ")
        guard words.count == 4, let run = RunID(String(words[0])),
            let stream = StandardStream(rawValue: String(words[1])), let index = Int(words[2]), index >= 0,
            OutputRoom.isName(String(words[3]))
        else { return nil }
        self.run = run
        self.stream = StreamID(InstanceID(worker: String(words[3]), index: index), stream)
    }
}
