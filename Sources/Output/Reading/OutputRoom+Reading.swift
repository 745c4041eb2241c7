import LinuxSystem
import Supervision

// Readers pull: each answer is bounded, and between two of them a reader holds nothing but its cursor, so one that is slow or
// never reads costs nothing and is waited for by nobody. What was rotated away meanwhile is told as missed.

extension OutputRoom {
    /// Where a reader of this selection begins. Looking back over much output lets the pipes have their turn in between.
    public func cursor(for selection: OutputSelection) async -> OutputCursor {
        var cursor = OutputCursor(selection: selection)
        guard Self.isName(selection.worker) else { return cursor }
        let ids = self.streams(of: selection)
        let wantedLines = selection.tail.map { max(0, min($0, OutputLimits.tailLines)) }
        let budget = max(OutputLimits.chunk, OutputLimits.tailBytes / max(1, ids.count))
        var lines: [(time: Timestamp?, id: StreamID, start: UInt64)] = []
        for id in ids {
            let now = self.now()
            let sink = self.pump.sink(for: id)
            let map = sink.map(at: now.monotonic)
            if let wantedLines {
                cursor.positions[id] = map.end
                let starts = sink.lineStarts(
                    map,
                    selection,
                    count: wantedLines,
                    budget: budget,
                    now.monotonic
                )
                lines += starts.map { (map.contents.time(at: $0).time, id, $0) }
                await Task.yield()
            } else if let since = selection.since {
                cursor.positions[id] = map.contents.offset(since: since) ?? map.end
            } else {
                cursor.positions[id] = map.start
            }
        }
        if let wantedLines, lines.count > wantedLines {
            // The newest ones of all streams; one whose time is not known is old.
            let unknown = Timestamp(nanosecondsSinceEpoch: .min)
            lines.sort { a, b in
                let (first, second) = (a.time ?? unknown, b.time ?? unknown)
                return first == second ? (b.id, a.start) < (a.id, b.start) : first < second
            }
            lines.removeFirst(lines.count - wantedLines)
        }
        for line in lines {
            cursor.positions[line.id] = min(cursor.positions[line.id] ?? line.start, line.start)
        }
        self.scheduleSweep()
        return cursor
    }

    /// What follows at a cursor, about `limit` bytes at most.
    public func page(at cursor: OutputCursor, limit: Int = 65_536) -> OutputPage {
        var page = OutputPage(cursor: cursor)
        guard Self.isName(cursor.selection.worker) else { return page }
        let now = self.now().monotonic
        var left = max(4096, min(limit, OutputLimits.page))
        var readers: [(sink: Sink, map: StreamMap)] = []
        for id in self.streams(of: cursor.selection) {
            let sink = self.pump.sink(for: id)
            if let seen = cursor.seen[id], seen == sink.changes, sink.file != nil {
                // Nothing has happened since the last answer, which had come to the end.
                continue
            }
            let map = sink.map(at: now)
            if cursor.positions[id] == nil {
                page.cursor.positions[id] = sink.birth
            }
            readers.append((sink, map))
        }
        for (sink, map) in readers {
            let position = page.cursor.positions[sink.id] ?? 0
            if position < map.start {
                page.missed[sink.id] = map.start - position
                page.cursor.positions[sink.id] = map.start
            } else if position > map.end {
                // The files and their index were lost since.
                page.cursor.positions[sink.id] = map.end
            }
        }
        while left > 0, let index = Self.earliest(readers, page.cursor) {
            let (sink, map) = readers[index]
            var position = page.cursor.positions[sink.id] ?? 0
            let part = min(left, OutputLimits.chunk)
            var missed: UInt64 = 0
            let chunk = sink.chunk(map, at: &position, cursor.selection, limit: part, missed: &missed, now)
            page.cursor.positions[sink.id] = position
            if missed > 0 {
                page.missed[sink.id, default: 0] += missed
            }
            if let chunk {
                left -= chunk.bytes.count
                page.chunks.append(chunk)
            } else {
                page.cursor.seen[sink.id] = sink.changes
                readers.remove(at: index)
            }
        }
        page.isAtEnd = readers.isEmpty
        for (sink, _) in readers {
            page.cursor.seen[sink.id] = nil
        }
        self.scheduleSweep()
        return page
    }

    /// The reader whose next byte is the oldest; one that has no more goes first, to be done with.
    private static func earliest(_ readers: [(sink: Sink, map: StreamMap)], _ cursor: OutputCursor) -> Int? {
        let times = readers.map { sink, map in
            map.contents.time(at: cursor.positions[sink.id] ?? 0).time?.nanosecondsSinceEpoch ?? .min
        }
        return times.indices.min { times[$0] < times[$1] }
    }

    /// The streams of a selection, those of earlier runs included.
    private func streams(of selection: OutputSelection) -> [StreamID] {
        var ids = Set(self.pump.sinks.keys.filter { selection.includes($0) })
        for id in self.pump.storedStreams(of: selection.worker, at: self.now().monotonic)
        where selection.includes(id) {
            ids.insert(id)
        }
        return ids.sorted()
    }

    /// Names of workers become names of directories.
    static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 64
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
            }
    }

    // MARK: Waiting for more

    /// Calls `notify` once, on the loop, as soon as there is something that the page which gave this cursor did not know of;
    /// maybe at once.
    public func watch(_ cursor: OutputCursor, notify: @escaping @Sendable () -> Void) -> OutputWatch {
        let number = self.nextWatch
        self.nextWatch += 1
        let isBehind = self.pump.sinks.contains { id, sink in
            cursor.selection.includes(id) && cursor.seen[id] != sink.changes
        }
        if isBehind {
            notify()
        } else {
            self.watches[cursor.selection.worker, default: [:]][number] = Watch(cursor: cursor, notify: notify)
        }
        return OutputWatch(number: number)
    }

    /// Its `notify` is not called any more.
    public func cancel(_ watch: OutputWatch) {
        for (worker, var waiting) in self.watches where waiting.removeValue(forKey: watch.number) != nil {
            self.watches[worker] = waiting.isEmpty ? nil : waiting
            return
        }
    }

    func tellWatches(of id: StreamID) {
        guard let waiting = self.watches[id.instance.worker] else { return }
        for (number, watch) in waiting where watch.cursor.selection.includes(id) {
            self.watches[id.instance.worker]?[number] = nil
            watch.notify()
        }
        if self.watches[id.instance.worker]?.isEmpty == true {
            self.watches[id.instance.worker] = nil
        }
    }
}
