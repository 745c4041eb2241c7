import Glibc
import LinuxSystem

/// The agent's own directory: its lock, and what must outlive it.
struct StateDirectory: Sendable {
    let path: String

    init(path: String) {
        self.path = path
    }

    /// Makes the directory with mode 0700, and what is missing above it with 0755.
    static func make(_ path: String, mode: mode_t = 0o700) throws(Errno) {
        var made = ""
        let parts = path.split(separator: "/")
        for (index, part) in parts.enumerated() {
            made += "/" + part
            let result = mkdir(made, index == parts.count - 1 ? mode : 0o755)
            let error = Errno.current
            guard result != 0, error.rawValue != EEXIST else { continue }
            throw error
        }
        var info = stat()
        try systemCall("stat") { stat(path, &info) }
        guard info.st_mode & S_IFMT == S_IFDIR else { throw Errno(rawValue: ENOTDIR) }
        // Whoever owns the directory can put anything into the place of what the agent writes there.
        guard info.st_uid == geteuid() else { throw Errno(rawValue: EPERM) }
        try systemCall("access") { access(path, W_OK | X_OK) }
    }

    /// Counts this start of the agent and answers the count, which is on the disk before this returns.
    func nextGeneration() throws(Errno) -> Int64 {
        let generation = (Self.readNumber(self.path + "/generation") ?? 0) + 1
        try self.replace("generation", by: Array("\(generation)\n".utf8))
        return generation
    }

    /// Puts a file with these bytes in the place of another one, or leaves that as it is. On the disk before this returns.
    func replace(_ name: String, by bytes: [UInt8]) throws(Errno) {
        let file = self.path + "/" + name
        let temporary = file + ".new"
        let descriptor = try systemCall("open") {
            open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        }
        try Self.write(bytes, to: descriptor)
        try systemCall("rename") { rename(temporary, file) }
        let directory = try systemCall("open") { open(self.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        defer { close(directory) }
        try systemCall("fsync") { fsync(directory) }
    }

    /// Writes it, makes sure that it is on the disk, and closes the descriptor.
    private static func write(_ bytes: [UInt8], to descriptor: Int32) throws(Errno) {
        defer { close(descriptor) }
        let written = try systemCall("write") { Glibc.write(descriptor, bytes, bytes.count) }
        guard written == bytes.count else { throw Errno(rawValue: ENOSPC) }
        try systemCall("fsync") { fsync(descriptor) }
    }

    private static func readNumber(_ file: String) -> Int64? {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = read(descriptor, &bytes, bytes.count)
        guard count > 0 else { return nil }
        let text = String(decoding: bytes[..<count], as: UTF8.self)
        // Half of a revision, and more than anybody starts an agent.
        return Int64(text.prefix { $0.isNumber }).flatMap { (0..<Int64(Int32.max)).contains($0) ? $0 : nil }
    }
}
