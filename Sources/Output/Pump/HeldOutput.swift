import Supervision

/// The newest output of a stream that cannot be written, in memory up to a bound; what is dropped is the oldest, and counted.
struct HeldOutput {
    struct Piece {
        /// `nil` for what the agent itself wrote.
        var run: RunID?
        var bytes: ArraySlice<UInt8>
    }

    private(set) var pieces: [Piece] = []
    private(set) var count = 0
    /// Dropped since the last marker; all of it stood before the pieces.
    private(set) var dropped: UInt64 = 0

    var isEmpty: Bool { self.pieces.isEmpty && self.dropped == 0 }

    mutating func add(_ bytes: ArraySlice<UInt8>, of run: RunID) {
        guard !bytes.isEmpty else { return }
        self.count += bytes.count
        // Small ones are put together, so that the number of pieces is bounded by that of bytes.
        if let last = self.pieces.last, last.run == run, last.bytes.count < 4096 {
            self.pieces[self.pieces.count - 1].bytes += bytes
        } else {
            self.pieces.append(Piece(run: run, bytes: bytes))
        }
    }

    /// Drops the oldest until no more than `limit` bytes are left; answers how many were dropped.
    mutating func trim(to limit: Int) -> Int {
        var excess = self.count - limit
        guard excess > 0 else { return 0 }
        let total = excess
        var whole = 0
        while whole < self.pieces.count, self.pieces[whole].bytes.count <= excess {
            excess -= self.pieces[whole].bytes.count
            whole += 1
        }
        self.pieces.removeFirst(whole)
        if excess > 0 {
            self.pieces[0].bytes.removeFirst(excess)
        }
        self.count -= total
        self.dropped += UInt64(total)
        return total
    }

    /// The first `count` bytes of the first piece were written.
    mutating func wrote(_ count: Int) {
        self.count -= count
        self.pieces[0].bytes.removeFirst(count)
        if self.pieces[0].bytes.isEmpty {
            self.pieces.removeFirst()
        }
    }

    /// The gap was told.
    mutating func marked() {
        self.dropped = 0
    }

    /// The last `limit` bytes of a run, as far as they are here, and whether all of what is here was the run's.
    func tail(of run: RunID, limit: Int) -> [UInt8] {
        var tail: [UInt8] = []
        for piece in self.pieces.reversed() where piece.run == run {
            tail = piece.bytes.suffix(limit - tail.count) + tail
            guard tail.count < limit else { break }
        }
        return tail
    }
}
