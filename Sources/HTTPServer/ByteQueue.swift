/// Bytes that wait to be copied elsewhere, in the arrays in which they came: one array may wait in any number of queues.
struct ByteQueue {
    private var arrays: [[UInt8]] = []
    /// The first of `arrays` that has not been copied in full, and how much of it has been.
    private var head = 0
    private var offset = 0
    /// Bytes that wait.
    private(set) var count = 0

    /// Copied arrays that are let go together: to move the others up for each one would be dearer.
    private static let lazyRemovals = 64

    var isEmpty: Bool {
        self.count == 0
    }

    mutating func append(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        self.arrays.append(bytes)
        self.count += bytes.count
    }

    mutating func removeAll() {
        self = ByteQueue()
    }

    /// Drops all but the rest of an array that was copied in part, if that is not more than `limit`: so what was appended
    /// at once arrives whole or not at all.
    mutating func removeWaiting(keeping limit: Int) {
        guard self.offset > 0, self.arrays[self.head].count - self.offset <= limit else {
            self.removeAll()
            return
        }
        self.arrays = [self.arrays[self.head]]
        self.head = 0
        self.count = self.arrays[0].count - self.offset
    }

    /// Moves as many bytes as `buffer` takes; returns how many.
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        var filled = 0
        while filled < buffer.count, self.head < self.arrays.count {
            let size = min(self.arrays[self.head].count - self.offset, buffer.count - filled)
            self.arrays[self.head].withUnsafeBytes { bytes in
                buffer[filled...].copyBytes(from: bytes[self.offset..<(self.offset + size)])
            }
            filled += size
            self.offset += size
            if self.offset == self.arrays[self.head].count {
                self.passHead()
            }
        }
        self.count -= filled
        return filled
    }

    private mutating func passHead() {
        // Its memory goes at once, if no other queue has it.
        self.arrays[self.head] = []
        self.head += 1
        self.offset = 0
        if self.head == self.arrays.count {
            self.arrays.removeAll(keepingCapacity: self.head <= Self.lazyRemovals)
            self.head = 0
        } else if self.head >= Self.lazyRemovals, self.head * 2 >= self.arrays.count {
            self.arrays.removeFirst(self.head)
            self.head = 0
        }
    }
}
