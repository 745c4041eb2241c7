import Glibc
import LinuxSystem
import Supervision

/// The directory of a worker's output, below `log_dir`. It is opened for each piece of work in it and belongs to the agent.
struct LogFolder {
    let root: LogRoot
    let worker: String

    var path: String { "\(self.root.path)/\(self.worker)" }

    /// Opens the directory for `body`.
    ///
    /// - Parameter makes: whether it is made when it is missing.
    func use<Result>(
        makes: Bool,
        group: UInt32? = nil,
        at now: MonotonicInstant,
        _ body: (Int32) throws(OutputFailure) -> Result
    ) throws(OutputFailure) -> Result {
        let directory = try self.open(makes: makes, group: group, at: now)
        do throws(OutputFailure) {
            let result = try body(directory.rawValue)
            directory.close()
            return result
        } catch {
            directory.close()
            throw error
        }
    }

    private func open(makes: Bool, group: UInt32?, at now: MonotonicInstant) throws(OutputFailure) -> Descriptor {
        let root = try self.root.open(at: now)
        let directory: Descriptor
        do throws(Errno) {
            directory = try self.open(in: root, makes: makes, group: group)
        } catch {
            var status = stat()
            if error.rawValue == ELOOP || error.rawValue == ENOTDIR,
                fstatat(root, self.worker, &status, AT_SYMLINK_NOFOLLOW) == 0
            {
                try LogRoot.checkDirectory(status, self.path)
            }
            throw OutputFailure("cannot use \(self.path)", error)
        }
        var status = stat()
        let failure: OutputFailure?
        do throws(OutputFailure) {
            guard fstat(directory.rawValue, &status) == 0 else {
                throw OutputFailure("cannot use \(self.path)", .current)
            }
            try LogRoot.checkDirectory(status, self.path)
            failure = nil
        } catch {
            failure = error
        }
        if let failure {
            directory.close()
            throw failure
        }
        if let group, status.st_gid != group {
            _ = fchown(directory.rawValue, UInt32.max, group)
        }
        return directory
    }

    private func open(in root: Int32, makes: Bool, group: UInt32?) throws(Errno) -> Descriptor {
        do throws(Errno) {
            return try .open(self.worker, beneath: root, O_RDONLY | O_DIRECTORY)
        } catch {
            guard error == .noEntry, makes else { throw error }
        }
        do throws(Errno) {
            try systemCall("mkdirat") { mkdirat(root, self.worker, 0o750) }
        } catch {
            // Somebody else may have made it just now.
            guard error.rawValue == EEXIST else { throw error }
        }
        let directory = try Descriptor.open(self.worker, beneath: root, O_RDONLY | O_DIRECTORY)
        // Whatever the umask was.
        _ = fchmod(directory.rawValue, 0o750)
        return directory
    }

    /// Whether the file that is open under `name` is still the one of that name in this directory.
    func holds(_ identity: FileIdentity, as name: String, directory: FileIdentity, at now: MonotonicInstant) -> Bool {
        guard let root = try? self.root.open(at: now) else { return false }
        return FileIdentity(named: self.worker, in: root) == directory
            && FileIdentity(named: "\(self.worker)/\(name)", in: root) == identity
    }

    /// The names in the directory; none when it cannot be read.
    static func names(in directory: Int32) -> [String] {
        // A descriptor of its own, because closedir closes it; opened anew, because a duplicate shares its position.
        let own = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard own >= 0 else { return [] }
        guard let list = fdopendir(own) else {
            Glibc.close(own)
            return []
        }
        defer { closedir(list) }
        var names: [String] = []
        while let entry = readdir(list) {
            names.append(
                withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
            )
        }
        return names
    }
}
