import LinuxSystem
import Supervision

extension Sink {
    /// It cannot be written; answers whether that is news.
    func fail(_ failure: OutputFailure, at now: Moment) -> Bool {
        // Opened anew next time, because the path may be what is wrong with it.
        self.closeFile()
        let isNew = self.trouble == nil
        let delay = self.trouble.map { min($0.delay * 2, OutputLimits.lastRetry) } ?? OutputLimits.firstRetry
        self.trouble = Trouble(
            reason: failure.message,
            retryAt: now.monotonic.advanced(by: delay),
            delay: delay
        )
        return isNew
    }

    /// While nothing can be written: takes what is in pipes that are half full into memory, so that their writers are not
    /// blocked for ever, and all of it from those of ended runs. Answers the sources that have come to their end.
    func relieve(limit: Int, at now: Moment) -> [Source] {
        var ended: [Source] = []
        for source in self.sources {
            switch PipeContents.waiting(in: source.pipe) {
            case .nothing: break
            case .ended: ended.append(source)
            case .bytes(let count):
                if source.hasExited || count >= source.capacity / 2 {
                    self.hold(source, count: count, limit: limit, at: now)
                }
            }
        }
        return ended
    }

    private func hold(_ source: Source, count: Int, limit: Int, at now: Moment) {
        var left = count
        while left > 0, let bytes = self.bench.take(from: source.pipe, count: left), !bytes.isEmpty {
            left -= bytes.count
            self.bytes += UInt64(bytes.count)
            source.leftAtExit = max(0, source.leftAtExit - bytes.count)
            self.held.add(self.stamped(bytes, of: source.run, at: now.wall)[...], of: source.run)
            self.dropped += UInt64(self.held.trim(to: limit))
        }
    }

    func trimHeld(to limit: Int) {
        self.dropped += UInt64(self.held.trim(to: limit))
    }

    /// Tries again: the line that tells the gap, then what is in memory. The pipes follow.
    func restore(at now: Moment) throws(OutputFailure) {
        let file = try self.openFile(at: now)
        if self.held.dropped > 0, let reason = self.trouble?.reason {
            let stamp = self.policy.timestamps ? "\(TimestampText.format(now.wall)) " : ""
            let line = "\(stamp)[reeve: \(self.held.dropped) bytes of output were dropped here: \(reason)]\n"
            try self.begin(nil, at: now)
            var written = 0
            try self.append(Array((file.endsWithNewline ? line : "\n\(line)").utf8)[...], written: &written, at: now)
            self.held.marked()
        }
        let start = self.end
        while let piece = self.held.pieces.first {
            try self.begin(piece.run, at: now)
            var written = 0
            do throws(OutputFailure) {
                try self.append(piece.bytes, written: &written, at: now)
                self.held.wrote(written)
            } catch {
                if written > 0 {
                    self.held.wrote(written)
                }
                throw error
            }
        }
        if self.end > start {
            self.index.came(at: start, now.wall)
        }
        self.trouble = nil
    }
}
