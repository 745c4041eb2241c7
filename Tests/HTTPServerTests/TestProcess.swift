import Glibc

/// What the tests want to know of their own process.
enum TestProcess {
    static var pid: Int32 { getpid() }
    static var uid: UInt32 { getuid() }
    static var gid: UInt32 { getgid() }

    static var groups: [UInt32] {
        var groups = [gid_t](repeating: 0, count: 1024)
        let count = getgroups(Int32(groups.count), &groups)
        return groups.prefix(Int(max(count, 0))).sorted()
    }

    static var descriptorCount: Int {
        guard let directory = opendir("/proc/self/fd") else { return -1 }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil {
            count += 1
        }
        return count
    }

    /// For what can only be seen by its absence.
    static func pause(milliseconds: Int32) {
        poll(nil, 0, milliseconds)
    }
}

/// Whether `condition` comes true within a bound that only a failing test reaches.
func eventually(_ condition: () -> Bool) -> Bool {
    for _ in 0..<10_000 {
        if condition() {
            return true
        }
        TestProcess.pause(milliseconds: 1)
    }
    return false
}

/// A directory of its own, removed with what is in it.
final class TemporaryDirectory {
    let path: String

    init() {
        var template = Array("/tmp/reeve-http-XXXXXX".utf8CString)
        guard let name = mkdtemp(&template) else { preconditionFailure("cannot make a directory in /tmp") }
        self.path = String(cString: name)
    }

    deinit {
        if let directory = opendir(self.path) {
            while let entry = readdir(directory) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name != ".", name != ".." {
                    unlink("\(self.path)/\(name)")
                    rmdir("\(self.path)/\(name)")
                }
            }
            closedir(directory)
        }
        rmdir(self.path)
    }
}
