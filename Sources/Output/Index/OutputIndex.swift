import Glibc
import LinuxSystem
import Supervision

/// The index of a stream, in a small file beside its output. A record is in the file before the bytes that it speaks of
/// are in theirs, so that no death of the agent leaves output of which nobody knows whose it is; only marks of time gather
/// in memory for a while.
///
/// What cannot be written waits: the index is never a reason to lose output.
final class OutputIndex {
    private let names: LogNames
    /// How many files there are at most: what was before them is forgotten at times.
    var files = 1
    /// What is in the file, and what waits; `nil` while nobody needs it.
    private var contents: IndexContents?
    /// Records in the file.
    private var written = 0
    private var waiting: [IndexRecord] = []
    /// The mark of time that still grows.
    private var openTime: IndexContents.Time?
    /// The newest run, to know when another begins.
    private(set) var newestRun: IndexContents.Run?
    /// Why it cannot be written.
    private(set) var failure: OutputFailure?
    private(set) var foundDamage = false
    /// The largest position that was known when it was read for the first time.
    private(set) var knownEnd: UInt64?

    init(_ names: LogNames) {
        self.names = names
    }

    /// All that is known, the open mark of time included.
    func contents(in directory: Int32) -> IndexContents {
        var contents = self.loaded(directory)
        if let time = self.openTime {
            contents.add(IndexRecord(offset: time.offset, at: time.first, .time(last: time.last)))
        }
        return contents
    }

    private func loaded(_ directory: Int32) -> IndexContents {
        if let contents = self.contents { return contents }
        var contents = IndexContents()
        let bytes = self.read(directory)
        // A write that was cut off: what is whole before it counts.
        var isWhole = bytes.count % IndexRecord.size == 0
        bytes.withUnsafeBytes { bytes in
            for position in stride(from: 0, through: bytes.count - IndexRecord.size, by: IndexRecord.size) {
                if let record = IndexRecord(bytes, at: position) {
                    contents.add(record)
                } else {
                    isWhole = false
                    self.foundDamage = true
                }
            }
        }
        // One that is not whole is written anew with the next record.
        self.written = isWhole ? bytes.count / IndexRecord.size : .max
        if self.knownEnd == nil {
            self.knownEnd = contents.end
            self.newestRun = contents.runs.last
        }
        for record in self.waiting {
            contents.add(record)
        }
        self.contents = contents
        return contents
    }

    private func read(_ directory: Int32) -> [UInt8] {
        let bytes = try? self.with(self.names.index, in: directory, O_RDONLY) { number throws(Errno) in
            var bytes = [UInt8](repeating: 0, count: 2 * OutputLimits.indexRecords * IndexRecord.size)
            var count = 0
            while count < bytes.count {
                let more = bytes.withUnsafeMutableBytes { buffer in
                    Glibc.read(number, buffer.baseAddress?.advanced(by: count), buffer.count - count)
                }
                guard more > 0 else { break }
                count += more
            }
            bytes.removeLast(bytes.count - count)
            return bytes
        }
        return bytes ?? []
    }

