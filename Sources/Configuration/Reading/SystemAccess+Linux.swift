internal import Glibc

extension SystemAccess {
    /// The machine that the program runs on.
    public static let linux = SystemAccess(
        read: Self.readFile,
        glob: Self.globFiles,
        exists: { path in access(path, F_OK) == 0 || errno == EACCES },
        userExists: { name in getpwnam(name) != nil },
        groupExists: { name in getgrnam(name) != nil },
        currentDirectory: {
            guard let buffer = getcwd(nil, 0) else { return "/" }
            defer { free(buffer) }
            return String(cString: buffer)
        }
    )

    private static func reason(_ number: Int32) -> Failure {
        Failure(reason: String(cString: strerror(number)))
    }

    /// Opens without blocking, because opening a FIFO that nobody writes would wait for ever.
    private static func readFile(_ path: String) -> Result<[UInt8], Failure> {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else { return .failure(Self.reason(errno)) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return .failure(Self.reason(errno)) }
        guard status.st_mode & S_IFMT != S_IFDIR else { return .failure(Self.reason(EISDIR)) }
        guard status.st_mode & S_IFMT == S_IFREG else { return .failure(Failure(reason: "it is not a regular file")) }
        let limit = ConfigurationLoader.maximumFileSize
        // The file may grow meanwhile: one byte more than the limit is asked for, and its size is not believed.
        var bytes = [UInt8](repeating: 0, count: min(Int(clamping: status.st_size), limit) + 1)
        var count = 0
        while true {
            if count == bytes.count {
                guard count <= limit else {
                    return .failure(Failure(reason: "it is larger than \(limit) bytes, the limit of a file"))
                }
                bytes.append(contentsOf: repeatElement(0, count: min(65536, limit + 1 - count)))
            }
            let room = bytes.count - count
            let result = bytes.withUnsafeMutableBytes { buffer -> Int in
                // SAFETY: the array is never empty, so its buffer has an address.
                Glibc.read(descriptor, buffer.baseAddress! + count, room)
            }
            if result < 0 {
                if errno == EINTR { continue }
                return .failure(Self.reason(errno))
            }
            if result == 0 { break }
            count += result
        }
        bytes.removeLast(bytes.count - count)
        return .success(bytes)
    }

    private static func globFiles(_ pattern: String) -> Result<[String], Failure> {
        var found = glob_t()
        defer { globfree(&found) }
        // A directory of the pattern that is not there matches nothing; one that cannot be read is told.
        let status = Glibc.glob(
            pattern,
            GLOB_NOSORT,
            { _, number in number == ENOENT || number == ENOTDIR ? 0 : 1 },
            &found
        )
        let number = errno
        switch status {
        case 0:
            var paths: [String] = []
            for index in 0..<Int(found.gl_pathc) {
                if let path = found.gl_pathv[index] {
                    paths.append(String(cString: path))
                }
            }
            return .success(paths)
        case GLOB_NOMATCH: return .success([])
        case GLOB_NOSPACE: return .failure(Self.reason(ENOMEM))
        default: return .failure(Self.reason(number == 0 ? EIO : number))
        }
    }
}
