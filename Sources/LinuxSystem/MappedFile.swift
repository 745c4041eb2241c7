internal import CLinux
internal import Glibc

/// A file that is written to by stores to memory: what was stored outlives the process, however that ends, and no store waits for a
/// disk where the file has none (tmpfs). For one thread.
///
/// The corresponding C functions are `open`, `posix_fallocate` and `mmap` with `MAP_SHARED`.
public final class MappedFile {
    private let number: Int32
    private let path: String
    private let start: UnsafeMutableRawPointer
    private let capacity: Int
    /// How much of it there is now; it can be used up to here.
    public private(set) var size: Int

    /// Opens the file or makes it, with mode 0600, with at least `size` bytes, and maps it.
    ///
    /// EPERM when it is not this user's own regular file with this one name; ELOOP for a symbolic link; EFBIG when it is larger than
    /// `capacity`; ENOSPC when there is no room for `size` bytes now, so that no store later can fail.
    ///
    /// - Parameter capacity: how large it may become. Its place in memory stays the same.
    public init(path: String, size: Int, capacity: Int) throws(Errno) {
        let file = try Descriptor.open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode: 0o600)
        self.path = path
        self.capacity = capacity
        self.number = file.take()
        do throws(Errno) {
            let present = try Self.check(self.number)
            guard present <= capacity else { throw Errno(rawValue: EFBIG) }
            self.size = max(size, present)
            try Self.allocate(self.number, self.size)
            let mapped = mmap(nil, capacity, PROT_READ | PROT_WRITE, MAP_SHARED, self.number, 0)
            guard let mapped, mapped != MAP_FAILED else { throw Errno.current }
            self.start = mapped
        } catch {
            Glibc.close(self.number)
            throw error
        }
    }

    deinit {
        munmap(self.start, self.capacity)
        Glibc.close(self.number)
    }

    private static func check(_ number: Int32) throws(Errno) -> Int {
        var status = stat()
        try systemCall("fstat") { fstat(number, &status) }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_uid == geteuid(), status.st_nlink == 1 else {
            throw Errno(rawValue: EPERM)
        }
        return Int(status.st_size)
    }

    private static func allocate(_ number: Int32, _ size: Int) throws(Errno) {
        // It answers an error instead of setting errno.
        let error = posix_fallocate(number, 0, off_t(size))
        guard error == 0 else { throw Errno(rawValue: error) }
    }

    public var bytes: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: self.start, count: self.size)
    }

    /// Makes it larger, up to its capacity; what is new is zero. ENOSPC as at the begin.
    public func grow(to size: Int) throws(Errno) {
        precondition(size <= self.capacity, "a file that grows beyond its place in memory")
        guard size > self.size else { return }
        try Self.allocate(self.number, size)
        self.size = size
    }

    /// Takes its name away.
    public func remove() {
        unlink(self.path)
    }

    /// Whether the directory is in memory, so that no store to a file there ever waits.
    public static func isInMemory(directory: String) -> Bool {
        // TMPFS_MAGIC of linux/magic.h.
        cl_file_system_of(directory) == 0x0102_1994
    }
}
