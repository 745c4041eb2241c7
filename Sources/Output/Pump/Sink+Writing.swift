import Glibc
import LinuxSystem
import Supervision

extension Sink {
    /// What came of taking from a pipe.
    struct Taken {
        enum State {
            /// Nothing is left at present.
            case emptied
            /// The budget ended first.
            case more
            /// Nothing is left, and nothing will come.
            case ended
        }

        var bytes = 0
        /// Where they are in the stream, once the file is open.
        var start: UInt64?
        var state = State.emptied
    }

    /// Moves what waits in the pipe into the file, `budget` bytes at most. After an error nothing is lost: it is in the
    /// pipe or in `held`.
    func take(from source: Source, budget: Int, at now: Moment) throws(OutputFailure) -> Taken {
        var taken = Taken()
        var failure: OutputFailure?
        do throws(OutputFailure) {
            try self.move(from: source, budget: budget, at: now, &taken)
        } catch {
            failure = error
        }
        if taken.bytes > 0 {
            source.leftAtExit = max(0, source.leftAtExit - taken.bytes)
            self.came(taken.bytes, at: taken.start, now)
        }
        if let failure { throw failure }
        return taken
    }

    /// So many bytes have come from a run; `nil` for a start when they could not be written.
    private func came(_ count: Int, at start: UInt64?, _ now: Moment) {
        self.bytes += UInt64(count)
        guard let start else { return }
        self.index.came(at: start, now.wall)
        if self.index.isDue {
            self.flushIndex(all: false, at: now.monotonic)
        }
    }

    private func move(from source: Source, budget: Int, at now: Moment, _ taken: inout Taken) throws(OutputFailure) {
        while taken.bytes < budget {
            let available: Int
            switch PipeContents.waiting(in: source.pipe) {
            case .nothing:
                taken.state = .emptied
                return
            case .ended:
                taken.state = .ended
                return
            case .bytes(let count): available = min(count, budget - taken.bytes)
            }
            let file = try self.openFile(at: now)
            taken.start = taken.start ?? self.end
            let room = self.policy.maximumSize - file.size
            if self.copies || self.stamper != nil {
                guard let bytes = self.bench.take(from: source.pipe, count: available) else { continue }
                taken.bytes += bytes.count
                try self.write(self.stamped(bytes, of: source.run, at: now.wall), of: source.run, at: now)
            } else if room <= 0 {
                try self.finishLine(of: source, file, at: now, &taken)
            } else {
                try self.begin(source.run, at: now)
                let wanted = Int(min(room, Int64(available)))
                let piece = Self.piece(of: wanted, at: file.size)
                let moved = try self.splice(source, into: file, count: piece, at: now, &taken)
                // The rest is the beginning of the next piece.
                guard moved > 0, piece == wanted else { break }
            }
        }
        taken.state = .more
    }

    /// How much of `count` bytes is written at once.
    private static func piece(of count: Int, at position: Int64) -> Int {
        for unit in OutputLimits.pieceEnds {
            let end = (position + Int64(count)) / Int64(unit) * Int64(unit)
            if end > position { return Int(end - position) }
        }
        return count
    }

    /// Makes the index say that what follows is this run's.
    func begin(_ run: RunID?, at now: Moment) throws(OutputFailure) {
        if let newest = self.index.newestRun, newest.run == run { return }
        try self.folder.use(makes: true, group: self.policy.group, at: now.monotonic) { directory in
            self.index.runBegins(run, at: self.end, now.wall, in: directory)
        }
    }

    /// Moves bytes into the file inside the kernel; answers how many.
    private func splice(
        _ source: Source,
        into file: LogFile,
        count: Int,
        at now: Moment,
        _ taken: inout Taken
    ) throws(OutputFailure) -> Int {
        if count >= OutputLimits.smallestTransit, let transit = self.bench.transit, transit.isLarge, transit.count == 0,
            let entered = try? transit.enter(
                from: source.pipe,
                count: count,
                of: Transit.Owner(run: source.run, stream: self.id)
            ), entered > 0
        {
            taken.bytes += entered
            try self.land(transit, of: source.run, in: file, at: now)
            return entered
        }
        let moved = try self.moving(into: file) { position throws(Errno) in
            try PipeContents.move(from: source.pipe, to: file.number, at: position, count: count)
        }
        taken.bytes += moved
        return moved
    }