    /// Opens a file of the index for `body`; EPERM for one that is not the agent's own.
    private func with<Result>(
        _ name: String,
        in directory: Int32,
        _ flags: Int32,
        _ body: (Int32) throws(Errno) -> Result
    ) throws(Errno) -> Result {
        let file = try Descriptor.open(name, beneath: directory, flags | O_NONBLOCK, mode: 0o640)
        do throws(Errno) {
            var status = stat()
            guard fstat(file.rawValue, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_nlink == 1,
                status.st_uid == geteuid()
            else { throw Errno(rawValue: EPERM) }
            let result = try body(file.rawValue)
            file.close()
            return result
        } catch {
            file.close()
            throw error
        }
    }

    /// Forgets what can be read again.
    func unload() {
        self.contents = nil
    }

    // MARK: Records

    func fileBegins(_ inode: UInt64, at offset: UInt64, _ now: Timestamp, in directory: Int32) {
        self.add([IndexRecord(offset: offset, at: now, .file(inode: inode))], directory)
    }

    func runBegins(_ run: RunID?, at offset: UInt64, _ now: Timestamp, in directory: Int32) {
        self.newestRun = IndexContents.Run(offset: offset, run: run, at: now)
        self.add([IndexRecord(offset: offset, at: now, .run(run))], directory)
    }

    /// Output came, and begins at `offset`.
    func came(at offset: UInt64, _ now: Timestamp) {
        guard var time = self.openTime else {
            self.openTime = IndexContents.Time(offset: offset, first: now, last: now)
            return
        }
        let age = now.nanosecondsSinceEpoch - time.first.nanosecondsSinceEpoch
        // A clock that was set back begins a mark too.
        guard age < 0 || age >= OutputLimits.timeResolution.nanoseconds else {
            time.last = now
            self.openTime = time
            return
        }
        let record = IndexRecord(offset: time.offset, at: time.first, .time(last: time.last))
        self.waiting.append(record)
        self.contents?.add(record)
        self.openTime = IndexContents.Time(offset: offset, first: now, last: now)
    }

    /// Whether so much waits that it is time to write it.
    var isDue: Bool { self.waiting.count >= OutputLimits.pendingTimes && self.failure == nil }

    /// Writes what waits; with `all` the open mark of time too.
    func flush(all: Bool, in directory: Int32) {
        if all, let time = self.openTime {
            let record = IndexRecord(offset: time.offset, at: time.first, .time(last: time.last))
            self.waiting.append(record)
            self.contents?.add(record)
            self.openTime = nil
        }
        self.add([], directory)
    }

    private func add(_ records: [IndexRecord], _ directory: Int32) {
        if self.knownEnd == nil {
            // It says how many records there are.
            _ = self.loaded(directory)
        }
        for record in records {
            self.contents?.add(record)
        }
        self.waiting += records
        guard !self.waiting.isEmpty else { return }
        do throws(Errno) {
            if self.written > OutputLimits.indexRecords - self.waiting.count {
                try self.writeAnew(directory)
            } else {
                try self.writeWaiting(directory)
            }
            self.failure = nil
        } catch {
            self.failure = OutputFailure("cannot write \(self.names.index)", error)
            if self.waiting.count > OutputLimits.indexRecords / 2 {
                self.waiting.removeFirst(self.waiting.count / 2)
            }
        }
    }

    private func writeWaiting(_ directory: Int32) throws(Errno) {
        // What a death in the middle of a write has left is written over.
        let position = self.written * IndexRecord.size
        let isWhole = try self.with(self.names.index, in: directory, O_WRONLY | O_CREAT) { number throws(Errno) in
            var status = stat()
            // Somebody may have removed or shortened it.
            guard fstat(number, &status) == 0, Int(status.st_size) >= position else { return false }
            try Self.write(self.waiting, to: number, at: position)
            return true
        }
        guard isWhole else { return try self.writeAnew(directory) }
        self.written += self.waiting.count
        self.waiting = []
    }

    private func writeAnew(_ directory: Int32) throws(Errno) {
        var contents = self.loaded(directory)
        contents.compact(files: self.files)
        let records = contents.records
        let temporary = self.names.nextIndex
        _ = unlinkat(directory, temporary, 0)
        try self.with(temporary, in: directory, O_WRONLY | O_CREAT | O_EXCL) { number throws(Errno) in
            try Self.write(records, to: number, at: 0)
        }
        try systemCall("renameat") { renameat(directory, temporary, directory, self.names.index) }
        self.contents = contents
        self.written = records.count
        self.waiting = []
    }

    private static func write(_ records: [IndexRecord], to number: Int32, at position: Int) throws(Errno) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(records.count * IndexRecord.size)
        for record in records {
            record.append(to: &bytes)
        }
        var done = 0
        while done < bytes.count {
            let count = try systemCall("pwrite") {
                bytes.withUnsafeBytes { buffer in
                    pwrite(number, buffer.baseAddress?.advanced(by: done), buffer.count - done, off_t(position + done))
                }
            }
            guard count > 0 else { throw Errno(rawValue: ENOSPC) }
            done += count
        }
    }
}
