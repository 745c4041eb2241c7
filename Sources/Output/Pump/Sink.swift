import Glibc
import LinuxSystem
import Supervision

// The output of one instance on one stream.
//
// A position in the stream counts the bytes that were ever written to its files, over rotation and over restarts of the agent:
// a reader goes on where it was. What says at which position a file begins is the index, under the file's inode; the file's size
// says where the stream ends. Both survive the agent's death at any instant: the index is written before the file has its
// name.
//
// It is in one of two conditions:
// * well: the bytes go from its runs' pipes into the file.
// * troubled: nothing can be written. The pipes hold what comes; when one is half full, its bytes are read into memory, so
//   that the worker is not blocked for ever, and beyond a bound the oldest are dropped and counted. It is tried again after 1 s,
//   2 s … 30 s; then a line tells the gap, and what is in memory and in the pipes follows.
final class Sink {
    struct Trouble {
        var reason: String
        var retryAt: MonotonicInstant
        var delay: Duration
    }

    let id: StreamID
    let folder: LogFolder
    let names: LogNames
    let index: OutputIndex
    let bench: Workbench
    var policy: CapturePolicy {
        didSet { self.index.files = self.policy.keepFiles + 1 }
    }
    var file: LogFile?
    /// The runs that write to it, in the order in which they began.
    var sources: [Source] = []
    var held = HeldOutput()
    var trouble: Trouble?
    var stamper: LineStamper?
    /// The position of the next byte.
    var end: UInt64 = 0
    private var knowsEnd = false
    /// Where it stood when this agent first knew of it.
    private(set) var birth: UInt64 = 0
    /// The file system cannot splice.
    var copies = false
    /// Rises with everything that a reader may want to know of.
    var changes: UInt64 = 0
    /// Since the agent began.
    var bytes: UInt64 = 0
    var dropped: UInt64 = 0
    var idleSince: MonotonicInstant?
    private var nextCheck: MonotonicInstant?
    private var toldDamage = false

    init(_ id: StreamID, root: LogRoot, policy: CapturePolicy, bench: Workbench) {
        self.id = id
        self.folder = LogFolder(root: root, worker: id.instance.worker)
        self.names = LogNames(id)
        self.index = OutputIndex(self.names)
        self.bench = bench
        self.policy = policy
        self.index.files = policy.keepFiles + 1
    }

    var path: String { "\(self.folder.path)/\(self.names.current)" }

    var status: StreamStatus {
        StreamStatus(
            id: self.id,
            degraded: self.trouble?.reason ?? self.index.failure?.message,
            bytes: self.bytes,
            heldBytes: self.held.count,
            droppedBytes: self.dropped
        )
    }

    /// Whether the index was found damaged; answered once.
    func takeDamage() -> Bool {
        guard self.index.foundDamage, !self.toldDamage else { return false }
        self.toldDamage = true
        return true
    }

    // MARK: The file

    /// The file as it is to be written to now: still under its name, and as long as it was left.
    func openFile(at now: Moment) throws(OutputFailure) -> LogFile {
        if let file = self.file {
            if case .none = file.change(), self.isInPlace(file, at: now.monotonic) {
                return file
            }
            self.closeFile()
        }
        let file = try self.folder.use(makes: true, group: self.policy.group, at: now.monotonic) {
            directory throws(OutputFailure) in
            try self.findFile(in: directory, at: now.wall)
        }
        self.file = file
        self.end = file.end
        self.nextCheck = now.monotonic.advanced(by: OutputLimits.pathInterval)
        self.stamper = self.policy.timestamps ? LineStamper(isInLine: !file.endsWithNewline) : nil
        return file
    }

    func closeFile() {
        self.file?.close()
        self.file = nil
    }

    /// Somebody may have renamed it, or the directory. Looked at from time to time, and before what comes after a silence.
    private func isInPlace(_ file: LogFile, at now: MonotonicInstant) -> Bool {
        if let check = self.nextCheck, now < check { return true }
        self.nextCheck = now.advanced(by: OutputLimits.pathInterval)
        return self.folder.holds(file.identity, as: self.names.current, directory: file.directory, at: now)
    }

