import ControlMessages
import FoundationEssentials
import LinuxSystem
import Supervision
import Testing

@testable import ControlAPI
@testable import HTTPServer
@testable import Output

@Suite struct LogsTests {
    private static let run = RunID("01a202b8-734d-71a3-af67-19acad3c2d6d")

    /// All that a client reads which takes what there is.
    private func read(_ stream: HTTPStream) -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        var bytes: [UInt8] = []
        while true {
            let count = buffer.withUnsafeMutableBytes { stream.read(into: $0) }
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<count]
        }
    }

    private func open(_ desk: Desk, _ target: String) throws -> HTTPStream {
        let response = try desk.get(target)
        #expect(response.status == 200)
        return try #require(response.stream)
    }

    private func messages(_ text: String) throws -> [LogMessage] {
        try text.split(separator: "\n").map { try JSONDecoder().decode(LogMessage.self, from: Data($0.utf8)) }
    }

    @Test func outputIsTextWithoutAnotherWord() throws {
        let desk = Desk.withWorkers()
        desk.output.write("one\n\u{1b}[31mtwo", run: Self.run)
        desk.output.write("three\n", run: Self.run)
        let response = try desk.get("/v1/workers/web/logs")
        #expect(response.header("Content-Type") == "text/plain; charset=utf-8")
        #expect(response.header("X-Content-Type-Options") == "nosniff")
        let stream = try #require(response.stream)
        #expect(self.read(stream) == "one\n\u{1b}[31mtwothree\n")
        #expect(stream.isFinished)
        #expect(desk.handler.logs.readers == 1)
        stream.close()
        #expect(desk.handler.logs.readers == 0)
    }

    @Test func streamsThatAreMixedDoNotShareLines() throws {
        let desk = Desk.withWorkers()
        desk.output.write("half")
        desk.output.write("error\n", "web", 0, .standardError)
        desk.output.write("a line\n", "web", 1)
        #expect(try self.read(self.open(desk, "/v1/workers/web/logs")) == "half\nerror\na line\n")
        #expect(try self.read(self.open(desk, "/v1/workers/web/logs?stream=stderr")) == "error\n")
        #expect(try self.read(self.open(desk, "/v1/workers/web/logs?instance=1")) == "a line\n")
    }

    @Test func linesSayWhoseTheyAre() throws {
        let desk = Desk.withWorkers()
        desk.output.write("one\ntwo", run: Self.run)
        desk.output.write([0xff, 0xdb, 0x6b], StreamID(InstanceID(worker: "web", index: 1), .standardError))
        let response = try desk.get("/v1/workers/web/logs?format=ndjson")
        #expect(response.header("Content-Type") == "application/x-ndjson")
        let stream = try #require(response.stream)
        let web = LogLineMessage(
            time: "2026-11-22T10:00:00.000Z",
            worker: "web",
            instance: 0,
            stream: "stdout",
            runID: Self.run.map { "\($0)" },
            text: "one",
            partial: false,
            position: "0.stdout:4"
        )
        var two = web
        (two.text, two.partial, two.position) = ("two", true, "0.stdout:7")
        var binary = web
        (binary.instance, binary.stream, binary.runID) = (1, "stderr", nil)
        (binary.text, binary.base64, binary.partial) = ("\u{fffd}\u{fffd}k", "/9tr", true)
        binary.position = "1.stderr:3"
        #expect(
            try self.messages(self.read(stream)) == [
                .note(LogNoteMessage(note: "begin", text: nil, position: "0.stdout:0,1.stderr:0")), .line(web),
                .line(two), .line(binary),
            ]
        )
    }

    @Test func aFollowerIsToldOfWhatComes() throws {
        let desk = Desk.withWorkers()
        desk.output.write("one\n")
        let stream = try self.open(desk, "/v1/workers/web/logs?follow=true")
        #expect(self.read(stream) == "one\n")
        #expect(desk.output.contents.withLock { $0.watches.count } == 1)
        desk.output.write("two\n")
        // What comes at once comes together.
        desk.output.write("three\n")
        #expect(self.read(stream) == "")
        desk.timer.advance(by: LogDesk.followInterval)
        #expect(self.read(stream) == "two\nthree\n")
        #expect(!stream.isFinished)
        stream.close()
        #expect(desk.output.contents.withLock { $0.watches.isEmpty })
        desk.output.write("four\n")
        desk.timer.advance(by: .seconds(1))
        #expect(desk.handler.logs.readers == 0)
        #expect(desk.timer.scheduled == 0)
    }

    @Test func oneThatDoesNotFollowEndsWhereTheOutputEndedWhenItCame() throws {
        let desk = Desk.withWorkers()
        desk.output.write("one\n")
        let stream = try self.open(desk, "/v1/workers/web/logs")
        desk.output.write("two\n")
        desk.output.write("three\n", "web", 1)
        #expect(self.read(stream) == "one\n")
        #expect(stream.isFinished)
    }

    @Test func aClientThatDoesNotReadIsAskedForByNobody() throws {
        let desk = Desk.withWorkers()
        for number in 0..<10 {
            desk.output.write("line \(number)\n")
        }
        let stream = try self.open(desk, "/v1/workers/web/logs?follow=true&format=ndjson")
        let asked = desk.output.contents.withLock { $0.limits.count }
        desk.timer.advance(by: .seconds(10))
        #expect(asked == 0)
        #expect(desk.output.contents.withLock { $0.limits.isEmpty })
        let last = try #require(stream.onStall?())
        stream.cut(with: last)
        let messages = try self.messages(self.read(stream))
        #expect(messages.count == 1)
        guard case .note(let note) = messages.first else { return #expect(Bool(false), "no note") }
        #expect(note.note == "cut")
    }

    @Test func manyReadersShareTheMemory() throws {
        let desk = Desk.withWorkers()
        desk.output.write("one\n")
        var streams: [HTTPStream] = []
        for _ in 0..<1024 {
            streams.append(try self.open(desk, "/v1/workers/web/logs?follow=true"))
        }
        _ = self.read(streams[1023])
        #expect(desk.output.contents.withLock { $0.limits.first } == LogDesk.pagesInAll / 1024)
        for stream in streams {
            stream.close()
        }
        _ = try self.read(self.open(desk, "/v1/workers/web/logs"))
        #expect(desk.output.contents.withLock { $0.limits.last } == LogDesk.page)
    }

    /// Each is a hundred times larger than the byte that it stands for.
    @Test func emptyLinesAreMadeInPieces() throws {
        let desk = Desk.withWorkers()
        desk.output.write(String(repeating: "\n", count: 10_000))
        let stream = try self.open(desk, "/v1/workers/web/logs?format=ndjson")
        var buffer = [UInt8](repeating: 0, count: 100)
        var bytes: [UInt8] = []
        var most = 0
        while true {
            let count = buffer.withUnsafeMutableBytes { stream.read(into: $0) }
            guard count > 0 else { break }
            bytes += buffer[..<count]
            most = max(most, stream.waiting)
        }
        #expect(most < LogBody.piece + 1000)
        let messages = try self.messages(String(decoding: bytes, as: UTF8.self))
        #expect(messages.count == 10_001)
        guard case .line(let line) = messages.last else { return #expect(Bool(false), "no line") }
        #expect(line.position == "0.stdout:10000")
    }

    @Test func whatIsNoLongerKeptIsTold() throws {
        let desk = Desk.withWorkers()
        desk.output.write("gone\n")
        desk.output.write("here\n")
        desk.output.contents.withLock { contents in
            contents.starts = contents.starts.mapValues { _ in 5 }
            contents.chunks.removeFirst()
        }
        let text = try self.read(self.open(desk, "/v1/workers/web/logs?after=0.stdout:1"))
        #expect(text == "[reeve: 4 bytes of web.0 stdout are no longer kept]\nhere\n")
        let lines = try self.read(self.open(desk, "/v1/workers/web/logs?after=0.stdout:1&format=ndjson"))
        guard case .note(let note) = try self.messages(lines)[1] else { return #expect(Bool(false), "no note") }
        #expect(note.note == "missed")
        #expect(note.text == "4 bytes of web.0 stdout are no longer kept")
    }

    @Test func aPositionGoesOn() throws {
        let desk = Desk.withWorkers()
        desk.output.write("one\n")
        desk.output.write("two\n")
        desk.output.write("error\n", "web", 0, .standardError)
        #expect(try self.read(self.open(desk, "/v1/workers/web/logs?after=0.stdout:4,0.stderr:6")) == "two\n")
        // One that the client has not heard of yet is new to it; one that is gone is nothing to it.
        #expect(try self.read(self.open(desk, "/v1/workers/web/logs?after=0.stdout:4,7.stdout:1")) == "two\nerror\n")
        #expect(try self.read(self.open(desk, "/v1/workers/web/logs?after=")) == "one\ntwo\nerror\n")
        for wrong in ["0", "0.stdout", "0.stdout:-1", "a.stdout:1", "0.out:1", "0.stdout:1,", "0.stdout:1,0.stdout:2"] {
            try desk.refused(400, .invalidParameter, "GET", "/v1/workers/web/logs?after=\(wrong)")
        }
        try desk.refused(400, .invalidParameter, "GET", "/v1/workers/web/logs?after=0.stdout:4&tail=3")
    }

    @Test(arguments: [
        ("", 100, false), ("?tail=5", 5, false), ("?tail=all", nil, false), ("?since=10m", nil, true),
        ("?since=2026-11-22T09:00:00Z&tail=7", 7, true), ("?run_id=01a202b8-734d-71a3-af67-19acad3c2d6d", nil, false),
    ])
    func parametersSelect(query: String, tail: Int?, hasTime: Bool) throws {
        let desk = Desk.withWorkers()
        desk.output.write("one\n")
        _ = try self.open(desk, "/v1/workers/web/logs\(query)")
        let selection = try #require(desk.output.contents.withLock { $0.selections.first })
        #expect(selection.tail == tail)
        #expect((selection.since != nil) == hasTime)
        #expect((selection.run == Self.run) == query.contains("run_id"))
    }

    @Test func whatIsNotThereIsRefused() throws {
        let desk = Desk.withWorkers()
        var quiet = WorkerSpecification(name: "quiet", command: ["/bin/true"])
        quiet.output = OutputPolicy(standardOutput: .null, standardError: .inherit)
        desk.apply(.configured([WorkerSpecification(name: "web", command: ["/bin/true"]), quiet]))
        #expect(try desk.refused(404, .unknownWorker, "GET", "/v1/workers/wbe/logs").contains("\"web\""))
        try desk.refused(404, .unknownInstance, "GET", "/v1/workers/web/logs?instance=7")
        try desk.refused(422, .unprocessable, "GET", "/v1/workers/quiet/logs")
        #expect(try self.read(self.open(desk, "/v1/workers/web/logs")) == "")
        // A worker that is gone, whose files are not.
        desk.output.write("old\n", "gone")
        #expect(try self.read(self.open(desk, "/v1/workers/gone/logs")) == "old\n")
        for wrong in ["tail=x", "tail=10001", "stream=all", "follow=1", "format=html", "run_id=7", "instance=-1"] {
            try desk.refused(400, .invalidParameter, "GET", "/v1/workers/web/logs?\(wrong)")
        }
        try desk.refused(403, .forbidden, "GET", "/v1/workers/web/logs", as: .user(77, groups: [500]))
        #expect(try desk.ask("GET", "/v1/workers/web/logs", as: .user(77, groups: [501])).status == 200)
    }

    @Test func whatIsCapturedIsCountedFromTheFirstScrape() throws {
        let desk = Desk()
        var merged = WorkerSpecification(name: "merged", command: ["/bin/true"])
        merged.output = OutputPolicy(standardOutput: .capture, standardError: .standardOutput)
        var quiet = WorkerSpecification(name: "quiet", command: ["/bin/true"])
        quiet.output = OutputPolicy(standardOutput: .null, standardError: .inherit)
        desk.apply(.configured([WorkerSpecification(name: "web", command: ["/bin/true"]), merged, quiet]))
        func samples() throws -> [String] {
            try desk.get("/metrics").text.split(separator: "\n").map(String.init).filter {
                $0.hasPrefix("reeve_worker_output_bytes_total{")
            }
        }
        let name = "reeve_worker_output_bytes_total"
        let first = try samples()
        #expect(
            first == [
                "\(name){worker=\"web\",slot=\"0\",stream=\"stdout\"} 0",
                "\(name){worker=\"web\",slot=\"0\",stream=\"stderr\"} 0",
                "\(name){worker=\"merged\",slot=\"0\",stream=\"stdout\"} 0",
            ]
        )
        desk.output.write("12345\n", "web", 0, .standardError)
        #expect(try samples().contains("\(name){worker=\"web\",slot=\"0\",stream=\"stderr\"} 6"))
    }

    @Test func aDiskThatHangsIsWaitedForWithinABound() throws {
        let desk = Desk.withWorkers()
        desk.output.contents.withLock { $0.isHeld = true }
        let first = desk.send("GET", "/v1/workers/web/logs")
        for _ in 1..<LogDesk.maximumSearches {
            #expect(desk.send("GET", "/v1/workers/web/logs").responses.isEmpty)
        }
        try desk.refused(503, .busy, "GET", "/v1/workers/web/logs")
        desk.timer.advance(by: LogDesk.patience)
        #expect(try first.response().status == 503)
        desk.output.release()
        #expect(try self.read(self.open(desk, "/v1/workers/web/logs")) == "")
    }
}
