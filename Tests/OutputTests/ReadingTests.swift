import Glibc
import LinuxSystem
import Supervision
import TestSupport
import Testing

@testable import Output

/// A room on a loop that runs; the test is the workers that write.
@Suite(.serialized) struct ReadingTests {
    final class Harness {
        let directory: TemporaryDirectory
        let room: OutputRoom
        let notices = Locked<[OutputNotice]>([])
        /// What the room takes for the time.
        let offset = Locked(Duration.zero)

        init(in directory: TemporaryDirectory? = nil) async throws {
            self.directory = try directory ?? TemporaryDirectory()
            let loop = try EventLoop(name: "output")
            self.room = try OutputRoom(
                loop: loop,
                directory: self.directory.file("logs"),
                notice: { [notices] notice in notices.withLock { $0.append(notice) } },
                now: { [offset] in
                    Moment(monotonic: .now, wall: PumpHarness.start.advanced(by: offset.withLock { $0 }))
                }
            )
            loop.start()
            try await self.room.begin()
        }

        func begin(
            _ number: Int,
            index: Int = 0,
            worker: String = "web",
            _ policy: CapturePolicy = CapturePolicy()
        ) throws -> PumpHarness.Writer {
            let pipes = try RunPipes(capturesOutput: true, capturesError: true)
            let numbers = (pipes.standardOutput ?? -1, pipes.standardError ?? -1)
            let output = fcntl(numbers.0, F_DUPFD_CLOEXEC, 3)
            let error = fcntl(numbers.1, F_DUPFD_CLOEXEC, 3)
            let run = PumpHarness.run(number)
            self.room.attach(pipes.started(), of: run, InstanceID(worker: worker, index: index), policy)
            return PumpHarness.Writer(run: run, output: output, error: error)
        }

        func end(_ writer: PumpHarness.Writer) async -> [String] {
            writer.close()
            let run = writer.run
            return await withCheckedContinuation { continuation in
                self.room.drain([run]) { continuation.resume(returning: $0[run] ?? []) }
            }
        }

        /// All that is selected, by pages.
        func read(_ selection: OutputSelection) async -> String {
            var (text, cursor) = ("", await self.room.cursor(for: selection))
            while true {
                let page = await self.room.page(at: cursor)
                text += page.chunks.map { String(decoding: $0.bytes, as: UTF8.self) }.joined()
                cursor = page.cursor
                if page.isAtEnd { return text }
            }
        }

        func close() async {
            await self.room.close()
            self.room.loop.stop()
        }
    }

    @Test func tailsAreTheLastLinesOfAllStreamsTogether() async throws {
        let harness = try await Harness()
        for number in 1...9 {
            harness.offset.withLock { $0 += .seconds(2) }
            let writer = try harness.begin(number)
            writer.write("out \(number)\n", to: number % 3 == 0 ? .standardError : .standardOutput)
            _ = await harness.end(writer)
        }
        let web = OutputSelection(worker: "web")
        #expect(await harness.read(web) == (1...9).map { "out \($0)\n" }.joined())
        var selection = web
        selection.tail = 4
        #expect(await harness.read(selection) == (6...9).map { "out \($0)\n" }.joined())
        selection.streams = [.standardError]
        #expect(await harness.read(selection) == "out 3\nout 6\nout 9\n")
        selection.tail = 0
        #expect(await harness.read(selection) == "")
        selection = OutputSelection(worker: "web", run: PumpHarness.run(5))
        #expect(await harness.read(selection) == "out 5\n")
        selection = OutputSelection(worker: "web", since: PumpHarness.start.advanced(by: .seconds(13)))
        #expect(await harness.read(selection) == "out 7\nout 8\nout 9\n")
        selection.tail = 2
        #expect(await harness.read(selection) == "out 8\nout 9\n")
        selection = OutputSelection(worker: "web", instance: 1)
        #expect(await harness.read(selection) == "")
        for name in ["..", "", "web/../web", "WEB", String(repeating: "w", count: 65)] {
            #expect(await harness.read(OutputSelection(worker: name)) == "")
        }
        await harness.close()
    }

    @Test func chunksSayWhoseTheyAreAndWhenTheyCame() async throws {
        let harness = try await Harness()
        let first = try harness.begin(1)
        first.write("a\n")
        _ = await harness.end(first)
        harness.offset.withLock { $0 += .seconds(5) }
        let second = try harness.begin(2)
        second.write("b\n")
        _ = await harness.end(second)
        let cursor = await harness.room.cursor(for: OutputSelection(worker: "web"))
        let page = await harness.room.page(at: cursor)
        #expect(page.chunks.map(\.run) == [first.run, second.run])
        #expect(page.chunks.map(\.offset) == [0, 2])
        #expect(page.chunks.map(\.time) == [PumpHarness.start, PumpHarness.start.advanced(by: .seconds(5))])
        #expect(page.isAtEnd && page.missed.isEmpty)
        await harness.close()
    }

