import Supervision

/// What is known of a stream: where its files and runs begin, and when what came.
struct IndexContents {
    struct File {
        var start: UInt64
        var inode: UInt64
        var at: Timestamp
    }

    struct Run {
        var offset: UInt64
        /// `nil` for what the agent itself wrote.
        var run: RunID?
        var at: Timestamp
    }

    struct Time {
        var offset: UInt64
        var first: Timestamp
        var last: Timestamp
    }

    /// All of them in the order of their offsets.
    private(set) var files: [File] = []
    private(set) var runs: [Run] = []
    private(set) var times: [Time] = []

    var count: Int { self.files.count + self.runs.count + self.times.count }

    /// The largest position that anything is known of.
    var end: UInt64 {
        max(self.files.last?.start ?? 0, self.runs.last?.offset ?? 0, self.times.last?.offset ?? 0)
    }

    /// The later one of two records for the same thing counts; one that goes back behind its predecessors, which only a
    /// lost file can bring about, replaces those after it.
    mutating func add(_ record: IndexRecord) {
        switch record.content {
        case .file(let inode):
            self.files.removeAll { $0.inode == inode || $0.start > record.offset }
            self.files.append(File(start: record.offset, inode: inode, at: record.at))
        case .run(let run):
            while let last = self.runs.last, last.offset >= record.offset {
                self.runs.removeLast()
            }
            self.runs.append(Run(offset: record.offset, run: run, at: record.at))
        case .time(let last):
            while let previous = self.times.last, previous.offset >= record.offset {
                self.times.removeLast()
            }
            self.times.append(Time(offset: record.offset, first: record.at, last: last))
        }
    }

    /// Where the file begins that has this inode now.
    func start(ofInode inode: UInt64) -> UInt64? {
        self.files.last { $0.inode == inode }?.start
    }

    /// The run to which the byte at `offset` belongs, and where what follows it in the stream belongs to another.
    func run(at offset: UInt64) -> (run: RunID?, end: UInt64?) {
        let next = Self.firstIndex(self.runs.count) { self.runs[$0].offset > offset }
        return (next > 0 ? self.runs[next - 1].run : nil, next < self.runs.count ? self.runs[next].offset : nil)
    }

    /// When the byte at `offset` came, to the resolution of the index, and where that ceases to hold.
    func time(at offset: UInt64) -> (time: Timestamp?, end: UInt64?) {
        let next = Self.firstIndex(self.times.count) { self.times[$0].offset > offset }
        return (next > 0 ? self.times[next - 1].first : nil, next < self.times.count ? self.times[next].offset : nil)
    }

    /// Where what came at `time` or later begins; `nil` when nothing did.
    func offset(since time: Timestamp) -> UInt64? {
        let next = Self.firstIndex(self.times.count) { self.times[$0].last >= time }
        return next < self.times.count ? self.times[next].offset : nil
    }

    /// The parts of the stream that a run wrote; the last one may be open.
    func parts(of run: RunID) -> [(start: UInt64, end: UInt64?)] {
        self.runs.indices.filter { self.runs[$0].run == run }.map { index in
            (self.runs[index].offset, index + 1 < self.runs.count ? self.runs[index + 1].offset : nil)
        }
    }

    /// Forgets what was before the newest `files` files, the oldest runs, and every other old mark of time, so that the
    /// count is at most half of the bound.
    mutating func compact(files: Int) {
        self.files.removeFirst(max(0, self.files.count - min(files, OutputLimits.indexRecords / 10)))
        let start = self.files.first?.start ?? 0
        let firstRun = max(0, Self.firstIndex(self.runs.count) { self.runs[$0].offset > start } - 1)
        self.runs.removeFirst(max(firstRun, self.runs.count - OutputLimits.indexRuns / 2))
        let firstTime = max(0, Self.firstIndex(self.times.count) { self.times[$0].offset > start } - 1)
        self.times.removeFirst(firstTime)
        while self.times.count > OutputLimits.indexTimes / 2 {
            // The newer half stays as it is.
            let old = self.times.count / 2
            var thinned: [Time] = []
            for index in 0..<old {
                if index % 2 == 0 {
                    thinned.append(self.times[index])
                } else {
                    thinned[thinned.count - 1].last = max(thinned[thinned.count - 1].last, self.times[index].last)
                }
            }
            self.times = thinned + self.times[old...]
        }
    }

    /// In an order in which `add` builds the same.
    var records: [IndexRecord] {
        self.files.map { IndexRecord(offset: $0.start, at: $0.at, .file(inode: $0.inode)) }
            + self.runs.map { IndexRecord(offset: $0.offset, at: $0.at, .run($0.run)) }
            + self.times.map { IndexRecord(offset: $0.offset, at: $0.first, .time(last: $0.last)) }
    }

    /// The first index below `count` for which it holds; it holds for all after it.
    private static func firstIndex(_ count: Int, where holds: (Int) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if holds(middle) {
                high = middle
            } else {
                low = middle + 1
            }
        }
        return low
    }
}
