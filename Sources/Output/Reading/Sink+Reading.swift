import Glibc
import LinuxSystem
import Supervision

extension Sink {
    /// Where its bytes are now; none where they cannot be read.
    func map(at now: MonotonicInstant) -> StreamMap {
        let map = try? self.folder.use(makes: false, at: now) { directory throws(OutputFailure) in
            self.findEnd(in: directory, at: Timestamp(nanosecondsSinceEpoch: 0))
            let contents = self.index.contents(in: directory)
            var files: [StreamMap.File] = []
            for name in LogFolder.names(in: directory) where self.names.isOutput(name) {
                var status = stat()
                guard fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0,
                    status.st_mode & S_IFMT == S_IFREG
                else { continue }
                let identity = FileIdentity(status)
                // One of which nobody knows is the newest, if it has that name.
                let unknown = name == self.names.current ? self.end : nil
                guard let start = contents.start(ofInode: identity.inode) ?? unknown else { continue }
                let end = start + UInt64(status.st_size)
                files.append(StreamMap.File(name: name, identity: identity, start: start, end: end))
            }
            return StreamMap(files: files, contents: contents, end: self.end)
        }
        return map ?? StreamMap(files: [], contents: IndexContents(), end: self.end)
    }

    /// Bytes from `position` on, out of one file; fewer than `count` at its end.
    func read(_ map: StreamMap, from position: UInt64, count: Int, at now: MonotonicInstant) -> [UInt8] {
        guard let part = map.file(at: position), part.start <= position else { return [] }
        let wanted = min(count, Int(part.end - position))
        let offset = off_t(position - part.start)
        if let file = self.file, file.identity == part.identity {
            return Self.read(file.number, offset, wanted)
        }
        let bytes = try? self.folder.use(makes: false, at: now) { directory throws(OutputFailure) in
            guard let opened = try? Descriptor.open(part.name, beneath: directory, O_RDONLY | O_NONBLOCK) else {
                return [UInt8]()
            }
            let bytes =
                FileIdentity(of: opened.rawValue) == part.identity ? Self.read(opened.rawValue, offset, wanted) : []
            opened.close()
            return bytes
        }
        return bytes ?? []
    }

    private static func read(_ file: Int32, _ offset: off_t, _ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while initialized < count {
                let rest = buffer.baseAddress?.advanced(by: initialized)
                let more = pread(file, rest, count - initialized, offset + off_t(initialized))
                guard more > 0 else { break }
                initialized += more
            }
        }
    }

    /// What follows at `position`, `limit` bytes at most, of one run and one time; `nil` when there is nothing for this
    /// selection. `position` goes to where the reader is to go on in either case, and `missed` grows by what of the selection stood
    /// before that and cannot be read any more.
    func chunk(
        _ map: StreamMap,
        at position: inout UInt64,
        _ selection: OutputSelection,
        limit: Int,
        missed: inout UInt64,
        _ now: MonotonicInstant
    ) -> OutputChunk? {
        while position < map.end {
            let (run, runEnd) = map.contents.run(at: position)
            if let wanted = selection.run, run != wanted {
                position = min(runEnd ?? map.end, map.end)
                continue
            }
            let (time, timeEnd) = map.contents.time(at: position)
            let bound = min(runEnd ?? map.end, map.end)
            let bytes = self.read(map, from: position, count: Int(min(UInt64(limit), bound - position)), at: now)
            guard !bytes.isEmpty else {
                // What stood here cannot be read any more.
                let next = min(map.files.first { $0.start > position }?.start ?? map.end, bound)
                missed += next - position
                position = next
                continue
            }
            let last = position + UInt64(bytes.count)
            var count = bytes.count
            if let timeEnd, timeEnd < last {
                count = Self.endOfLine(bytes, from: Int(timeEnd - position))
            } else if last < bound || (last == map.end && selection.wholeLines && self.mayGrow(run)) {
                // A line that goes on is left for later, unless it is longer than what is answered at once.
                if let newline = bytes.lastIndex(of: UInt8(ascii: "\n")) {
                    count = newline + 1
                } else if bytes.count < limit, last == map.end {
                    return nil
                }
            }
            let start = position
            position += UInt64(count)
            return OutputChunk(
                id: self.id,
                run: run,
                offset: start,
                time: time,
                bytes: count == bytes.count ? bytes : Array(bytes[..<count])
            )
        }
        return nil
    }

    /// Where the line ends that is being written at `index`, which is where something else begins.
    private static func endOfLine(_ bytes: [UInt8], from index: Int) -> Int {
        (bytes[(index - 1)...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count - 1) + 1
    }

    private func mayGrow(_ run: RunID?) -> Bool {
        self.sources.contains { $0.run == run }
    }

    /// Where the last `count` lines of the selection begin, the newest first; looks through `budget` bytes at most.
    func lineStarts(
        _ map: StreamMap,
        _ selection: OutputSelection,
        count: Int,
        budget: Int,
        _ now: MonotonicInstant
    ) -> [UInt64] {
        var starts: [UInt64] = []
        var budget = budget
        let low = selection.since.map { map.contents.offset(since: $0) ?? map.end } ?? 0
        for range in map.ranges(of: selection.run, from: low).reversed() {
            var end = range.upperBound
            while let piece = map.piece(before: end, from: range.lowerBound, count: OutputLimits.chunk) {
                guard starts.count < count, budget > 0 else { return starts }
                let bytes = self.read(map, from: piece.lowerBound, count: piece.count, at: now)
                budget -= piece.count
                // A newline at the very end of the range ends its last line and begins none.
                for index in bytes.indices.reversed() where bytes[index] == UInt8(ascii: "\n") {
                    let start = piece.lowerBound + UInt64(index) + 1
                    guard start < range.upperBound else { continue }
                    starts.append(start)
                    guard starts.count < count else { return starts }
                }
                end = piece.lowerBound
            }
            starts.append(range.lowerBound)
        }
        return starts
    }

    /// The last bytes of a run, `limit` at most, and what of it is still in memory.
    func tail(of run: RunID, limit: Int, at now: MonotonicInstant) -> [UInt8] {
        let held = self.held.tail(of: run, limit: limit)
        guard held.count < limit else { return held }
        var tail: [UInt8] = []
        let wanted = limit - held.count
        if let file = self.file, let newest = self.index.newestRun, newest.run == run, newest.offset >= file.start {
            // The usual case: it wrote last, and into this file only.
            let count = min(UInt64(wanted), file.end - newest.offset)
            tail = Self.read(file.number, off_t(file.end - count - file.start), Int(count))
        } else {
            let map = self.map(at: now)
            for range in map.ranges(of: run, from: 0).reversed() {
                var end = range.upperBound
                while tail.count < wanted,
                    let piece = map.piece(before: end, from: range.lowerBound, count: wanted - tail.count)
                {
                    tail = self.read(map, from: piece.lowerBound, count: piece.count, at: now) + tail
                    end = piece.lowerBound
                }
            }
        }
        return tail + held
    }
}