    /// Follows until `text` is there.
    private func follow(
        _ harness: Harness,
        _ cursor: inout OutputCursor,
        until text: String
    ) async throws -> String {
        var all = ""
        while true {
            let page = await harness.room.page(at: cursor)
            all += page.chunks.map { String(decoding: $0.bytes, as: UTF8.self) }.joined()
            cursor = page.cursor
            if all.hasSuffix(text) { return all }
            let (room, position) = (harness.room, cursor)
            await withCheckedContinuation { continuation in
                Task { _ = await room.watch(position) { continuation.resume() } }
            }
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func aFollowerGoesOnOverRotationRestartAndAnotherAgent() async throws {
        let directory = try TemporaryDirectory()
        var harness = try await Harness(in: directory)
        let policy = CapturePolicy(maximumSize: 1000, keepFiles: 90)
        var cursor = await harness.room.cursor(for: OutputSelection(worker: "web", streams: [.standardOutput]))
        var expected = ""
        var followed = ""
        for number in 1...6 {
            let writer = try harness.begin(number, policy)
            let mine = (0..<100).map { "run \(number) line \($0)\n" }.joined() + "end \(number)"
            expected += mine
            writer.write(mine)
            _ = await harness.end(writer)
            followed += try await self.follow(harness, &cursor, until: "end \(number)")
            if number % 2 == 0 {
                await harness.close()
                harness = try await Harness(in: directory)
                cursor = OutputCursor(selection: cursor.selection, positions: cursor.positions)
            }
        }
        #expect(followed == expected)
        await harness.close()
    }

    @Test(.timeLimit(.minutes(10)))
    func aFollowerThatIsTooSlowIsToldWhatItMissed() async throws {
        let harness = try await Harness()
        let selection = OutputSelection(worker: "web", streams: [.standardOutput])
        let writer = try harness.begin(1, CapturePolicy(maximumSize: 100, keepFiles: 1))
        writer.write("first\n")
        var cursor = await harness.room.cursor(for: selection)
        _ = try await self.follow(harness, &cursor, until: "first\n")
        for number in 0..<100 {
            writer.write("line \(number) of many lines\n")
        }
        _ = await harness.end(writer)
        let page = await harness.room.page(at: cursor)
        let missed = try #require(page.missed[StreamID(InstanceID(worker: "web", index: 0), .standardOutput)])
        let read = page.chunks.reduce(0) { $0 + $1.bytes.count }
        let total = (0..<100).reduce(0) { $0 + "line \($1) of many lines\n".utf8.count }
        #expect(missed > 0)
        #expect(read + Int(missed) == total)
        await harness.close()
    }

    @Test func aLineIsAnsweredWhenItIsWhole() async throws {
        let harness = try await Harness()
        let writer = try harness.begin(1)
        writer.write("one\ntw")
        let selection = OutputSelection(worker: "web")
        let room = harness.room
        func bytes() async -> UInt64 { await room.streams().first?.bytes ?? 0 }
        while await bytes() < 6 { await Task.yield() }
        #expect(await harness.read(selection) == "one\n")
        var partial = selection
        partial.wholeLines = false
        #expect(await harness.read(partial) == "one\ntw")
        writer.write("o\nthree")
        while await bytes() < 13 { await Task.yield() }
        #expect(await harness.read(selection) == "one\ntwo\n")
        #expect(await harness.end(writer) == [])
        // A child of another test has the pipe's end too until its exec, and more could come until then.
        while await harness.read(selection) != "one\ntwo\nthree" { try await Task.sleep(for: .milliseconds(5)) }
        await harness.close()
    }

    @Test func aWatchIsToldOnceAndMayBeCancelled() async throws {
        let harness = try await Harness()
        let told = Locked(0)
        let cursor = await harness.room.page(at: await harness.room.cursor(for: OutputSelection(worker: "web"))).cursor
        let watch = await harness.room.watch(cursor) { told.withLock { $0 += 1 } }
        let other = await harness.room.watch(cursor) { told.withLock { $0 += 100 } }
        await harness.room.cancel(other)
        let writer = try harness.begin(1)
        for _ in 0..<10 {
            writer.write("x\n")
        }
        _ = await harness.end(writer)
        #expect(told.withLock { $0 } == 1)
        await harness.room.cancel(watch)
        await harness.close()
    }

    @Test func manyRunsAtOnceEachKeepTheirOwn() async throws {
        let harness = try await Harness()
        let policy = CapturePolicy(maximumSize: 5000, keepFiles: 99)
        var expected: [Int: [UInt8]] = [:]
        var runs: [Int: [(RunID, [UInt8])]] = [:]
        var generator = SystemRandomNumberGenerator()
        for round in 0..<5 {
            let writers = try (0..<40).map { try harness.begin(round * 100 + $0, index: $0, policy) }
            var mine: [Int: [UInt8]] = [:]
            for _ in 0..<5 {
                for (index, writer) in writers.enumerated() {
                    let count = Int.random(in: 1...3000, using: &generator)
                    let first = UInt8.random(in: 0...255, using: &generator)
                    let bytes = (0..<count).map { first &+ UInt8(truncatingIfNeeded: $0 &* 7) }
                    writer.write(bytes)
                    mine[index, default: []] += bytes
                }
            }
            for (index, writer) in writers.enumerated() {
                _ = await harness.end(writer)
                let bytes = mine[index] ?? []
                expected[index, default: []] += bytes
                runs[index, default: []].append((writer.run, bytes))
            }
        }
        for index in 0..<40 {
            var all: [UInt8] = []
            for number in (0...99).reversed() {
                let name = "logs/web/\(index).stdout.log" + (number > 0 ? ".\(number)" : "")
                all += contents(ofFile: harness.directory.file(name)) ?? []
            }
            #expect(all == expected[index])
        }
        for (run, bytes) in runs[7] ?? [] {
            var selection = OutputSelection(worker: "web", instance: 7, run: run)
            selection.wholeLines = false
            var (read, cursor) = ([UInt8](), await harness.room.cursor(for: selection))
            while true {
                let page = await harness.room.page(at: cursor)
                read += page.chunks.flatMap(\.bytes)
                cursor = page.cursor
                if page.isAtEnd { break }
            }
            #expect(read == bytes)
        }
        await harness.close()
    }
}
