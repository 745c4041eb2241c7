internal import CLinux
internal import Glibc

/// What is in a pipe, moved and looked at without waiting. The caller keeps the descriptors.
public enum PipeContents {
    /// What a pipe holds at its read end.
    public enum Waiting: Equatable, Sendable {
        /// At least one byte; how many.
        case bytes(Int)
        /// Nothing at present.
        case nothing
        /// Nothing, and nobody is left who could write.
        case ended
    }

    /// The corresponding C functions are `ioctl` with `FIONREAD`, and `poll`.
    public static func waiting(in pipe: Int32) -> Waiting {
        var count = cl_waiting_bytes(pipe)
        guard count == 0 else { return count > 0 ? .bytes(Int(count)) : .ended }
        var entry = pollfd(fd: pipe, events: Int16(POLLIN), revents: 0)
        _ = poll(&entry, 1, 0)
        if entry.revents & Int16(POLLIN) != 0 {
            // It came after the count.
            count = cl_waiting_bytes(pipe)
            return count > 0 ? .bytes(Int(count)) : .nothing
        }
        return entry.revents & Int16(POLLHUP) != 0 ? .ended : .nothing
    }

    /// Moves bytes from a pipe to a position of a file, so that at every instant each is in the one or in the other:
    /// whoever is killed here loses none. Answers how many; 0 at the pipe's end; EAGAIN when it is empty. EINVAL for a
    /// file that cannot do it. The corresponding C function is `splice`.
    public static func move(from pipe: Int32, to file: Int32, at position: Int64, count: Int) throws(Errno) -> Int {
        Int(try systemCall("splice") { cl_splice(pipe, file, position, UInt64(count)) })
    }

    /// Puts a copy of what waits in one pipe into another. The corresponding C function is `tee`.
    public static func copy(from pipe: Int32, to other: Int32, count: Int) throws(Errno) -> Int {
        Int(try systemCall("tee") { cl_tee(pipe, other, UInt64(count)) })
    }

    /// Takes bytes out of a pipe; EAGAIN when a non-blocking one is empty. The corresponding C function is `read`.
    public static func read(from pipe: Int32, into buffer: UnsafeMutableRawBufferPointer) throws(Errno) -> Int {
        try systemCall("read") { Glibc.read(pipe, buffer.baseAddress, buffer.count) }
    }

    /// How many bytes a pipe holds before its writers have to wait. The corresponding C function is `fcntl` with
    /// `F_GETPIPE_SZ`.
    public static func capacity(of pipe: Int32) -> Int {
        Int(max(4096, cl_pipe_capacity(pipe)))
    }

    /// Makes it hold `bytes`, where the kernel allows (/proc/sys/fs/pipe-max-size, pipe-user-pages-soft); otherwise it
    /// stays as it is. The corresponding C function is `fcntl` with `F_SETPIPE_SZ`.
    public static func setCapacity(of pipe: Int32, to bytes: Int) {
        _ = cl_set_pipe_capacity(pipe, Int32(clamping: bytes))
    }

    /// Makes reading from this end never wait; the other end is not concerned. The corresponding C function is `fcntl` with
    /// `O_NONBLOCK`.
    public static func makeNonBlocking(_ end: Int32) {
        _ = fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK)
    }
}
