internal import Glibc

/// A file of the kernel with a counter in it that is read often: kept open, so that it can be read without a descriptor to
/// spare, and read without allocating.
public final class CounterFile: Sendable {
    private let number: Int32
    private let key: StaticString
    private static let chunkSize = 8192
    private static let maximumSize = 1 << 20

    private init(owning descriptor: consuming Descriptor, key: StaticString) {
        self.number = descriptor.take()
        self.key = key
    }

    deinit {
        close(self.number)
    }

    /// `nil` when the file cannot be opened, or has no such counter.
    public static func open(_ path: String, key: StaticString) -> CounterFile? {
        guard let descriptor = try? Descriptor.open(path, O_RDONLY) else { return nil }
        let file = CounterFile(owning: descriptor, key: key)
        return file.read() == nil ? nil : file
    }

    /// How many processes out-of-memory killers have ended since boot, in the whole system (/proc/vmstat, Linux 4.13).
    public static func outOfMemoryKills() -> CounterFile? {
        CounterFile.open("/proc/vmstat", key: "oom_kill")
    }

    /// The number that follows the key at the begin of a line; `nil` when it cannot be read.
    public func read() -> Int64? {
        withUnsafeTemporaryAllocation(byteCount: Self.chunkSize, alignment: 1) { buffer in
            var offset = 0
            /// Bytes of an unfinished line at the begin of the buffer.
            var kept = 0
            while offset < Self.maximumSize {
                guard let start = buffer.baseAddress else { return nil }
                let count = pread(self.number, start + kept, buffer.count - kept, off_t(offset))
                if count == -1 && errno == EINTR {
                    continue
                }
                guard count > 0 else { return nil }
                offset += count
                let filled = kept + count
                let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<filled])
                if let value = self.find(in: bytes) {
                    return value
                }
                let lineStart = bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
                kept = filled - lineStart
                guard kept < buffer.count else { return nil }
                memmove(start, start + lineStart, kept)
            }
            return nil
        }
    }

    /// Looks at whole lines only.
    private func find(in bytes: UnsafeRawBufferPointer) -> Int64? {
        let key = UnsafeBufferPointer(start: self.key.utf8Start, count: self.key.utf8CodeUnitCount)
        var lineStart = 0
        while let end = bytes[lineStart...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = UnsafeRawBufferPointer(rebasing: bytes[lineStart..<end])
            lineStart = end + 1
            guard line.count > key.count, line[key.count] == UInt8(ascii: " "), line[..<key.count].elementsEqual(key)
            else { continue }
            var value: Int64 = 0
            for byte in line[(key.count + 1)...] {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
                value = value &* 10 &+ Int64(byte - UInt8(ascii: "0"))
            }
            return value
        }
        return nil
    }
}