    /// One step of that. 0 when there was nothing, or the file system cannot do it, as `copies` says from then on.
    private func moving(
        into file: LogFile,
        _ move: (Int64) throws(Errno) -> Int
    ) throws(OutputFailure) -> Int {
        do throws(Errno) {
            let moved = try move(file.size)
            file.size += Int64(moved)
            self.end += UInt64(moved)
            return moved
        } catch {
            switch error.rawValue {
            case EAGAIN: return 0
            case EINVAL:
                self.copies = true
                return 0
            default:
                if self.bench.madeRoom(after: error) { return try self.moving(into: file, move) }
                throw OutputFailure("cannot write \(self.path)", error)
            }
        }
    }

    // MARK: In transit

    /// Writes all that is in the transit pipe, which is empty afterwards: what cannot be written is held.
    private func land(
        _ transit: Transit,
        of run: RunID,
        in file: LogFile,
        at now: Moment
    ) throws(OutputFailure) {
        do throws(OutputFailure) {
            while transit.count > 0, !self.copies {
                let moved = try self.moving(into: file) { position throws(Errno) in
                    try transit.leave(to: file.number, at: position)
                }
                guard moved > 0 else { break }
            }
        } catch {
            self.held.add(transit.takeAll()[...], of: run)
            throw error
        }
        // For a file system that takes them from memory only.
        if transit.count > 0 {
            try self.write(transit.takeAll(), of: run, at: now)
        }
    }

    /// Writes what the agent before this one had in transit when it died.
    func landLeft(in transit: Transit, of run: RunID, at now: Moment) throws(OutputFailure) {
        let count = transit.count
        var start: UInt64?
        defer { self.came(count, at: start, now) }
        let file: LogFile
        do throws(OutputFailure) {
            file = try self.openFile(at: now)
            start = self.end
            try self.begin(run, at: now)
        } catch {
            self.held.add(transit.takeAll()[...], of: run)
            throw error
        }
        try self.land(transit, of: run, in: file, at: now)
    }

    /// The file is full: lets a line that has begun in it end there, within a bound, and then begins another file.
    private func finishLine(
        of source: Source,
        _ file: LogFile,
        at now: Moment,
        _ taken: inout Taken
    ) throws(OutputFailure) {
        let overrun = Int(file.size - self.policy.maximumSize)
        // A line of another run is not this one's to end.
        let isOwn = self.index.newestRun?.run == source.run
        guard isOwn, overrun < OutputLimits.lineOverrun, !file.endsWithNewline else {
            return try self.rotate(at: now)
        }
        let seen = self.bench.peek(source.pipe, count: OutputLimits.lineOverrun - overrun)
        guard !seen.isEmpty else { return try self.rotate(at: now) }
        let newline = seen.firstIndex(of: UInt8(ascii: "\n"))
        // With the line's end in it, the next byte begins another file.
        let count = newline.map { $0 + 1 } ?? seen.count
        _ = try self.splice(source, into: file, count: count, at: now, &taken)
    }

    // MARK: Bytes in our hands

    /// Writes bytes that were taken from a pipe; what cannot be written is held.
    private func write(_ stamped: [UInt8], of run: RunID, at now: Moment) throws(OutputFailure) {
        var written = 0
        do throws(OutputFailure) {
            try self.begin(run, at: now)
            try self.append(stamped[...], written: &written, at: now)
        } catch {
            self.held.add(stamped[written...], of: run)
            throw error
        }
    }

