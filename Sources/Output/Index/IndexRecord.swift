import Supervision

/// One entry of an index: what is at a position of a stream. 40 bytes in the file, each for itself: what is damaged is
/// left out and the rest is used.
///
/// ```
///  0  "RV", the version 1, the kind
///  4  a checksum of all other bytes
///  8  the position in the stream
/// 16  when, in nanoseconds since 1970
/// 24  two numbers more
/// ```
/// All numbers are little-endian.
struct IndexRecord: Equatable {
    enum Content: Equatable {
        /// A file begins here, known by its inode.
        case file(inode: UInt64)
        /// From here on the output is this run's; `nil` for what the agent itself wrote.
        case run(RunID?)
        /// What came from `at` on begins here; before the next one of these, nothing came after `last`.
        case time(last: Timestamp)
    }

    static let size = 40
    private static let version: UInt32 = 1

    var offset: UInt64
    var at: Timestamp
    var content: Content

    private var kind: UInt32 {
        switch self.content {
        case .file: 1
        case .run: 2
        case .time: 3
        }
    }

    private static func head(_ kind: UInt32) -> UInt32 {
        // "RV" in the order of the file.
        0x5652 | self.version << 16 | kind << 24
    }

    private static func checksum(_ head: UInt32, _ words: [4 of UInt64]) -> UInt32 {
        var sum = UInt64(head) ^ 0x9e37_79b9_7f4a_7c15
        for index in words.indices {
            sum = (sum ^ words[index]) &* 0xff51_afd7_ed55_8ccd
            sum ^= sum >> 32
        }
        return UInt32(truncatingIfNeeded: sum)
    }

    func append(to bytes: inout [UInt8]) {
        var words: [4 of UInt64] = [self.offset, UInt64(bitPattern: self.at.nanosecondsSinceEpoch), 0, 0]
        switch self.content {
        case .file(let inode): words[2] = inode
        case .run(let run):
            words[2] = run?.high ?? 0
            words[3] = run?.low ?? 0
        case .time(let last): words[2] = UInt64(bitPattern: last.nanosecondsSinceEpoch)
        }
        let head = Self.head(self.kind)
        let first = UInt64(head) | UInt64(Self.checksum(head, words)) << 32
        withUnsafeBytes(of: first.littleEndian) { bytes += $0 }
        for index in words.indices {
            withUnsafeBytes(of: words[index].littleEndian) { bytes += $0 }
        }
    }

    /// Reads the 40 bytes at `position`; `nil` when they are no record.
    init?(_ bytes: UnsafeRawBufferPointer, at position: Int) {
        func word(_ index: Int) -> UInt64 {
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position + 8 * index, as: UInt64.self))
        }
        let head = UInt32(truncatingIfNeeded: word(0))
        let words: [4 of UInt64] = [word(1), word(2), word(3), word(4)]
        // A position that leaves no room for what follows is no position.
        guard UInt32(word(0) >> 32) == Self.checksum(head, words), words[0] <= UInt64.max / 4 else { return nil }
        switch head {
        case Self.head(1): self.content = .file(inode: words[2])
        case Self.head(2):
            self.content = .run(words[2] | words[3] == 0 ? nil : RunID(high: words[2], low: words[3]))
        case Self.head(3):
            self.content = .time(last: Timestamp(nanosecondsSinceEpoch: Int64(bitPattern: words[2])))
        default: return nil
        }
        self.offset = words[0]
        self.at = Timestamp(nanosecondsSinceEpoch: Int64(bitPattern: words[1]))
    }

    init(offset: UInt64, at: Timestamp, _ content: Content) {
        self.offset = offset
        self.at = at
        self.content = content
    }
}
