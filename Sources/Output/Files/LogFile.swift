import Glibc
import LinuxSystem

/// A file of output that is open for writing. Not O_APPEND, which splice(2) refuses, so the position is kept here.
final class LogFile {
    let path: String
    let identity: FileIdentity
    /// The directory in which it was opened.
    let directory: FileIdentity
    private var descriptor: Descriptor?
    let number: Int32
    /// Bytes in it, which is where the next one goes.
    var size: Int64
    /// Where its first byte stands in the whole stream.
    var start: UInt64 = 0

    /// Takes the descriptor over, or closes it when the file is none to write output to.
    init(_ opened: consuming Descriptor, path: String, in directory: Int32, group: UInt32?) throws(OutputFailure) {
        let number = opened.rawValue
        let status: stat
        do throws(OutputFailure) {
            status = try Self.checked(number, path, group)
        } catch {
            opened.close()
            throw error
        }
        self.path = path
        self.identity = FileIdentity(status)
        self.directory = FileIdentity(of: directory) ?? FileIdentity(status)
        self.number = number
        self.size = Int64(status.st_size)
        self.descriptor = consume opened
    }

    deinit {
        self.descriptor.take()?.close()
    }

    var end: UInt64 { self.start + UInt64(self.size) }

    func close() {
        self.descriptor.take()?.close()
    }

    private static func checked(_ number: Int32, _ path: String, _ group: UInt32?) throws(OutputFailure) -> stat {
        var status = stat()
        guard fstat(number, &status) == 0 else { throw OutputFailure("cannot use \(path)", .current) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw OutputFailure("cannot write \(path): it is no regular file; remove it")
        }
        guard status.st_nlink <= 1 else {
            throw OutputFailure("cannot write \(path): it has a second name; remove one of them")
        }
        guard status.st_uid == geteuid() else {
            throw OutputFailure("cannot write \(path): it belongs to another user; remove it")
        }
        if let group, status.st_gid != group {
            guard fchown(number, UInt32.max, group) == 0 else {
                throw OutputFailure("cannot give \(path) to the group \(group)", .current)
            }
        }
        // After fchown, and whatever the umask was.
        if status.st_mode & 0o7777 != 0o640 {
            _ = fchmod(number, 0o640)
        }
        return status
    }

    /// What became of it while nobody looked.
    enum Change {
        case none
        /// It has no name any more.
        case removed
        /// It is shorter than what was written to it.
        case truncated(Int64)
    }

    func change() -> Change {
        var status = stat()
        guard fstat(self.number, &status) == 0, status.st_nlink > 0 else { return .removed }
        return status.st_size < self.size ? .truncated(Int64(status.st_size)) : .none
    }

    /// Writes all of it at the end, or answers why not; what was `written` before counts.
    func append(_ bytes: UnsafeRawBufferPointer, written: inout Int) -> Errno? {
        while written < bytes.count {
            let count: Int
            do throws(Errno) {
                count = try systemCall("pwrite") {
                    let rest = bytes.baseAddress?.advanced(by: written)
                    return pwrite(self.number, rest, bytes.count - written, off_t(self.size))
                }
            } catch {
                return error
            }
            guard count > 0 else { return Errno(rawValue: ENOSPC) }
            self.size += Int64(count)
            written += count
        }
        return nil
    }

    /// Whether its last line is complete. An empty file has none that is not.
    var endsWithNewline: Bool {
        guard self.size > 0 else { return true }
        var byte: UInt8 = 0
        return pread(self.number, &byte, 1, off_t(self.size - 1)) == 1 && byte == UInt8(ascii: "\n")
    }
}
