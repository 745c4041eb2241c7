internal import Glibc

/// A lock that one process holds until it ends, however it ends. The file stays; its lock counts, not its existence.
///
/// It is a `flock`: bound to the open file, so that no other code of this process can lose it by closing another
/// descriptor, as with locks of fcntl(2).
public struct LockFile: ~Copyable, Sendable {
    /// Why there is no lock.
    public enum Failure: Error, Equatable, Sendable {
        /// Another process has it; its pid by the kernel's word, or where that says nothing as it wrote it into the file.
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
        // The text is for people: a full disk does not make the lock any worse.
        _ = ftruncate(number, 0)
        _ = pwrite(number, text, text.count, 0)
        return nil
    }

    private static func holder(_ number: Int32) -> Int32? {
        Self.holderInProc(number) ?? Self.holderInText(number)
    }

    /// proc_locks(5). Not every file system shows there the numbers that stat(2) has.
    private static func holderInProc(_ number: Int32) -> Int32? {
        var status = stat()
        guard fstat(number, &status) == 0, let locks = SmallFile.text("/proc/locks") else { return nil }
        let major = (status.st_dev >> 8) & 0xfff | (status.st_dev >> 32) & ~0xfff
        let minor = status.st_dev & 0xff | (status.st_dev >> 12) & ~0xff
        let file = "\(Self.hexadecimal(major)):\(Self.hexadecimal(minor)):\(status.st_ino)"
        for line in locks.split(separator: "\n") {
            // 1: FLOCK ADVISORY WRITE 4711 fe:01:131073 0 EOF
            let words = line.split(separator: " ")
            if words.count >= 6, words[1] == "FLOCK", words[5] == file, let pid = Int32(words[4]), pid > 0 {
                return pid
            }
        }
        return nil
    }

    private static func hexadecimal(_ number: UInt) -> String {
        (number < 16 ? "0" : "") + String(number, radix: 16)
    }

    private static func holderInText(_ number: Int32) -> Int32? {
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
