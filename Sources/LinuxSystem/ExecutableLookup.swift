internal import Glibc

/// Which file a command means, and in plain words why it cannot be executed. It looks at files, so it belongs on a thread
/// that may block.
public enum ExecutableLookup {
    /// Where execvp(3) looks when the environment has no PATH.
    static let defaultPath = "/bin:/usr/bin"

    /// The file that `name` means, as execvp(3) finds it: as it is when it has a slash, else the first executable file of
    /// that name in the PATH of `environment`. EACCES when there are only such that may not be executed, else ENOENT.
    ///
    /// - Parameters:
    ///   - environment: of the process to be, as `NAME=value`.
    ///   - directory: of the process to be; relative parts of PATH count from there.
    public static func resolve(
        _ name: String,
        environment: [String],
        directory: String?
    ) throws(Errno) -> String {
        guard !name.isEmpty else { throw .noEntry }
        if name.utf8.contains(UInt8(ascii: "/")) {
            return name
        }
        let path = environment.first { $0.hasPrefix("PATH=") }.map { $0.dropFirst(5) } ?? Substring(Self.defaultPath)
        var wasDenied = false
        for part in path.split(separator: ":", omittingEmptySubsequences: false) {
            // An empty part means the directory of the process.
            let candidate = part.isEmpty ? "./\(name)" : "\(part)/\(name)"
            let place = Self.absolute(candidate, directory: directory)
            guard FileKind(of: place) == .regular else { continue }
            if faccessat(AT_FDCWD, place, X_OK, AT_EACCESS) == 0 {
                return candidate
            }
            wasDenied = true
        }
        throw wasDenied ? .accessDenied : .noEntry
    }

    /// The path as this process, which may be in another directory, can use it.
    static func absolute(_ path: String, directory: String?) -> String {
        guard let directory, !path.hasPrefix("/") else { return path }
        return "\(directory)/\(path)"
    }

    /// What a path leads to.
    enum FileKind {
        case regular
        case directory
        case other

        init?(of path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            switch status.st_mode & S_IFMT {
            case S_IFREG: self = .regular
            case S_IFDIR: self = .directory
            default: self = .other
            }
        }
    }
}
