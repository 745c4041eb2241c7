internal import Glibc

/// A lock that one process holds until it ends, however it ends. The file stays; its lock counts, not its existence.
///
/// It is a `flock`: bound to the open file, so that no other code of this process can lose it by closing another
/// descriptor, as with locks of fcntl(2).
public struct LockFile: ~Copyable, Sendable {
    /// Why there is no lock.
    public enum Failure: Error, Equatable, Sendable {
        /// Another process has it; its pid as it wrote it into the file, for people.
        case held(byPID: Int32?)
        /// It is no regular file.
        case notAFile
        /// ELOOP for a symbolic link, which is not followed.
        case cannotOpen(Errno)
        case cannotLock(Errno)
    }

    private let file: Descriptor

    /// Takes the lock without waiting, and writes this process's pid into the file.
    ///
    /// The corresponding C functions are `open` with `O_NOFOLLOW` and `flock` with `LOCK_EX | LOCK_NB`.
    public init(path: String) throws(Failure) {
        let opened: Descriptor
        do throws(Errno) {
            // Non-blocking, for the case that somebody put a FIFO there.
            opened = try .open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode: 0o600)
        } catch {
            throw .cannotOpen(error)
        }
        if let failure = Self.lock(opened.rawValue) {
            opened.close()
            throw failure
        }
        self.file = opened
    }

    private static func lock(_ number: Int32) -> Failure? {
        var status = stat()
        guard fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return .notAFile }
        do throws(Errno) {
            try systemCall("flock") { flock(number, LOCK_EX | LOCK_NB) }
        } catch {
            return error == .wouldBlock ? .held(byPID: Self.holder(number)) : .cannotLock(error)
        }
        let text = Array("\(getpid())\n".utf8)
        // The text is for people only: a full disk does not make the lock any worse.
        _ = ftruncate(number, 0)
        _ = pwrite(number, text, text.count, 0)
        return nil
    }

    private static func holder(_ number: Int32) -> Int32? {
        let text = [UInt8](unsafeUninitializedCapacity: 16) { buffer, count in
            count = max(0, pread(number, buffer.baseAddress, 16, 0))
        }
        var scanner = DecimalScanner(at: 0)
        return scanner.next(in: text.span).map { Int32(truncatingIfNeeded: $0) }
    }

    /// Gives the lock back.
    public consuming func unlock() {
        self.file.close()
    }

    /// Hands over the descriptor that holds the lock, as to the program that takes this one's place by execve(2).
    public consuming func take() -> Int32 {
        self.file.take()
    }

    /// Keeps the lock until the process ends, whatever becomes of this value.
    public consuming func keep() {
        _ = self.file.take()
    }
}
