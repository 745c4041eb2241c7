internal import Glibc
internal import LinuxSystem

/// The file `history.seq`: which numbers may have been given, so that none is given twice even when the database is lost.
///
/// Numbers are reserved in ranges before they are given, which the disk is made to have once in a thousand exits. After each
/// commit the beginning of the range follows, before anybody sees the new numbers: a death of the agent leaves no gap. The
/// file is written in place, with one call and within one sector: that works on a full disk too, and what a death in the middle
/// of it leaves is the old text or the new one.
struct SequenceFile {
    enum Mode: String {
        /// Closed in order: the ends of the ranges are the last numbers that were given.
        case exact
        /// In use: all numbers before the ranges were given; of the ranges some may have been, should the kernel not have
        /// written what it was told last; and none after them.
        case open
    }

    struct Content: Equatable {
        var mode: Mode
        var exits: ClosedRange<Int64>
        var transitions: ClosedRange<Int64>
        /// The boot in which it was written: what was committed shortly before a loss of power may be gone.
        var bootID: String
    }

    /// The text is filled up to it with spaces, so that an old one is always covered. Shorter than a sector, which disks
    /// write whole or not at all.
    private static let length = 256

    let path: String

    /// `nil` when there is no file or it cannot be understood.
    func read() -> Content? {
        guard let text = SmallFile.text(self.path) else { return nil }
        let words = text.split { $0 == " " || $0 == "\n" }.map(String.init)
        // The last word tells that none is missing.
        guard words.count == 8, words[0] == "reeve-history", let mode = Mode(rawValue: words[1]), words[7] == "end",
            let exits = Self.range(words[2], words[3]), let transitions = Self.range(words[4], words[5])
        else { return nil }
        return Content(mode: mode, exits: exits, transitions: transitions, bootID: words[6])
    }

    private static func range(_ low: String, _ high: String) -> ClosedRange<Int64>? {
        guard let low = Int64(low), let high = Int64(high), 0 <= low, low <= high, high < .max / 2 else { return nil }
        return low...high
    }

    /// - Parameter isSynced: whether it is to survive a loss of power too, which a disk that fails may take long to do.
    func write(_ content: Content, isSynced: Bool) throws(Errno) {
        let boot = content.bootID.isEmpty ? "unknown" : content.bootID
        let text = """
            reeve-history \(content.mode.rawValue) \(content.exits.lowerBound) \(content.exits.upperBound) \
            \(content.transitions.lowerBound) \(content.transitions.upperBound) \(boot) end
            """
        var bytes = Array(text.utf8.prefix(Self.length - 1))
        bytes += [UInt8](repeating: UInt8(ascii: " "), count: Self.length - 1 - bytes.count) + [UInt8(ascii: "\n")]
        let isNew = access(self.path, F_OK) != 0
        let file = try Descriptor.open(self.path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, mode: 0o600)
        let number = file.rawValue
        do throws(Errno) {
            let count = try systemCall("pwrite") { pwrite(number, bytes, bytes.count, 0) }
            guard count == bytes.count else { throw Errno(rawValue: ENOSPC) }
            if isSynced {
                try systemCall("fdatasync") { fdatasync(number) }
            }
        } catch {
            file.close()
            throw error
        }
        file.close()
        if isNew, isSynced {
            try Self.syncDirectory(of: self.path)
        }
    }

    private static func syncDirectory(of path: String) throws(Errno) {
        let parent = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let directory = try Descriptor.open(parent, O_RDONLY | O_DIRECTORY)
        let number = directory.rawValue
        let result = fsync(number)
        let error = Errno.current
        directory.close()
        guard result == 0 else { throw error }
    }
}