    private func findFile(in directory: Int32, at now: Timestamp) throws(OutputFailure) -> LogFile {
        self.findEnd(in: directory, at: now)
        let opened: Descriptor
        do throws(Errno) {
            opened = try .open(self.names.current, beneath: directory, O_RDWR | O_NONBLOCK)
        } catch {
            switch error.rawValue {
            case ENOENT:
                let file = try self.makeFile(in: directory, at: now)
                try self.rename(self.names.next, to: self.names.current, in: directory)
                return file
            case ELOOP: throw OutputFailure("cannot write \(self.path): it is a symbolic link; remove it")
            default: throw OutputFailure("cannot open \(self.path)", error)
            }
        }
        let file = try LogFile(opened, path: self.path, in: directory, group: self.policy.group)
        let size = UInt64(file.size)
        let known = self.index.contents(in: directory).start(ofInode: file.identity.inode)
        if let known, known + size >= self.end {
            file.start = known
        } else {
            // Of somebody else's making, or shortened by somebody else.
            file.start = known == nil ? self.end : self.end - min(size, self.end)
            self.index.fileBegins(file.identity.inode, at: file.start, now, in: directory)
        }
        return file
    }

    /// A new file that follows all the others; it has no visible name yet, but stands in the index.
    func makeFile(in directory: Int32, at now: Timestamp) throws(OutputFailure) -> LogFile {
        _ = unlinkat(directory, self.names.next, 0)
        let opened: Descriptor
        do throws(Errno) {
            opened = try .open(self.names.next, beneath: directory, O_RDWR | O_CREAT | O_EXCL, mode: 0o640)
        } catch {
            throw OutputFailure("cannot create \(self.path)", error)
        }
        let file = try LogFile(opened, path: self.path, in: directory, group: self.policy.group)
        file.start = self.end
        self.index.fileBegins(file.identity.inode, at: file.start, now, in: directory)
        return file
    }

    func rename(_ old: String, to new: String, in directory: Int32) throws(OutputFailure) {
        do throws(Errno) {
            try systemCall("renameat") { renameat(directory, old, directory, new) }
        } catch {
            guard error != .noEntry else { return }
            throw OutputFailure("cannot rename \(self.folder.path)/\(old) to \(new)", error)
        }
    }

    /// Finds out once where the stream ends, as far as the index and the full files tell.
    func findEnd(in directory: Int32, at now: Timestamp) {
        guard !self.knowsEnd else { return }
        self.knowsEnd = true
        let contents = self.index.contents(in: directory)
        self.end = contents.end
        if contents.files.isEmpty {
            // The index is lost, or was never written: what is there is counted from 0.
            for found in self.fullFiles(in: directory) {
                self.index.fileBegins(found.identity.inode, at: self.end, now, in: directory)
                self.end += found.size
            }
        } else {
            for found in self.fullFiles(in: directory) {
                if let start = contents.start(ofInode: found.identity.inode) {
                    self.end = max(self.end, start + found.size)
                }
            }
        }
        if let current = Self.file(self.names.current, in: directory) {
            if let start = contents.start(ofInode: current.identity.inode) {
                self.end = max(self.end, start + current.size)
            } else {
                self.index.fileBegins(current.identity.inode, at: self.end, now, in: directory)
                self.end += current.size
            }
        }
        self.birth = self.end
    }

    private static func file(_ name: String, in directory: Int32) -> (identity: FileIdentity, size: UInt64)? {
        var status = stat()
        guard fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_mode & S_IFMT == S_IFREG else {
            return nil
        }
        return (FileIdentity(status), UInt64(status.st_size))
    }

    /// The numbered files, oldest first.
    private func fullFiles(in directory: Int32) -> [(identity: FileIdentity, size: UInt64)] {
        let prefix = "\(self.names.current)."
        let numbers = LogFolder.names(in: directory).compactMap { name in
            name.hasPrefix(prefix) ? Int(name.dropFirst(prefix.count)) : nil
        }
        return numbers.sorted(by: >).compactMap { Self.file(self.names.full($0), in: directory) }
    }
}