    func stamped(_ bytes: UnsafeRawBufferPointer, of run: RunID, at time: Timestamp) -> [UInt8] {
        guard self.policy.timestamps else { return Array(bytes) }
        // Before the file could be opened for the first time, no line is known to have begun.
        var stamper = self.stamper ?? LineStamper(isInLine: false)
        let result = stamper.stamp(bytes, of: run, at: time)
        self.stamper = stamper
        return result
    }

    /// Writes to the end of the stream, into another file where the present one is full.
    func append(_ bytes: ArraySlice<UInt8>, written: inout Int, at now: Moment) throws(OutputFailure) {
        var rest = bytes
        while !rest.isEmpty {
            let file = try self.openFile(at: now)
            let part = self.fitting(rest, file)
            var count = 0
            var errno = part.withUnsafeBytes { file.append($0, written: &count) }
            if let error = errno, self.bench.madeRoom(after: error) {
                errno = part.withUnsafeBytes { file.append($0, written: &count) }
            }
            written += count
            self.end = file.end
            if let errno {
                throw OutputFailure("cannot write \(self.path)", errno)
            }
            rest = rest[part.endIndex...]
            if !rest.isEmpty {
                try self.rotate(at: now)
            }
        }
    }

    /// As much of it as belongs into this file: all, or up to the end of the line with which the file is full.
    private func fitting(_ bytes: ArraySlice<UInt8>, _ file: LogFile) -> ArraySlice<UInt8> {
        let room = max(0, self.policy.maximumSize - file.size)
        guard Int64(bytes.count) > room else { return bytes }
        let bound = self.policy.maximumSize + Int64(OutputLimits.lineOverrun) - file.size
        let first = bytes.startIndex + Int(room)
        let last = bytes.startIndex + Int(min(Int64(bytes.count), max(0, bound)))
        // The line may have ended right at the bound.
        let endsThere = room > 0 ? bytes[first - 1] == UInt8(ascii: "\n") : file.endsWithNewline
        guard !endsThere, first < last else { return bytes[..<first] }
        let newline = bytes[first..<last].firstIndex(of: UInt8(ascii: "\n"))
        return bytes[..<(newline.map { $0 + 1 } ?? last)]
    }

    // MARK: Rotation

    /// Begins another file. A death in the middle of it leaves no byte without its place: at worst a number is left out.
    func rotate(at now: Moment) throws(OutputFailure) {
        let next = try self.folder.use(makes: true, group: self.policy.group, at: now.monotonic) {
            directory throws(OutputFailure) in
            let next = try self.makeFile(in: directory, at: now.wall)
            let keep = self.policy.keepFiles
            // Also those that are too many since fewer are to be kept.
            var number = max(1, keep)
            while self.unlink(self.names.full(number), in: directory) {
                number += 1
            }
            if keep == 0 {
                _ = self.unlink(self.names.current, in: directory)
            } else {
                for number in stride(from: keep - 1, through: 1, by: -1) {
                    try self.rename(self.names.full(number), to: self.names.full(number + 1), in: directory)
                }
                try self.rename(self.names.current, to: self.names.full(1), in: directory)
            }
            try self.rename(self.names.next, to: self.names.current, in: directory)
            return next
        }
        self.closeFile()
        self.file = next
    }

    /// Answers whether there was such a file.
    private func unlink(_ name: String, in directory: Int32) -> Bool {
        guard self.policy.maximumSize >= OutputLimits.largeFile,
            let file = try? Descriptor.open(name, beneath: directory, O_RDONLY | O_NONBLOCK)
        else { return unlinkat(directory, name, 0) == 0 }
        let wasThere = unlinkat(directory, name, 0) == 0
        self.bench.disposal.close(file)
        return wasThere
    }

    func flushIndex(all: Bool, at now: MonotonicInstant) {
        // Where there is no directory there is nothing to find in it either.
        _ = try? self.folder.use(makes: false, at: now) { directory throws(OutputFailure) in
            self.index.flush(all: all, in: directory)
        }
    }
}
