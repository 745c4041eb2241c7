import Glibc
import Testing

/// A new directory for one test.
struct TemporaryDirectory {
    let path: String

    init() throws {
        var template = Array("/tmp/reeve-test-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        self.path = template.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }

    /// Writes a file and returns its path.
    func file(_ name: String, _ text: String, mode: mode_t = 0o755) throws -> String {
        let path = "\(self.path)/\(name)"
        let number = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        try #require(number >= 0)
        let bytes = Array(text.utf8)
        try #require(write(number, bytes, bytes.count) == bytes.count)
        fchmod(number, mode)
        close(number)
        return path
    }

    func directory(_ name: String, mode: mode_t = 0o755) throws -> String {
        let path = "\(self.path)/\(name)"
        try #require(mkdir(path, mode) == 0)
        return path
    }

    /// Removes the directory and what is in it.
    func remove() {
        Self.remove(self.path)
    }

    private static func remove(_ path: String) {
        if let directory = opendir(path) {
            while let entry = readdir(directory) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
                let inner = "\(path)/\(name)"
                if name != ".", name != "..", unlink(inner) != 0 {
                    Self.remove(inner)
                }
            }
            closedir(directory)
        }
        rmdir(path)
    }
}
