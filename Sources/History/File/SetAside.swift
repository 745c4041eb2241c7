internal import Glibc
internal import LinuxSystem
internal import Supervision

/// A database file that could not be used: where it is now, and why.
public struct SetAside: Equatable, Sendable {
    /// Its log lies beside it under the same name with `-wal`, so that a database shell still reads what can be read.
    public var path: String
    /// A clause, such as "it is damaged: database disk image is malformed".
    public var reason: String

    /// A sentence for people.
    public var message: String {
        "the history could not be used, because \(self.reason); it was set aside as \(self.path), and a new one begun"
    }

    /// Renames the file and what belongs to it. Never deletes anything, however many there are already.
    static func move(_ path: String, because reason: String, at now: Timestamp) throws(Errno) -> SetAside {
        let stem = path.hasSuffix(".db") ? String(path.dropLast(3)) : path
        // Without colons, which people would have to quote.
        let time = TimestampText.format(now).filter { $0 != ":" && $0 != "-" }
        var target = "\(stem).set-aside-\(time).db"
        var number = 2
        while self.exists(target) || self.exists(target + "-wal") {
            target = "\(stem).set-aside-\(time)-\(number).db"
            number += 1
        }
        // The log first: a death in between leaves the file without its log, and never a new file beside an old log.
        for suffix in ["-wal", "-journal", "-shm", ""] where self.exists(path + suffix) {
            try systemCall("rename") { rename(path + suffix, target + suffix) }
        }
        return SetAside(path: target, reason: reason)
    }

    /// Whether there can be anything in it. SQLite deletes the log of an empty file, even of one that it may only read.
    var isWorthReading: Bool {
        var info = stat()
        return stat(self.path, &info) == 0 && info.st_mode & S_IFMT == S_IFREG && info.st_size > 0
    }

    private static func exists(_ path: String) -> Bool {
        var info = stat()
        return lstat(path, &info) == 0
    }
}
