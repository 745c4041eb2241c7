internal import Glibc

/// What a process uses, as `/proc/<pid>/stat` tells (proc_pid_stat(5)). Reading it waits for no lock of that process.
public struct ProcessResources: Equatable, Sendable {
    /// User and system time of the process, and of its children that have ended and were waited for. In clock ticks (10 ms).
    public var processorTime: Duration
    public var residentBytes: Int64
    public var virtualBytes: Int64
    public var threads: Int64
    /// In clock ticks since boot. With the number of the process it tells processes apart, but not two of the same tick.
    public var startTime: UInt64

    public init(
        processorTime: Duration,
        residentBytes: Int64,
        virtualBytes: Int64,
        threads: Int64,
        startTime: UInt64
    ) {
        self.processorTime = processorTime
        self.residentBytes = residentBytes
        self.virtualBytes = virtualBytes
        self.threads = threads
        self.startTime = startTime
    }

    /// `nil` when there is no such process, or it cannot be looked at.
    public static func of(_ pid: Int32) -> ProcessResources? {
        guard let file = try? Descriptor.open("/proc/\(pid)/stat", O_RDONLY) else { return nil }
        let number = file.rawValue
        // The longest line: 52 numbers of 20 digits and a name of 64 bytes.
        let usage = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1536) { buffer -> ProcessResources? in
            guard let address = buffer.baseAddress else { return nil }
            let count = Glibc.read(number, address, buffer.count)
            guard count > 0 else { return nil }
            return ProcessResources(parsing: UnsafeBufferPointer(start: address, count: count).span)
        }
        file.close()
        return usage
    }

    /// Reads the line; `nil` for anything else. The name, which stands in parentheses, may hold blanks and parentheses, so
    /// what follows begins after the last one.
    init?(parsing line: Span<UInt8>) {
        var end = line.count - 1
        while end >= 0, line[end] != UInt8(ascii: ")") {
            end -= 1
        }
        guard end > 0 else { return nil }
        var numbers = DecimalScanner(at: end + 1)
        guard numbers.nextLetter(in: line) != nil else { return nil }
        var ticks: Int64 = 0
        (self.residentBytes, self.virtualBytes, self.threads, self.startTime) = (0, 0, 0, 0)
        // Fields 4 to 24: …, utime (14), stime, cutime, cstime, …, num_threads (20), …, starttime (22), vsize, rss in pages.
        for field in 4...24 {
            guard let number = numbers.next(in: line) else { return nil }
            switch field {
            case 14, 15, 16, 17: ticks &+= number
            case 20: self.threads = number
            case 22: self.startTime = UInt64(bitPattern: number)
            case 23: self.virtualBytes = number
            case 24: self.residentBytes = number &* Self.pageSize
            default: break
            }
        }
        self.processorTime =
            .seconds(ticks / Self.ticksPerSecond)
            + .nanoseconds(ticks % Self.ticksPerSecond * (1_000_000_000 / Self.ticksPerSecond))
    }

    private static let pageSize = Int64(sysconf(Int32(_SC_PAGESIZE)))
    private static let ticksPerSecond = max(1, Int64(sysconf(Int32(_SC_CLK_TCK))))

    /// How many descriptors this process has open; `nil` when that cannot be told.
    public static func openDescriptors() -> Int? {
        var info = stat()
        // Linux tells the number as the size of the directory from version 6.2 on.
        if stat("/proc/self/fd", &info) == 0, info.st_size > 0 {
            return Int(info.st_size)
        }
        guard let directory = opendir("/proc/self/fd") else { return nil }
        defer { closedir(directory) }
        // Not itself, nor the two that stand for directories.
        var count = -3
        while readdir(directory) != nil {
            count += 1
        }
        return max(0, count)
    }
}
