import Supervision

/// Where the bytes of a stream are at one moment.
struct StreamMap {
    struct File {
        var name: String
        var identity: FileIdentity
        var start: UInt64
        var end: UInt64
    }

    /// In the order of the stream.
    let files: [File]
    let contents: IndexContents

    /// The oldest byte that is kept, and the end.
    let start: UInt64
    let end: UInt64

    /// - Parameter end: where the stream ends when there is no output of it.
    init(files: [File], contents: IndexContents, end: UInt64) {
        var ordered: [File] = []
        for file in files.sorted(by: { $0.start < $1.start }) where file.end > file.start {
            // Of two that claim the same bytes one is known by an inode that another file had before it.
            if let last = ordered.last, file.start < last.end { continue }
            ordered.append(file)
        }
        self.files = ordered
        self.contents = contents
        self.start = ordered.first?.start ?? end
        self.end = ordered.last?.end ?? end
    }

    /// The file in which a position is, or the first one after it.
    func file(at position: UInt64) -> File? {
        self.files.first { $0.end > position }
    }

    /// The last bytes before `end` that one file holds, `count` at most; `nil` when nothing is kept between `low` and `end`.
    /// Between two files there may be a gap: what somebody truncated or removed.
    func piece(before end: UInt64, from low: UInt64, count: Int) -> Range<UInt64>? {
        guard let file = self.files.last(where: { $0.start < end }) else { return nil }
        let top = min(end, file.end)
        guard top > low else { return nil }
        return max(low, file.start, top - min(top, UInt64(count)))..<top
    }

    /// The parts of the stream that are selected, between `low` and the end, in their order.
    func ranges(of run: RunID?, from low: UInt64) -> [Range<UInt64>] {
        let low = max(low, self.start)
        guard low < self.end else { return [] }
        guard let run else { return [low..<self.end] }
        return self.contents.parts(of: run).compactMap { part in
            let first = max(part.start, low)
            let last = min(part.end ?? self.end, self.end)
            return first < last ? first..<last : nil
        }
    }
}
