import Glibc
import LinuxSystem
import Supervision

/// The directory of all output, `log_dir`. It is kept open, and opened again when another one took its place.
///
/// What the path leads to is found once, so that the configuration may name a symbolic link; one that takes the place of
/// the directory later is refused.
final class LogRoot {
    let path: String
    private var descriptor: Descriptor?
    private var identity: FileIdentity?
    private var nextCheck: MonotonicInstant?
    /// Told apart from the previous one by whoever remembers something of the directory.
    private(set) var generation = 0

    init(path: String) {
        self.path = Self.resolved(path)
    }

    deinit {
        self.descriptor.take()?.close()
    }

    private static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    /// The open directory; it is made when it is missing.
    func open(at now: MonotonicInstant) throws(OutputFailure) -> Int32 {
        if let number = self.descriptor?.rawValue, let check = self.nextCheck, now < check {
            return number
        }
        let found = try self.look()
        if let number = self.descriptor?.rawValue, found == self.identity {
            self.nextCheck = now.advanced(by: .seconds(1))
            return number
        }
        self.close()
        let opened: Descriptor
        do throws(Errno) {
            opened = try .open(self.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        } catch {
            throw OutputFailure("cannot open \(self.path)", error)
        }
        let number = opened.rawValue
        self.identity = FileIdentity(of: number)
        self.descriptor = consume opened
        self.nextCheck = now.advanced(by: .seconds(1))
        self.generation += 1
        return number
    }

    func close() {
        self.descriptor.take()?.close()
        self.identity = nil
        self.nextCheck = nil
    }

    private func look() throws(OutputFailure) -> FileIdentity {
        var status = stat()
        var result = lstat(self.path, &status)
        if result != 0, errno == ENOENT {
            _ = mkdir(self.path, 0o755)
            result = lstat(self.path, &status)
        }
        guard result == 0 else { throw OutputFailure("cannot use \(self.path)", .current) }
        try Self.checkDirectory(status, self.path)
        return FileIdentity(status)
    }

    /// Whoever owns a directory, or may write to it, can put anything into the place of what the agent writes there.
    static func checkDirectory(_ status: stat, _ path: String) throws(OutputFailure) {
        switch status.st_mode & S_IFMT {
        case S_IFDIR: break
        case S_IFLNK: throw OutputFailure("cannot use \(path): it is a symbolic link; put a directory in its place")
        default: throw OutputFailure("cannot use \(path): it is no directory; remove it")
        }
        guard status.st_uid == geteuid() else {
            throw OutputFailure("cannot use \(path): it belongs to another user; give it to the agent's")
        }
        guard status.st_mode & 0o002 == 0 else {
            throw OutputFailure("cannot use \(path): everybody may write to it; take that right away")
        }
    }
}
