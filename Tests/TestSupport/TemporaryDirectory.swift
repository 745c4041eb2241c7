import Glibc
public import LinuxSystem

/// A directory of its own, removed with all that is in it when the last reference goes.
public final class TemporaryDirectory {
    /// Short, because the path of a Unix socket has at most 107 bytes; without symbolic links, as /proc shows it.
    public let path: String

    public init() throws(Errno) {
        var template = Array("/tmp/reeve-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Errno.current }
        self.path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        Self.remove(self.path)
    }

    /// The path of an entry.
    public func file(_ name: String) -> String {
        "\(self.path)/\(name)"
    }

    /// Writes a file, replacing what it held, and returns its path.
    @discardableResult
    public func write(_ text: String, to name: String, mode: UInt32 = 0o644) throws(Errno) -> String {
        try self.write(Array(text.utf8), to: name, mode: mode)
    }

    @discardableResult
    public func write(_ bytes: [UInt8], to name: String, mode: UInt32 = 0o644) throws(Errno) -> String {
        let path = self.file(name)
        let descriptor = try systemCall("open") { open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode) }
        defer { close(descriptor) }
        try systemCall("fchmod") { fchmod(descriptor, mode) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = try systemCall("write") {
                rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            }
            rest = rest.dropFirst(count)
        }
        return path
    }

    /// The text of a file, empty while there is none.
    public func read(_ name: String) -> String {
        contents(ofFile: self.file(name)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// The lines of a file, none while there is no such file.
    public func lines(_ name: String) -> [String] {
        self.read(name).split(separator: "\n").map(String.init)
    }

    public func exists(_ name: String) -> Bool {
        access(self.file(name), F_OK) == 0
    }

    private static func remove(_ path: String) {
        guard let directory = opendir(path) else {
            unlink(path)
            return
        }
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name != ".", name != ".." else { continue }
            if entry.pointee.d_type == UInt8(DT_DIR) {
                Self.remove("\(path)/\(name)")
            } else {
                unlink("\(path)/\(name)")
            }
        }
        closedir(directory)
        rmdir(path)
    }
}

/// What a symbolic link points to, `nil` when it cannot be read.
public func target(ofLink path: String) -> String? {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
        guard let start = buffer.baseAddress else { return nil }
        let count = readlink(path, start, buffer.count)
        guard count > 0 else { return nil }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// All bytes of a file, `nil` when it cannot be read. Also for files of /proc, which have no length.
public func contents(ofFile path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16384)
    while true {
        let count = read(descriptor, &buffer, buffer.count)
        if count > 0 {
            bytes += buffer[..<count]
        } else if count == 0 {
            return bytes
        } else if errno != EINTR {
            return nil
        }
    }
}
