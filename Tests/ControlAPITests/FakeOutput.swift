import LinuxSystem
import Supervision

@testable import ControlAPI
@testable import Output

/// Output that a test makes up: lines of any instance, in one order, of which nothing is ever rotated away unless the test
/// says so.
final class FakeOutput: OutputQueries {
    struct Contents: Sendable {
        var chunks: [OutputChunk] = []
        /// Where each stream begins that there is.
        var starts: [StreamID: UInt64] = [:]
        var watches: [UInt64: @Sendable () -> Void] = [:]
        var nextWatch: UInt64 = 1
        var isHeld = false
        var held: [CheckedContinuation<Void, Never>] = []
        var selections: [OutputSelection] = []
        var limits: [Int] = []
    }

    let contents = Locked(Contents())

    var receivedBytes: [StreamID: UInt64] {
        self.contents.withLock { contents in
            contents.chunks.reduce(into: [:]) { $0[$1.id, default: 0] += UInt64($1.bytes.count) }
        }
    }

    /// A worker writes; whoever watches is told.
    func write(
        _ text: String,
        _ worker: String = "web",
        _ index: Int = 0,
        _ stream: StandardStream = .standardOutput,
        run: RunID? = nil
    ) {
        self.write(Array(text.utf8), StreamID(InstanceID(worker: worker, index: index), stream), run: run)
    }

    func write(_ bytes: [UInt8], _ id: StreamID, run: RunID? = nil) {
        let told = self.contents.withLock { contents in
            contents.starts[id] = contents.starts[id] ?? 0
            let end = contents.end(of: id)
            let time = Timestamp(nanosecondsSinceEpoch: 1_795_341_600_000_000_000)
            contents.chunks.append(OutputChunk(id: id, run: run, offset: end, time: time, bytes: bytes))
            defer { contents.watches = [:] }
            return contents.watches.sorted { $0.key < $1.key }.map(\.value)
        }
        for notify in told {
            notify()
        }
    }

    func release() {
        let held = self.contents.withLock { contents in
            defer { contents.held = [] }
            contents.isHeld = false
            return contents.held
        }
        for continuation in held {
            continuation.resume()
        }
    }

    // MARK: OutputQueries

    func cursor(for selection: OutputSelection) async -> OutputCursor {
        if self.contents.withLock({ $0.isHeld }) {
            await withCheckedContinuation { continuation in
                self.contents.withLock { $0.held.append(continuation) }
            }
        }
        return self.contents.withLock { contents in
            contents.selections.append(selection)
            let ids = contents.starts.keys.filter { selection.includes($0) }
            let positions = ids.map { ($0, selection.tail == 0 ? contents.end(of: $0) : contents.starts[$0] ?? 0) }
            return OutputCursor(selection: selection, positions: Dictionary(uniqueKeysWithValues: positions))
        }
    }

    /// One chunk a page.
    func page(at cursor: OutputCursor, limit: Int) async -> OutputPage {
        self.contents.withLock { contents in
            contents.limits.append(limit)
            var page = OutputPage(cursor: cursor)
            for (id, start) in contents.starts where cursor.selection.includes(id) {
                let position = cursor.positions[id] ?? 0
                if position < start {
                    page.missed[id] = start - position
                    page.cursor.positions[id] = start
                }
            }
            let next = contents.chunks.first { chunk in
                cursor.selection.includes(chunk.id) && chunk.offset >= page.cursor.positions[chunk.id] ?? 0
            }
            guard let next else { return page }
            page.chunks = [next]
            page.cursor.positions[next.id] = next.offset + UInt64(next.bytes.count)
            page.isAtEnd = false
            return page
        }
    }

    func watch(_ cursor: OutputCursor, notify: @escaping @Sendable () -> Void) async -> OutputWatch {
        self.contents.withLock { contents in
            defer { contents.nextWatch += 1 }
            contents.watches[contents.nextWatch] = notify
            return OutputWatch(number: contents.nextWatch)
        }
    }

    func cancel(_ watch: OutputWatch) async {
        self.contents.withLock { $0.watches[watch.number] = nil }
    }
}

extension FakeOutput.Contents {
    func end(of id: StreamID) -> UInt64 {
        self.chunks.last { $0.id == id }.map { $0.offset + UInt64($0.bytes.count) } ?? self.starts[id] ?? 0
    }
}
