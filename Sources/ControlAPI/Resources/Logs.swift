internal import ControlMessages
internal import HTTPServer
internal import Output
internal import Supervision

/// GET /v1/workers/{worker}/logs.
extension ControlHandler {
    /// Lines of a reader who does not say where to begin.
    static let defaultTail = 100
    static let maximumTail: Int64 = 10_000

    private enum Streams: String, CaseIterable {
        case both
        case stdout
        case stderr

        var streams: Set<StandardStream> {
            switch self {
            case .both: [.standardOutput, .standardError]
            case .stdout: [.standardOutput]
            case .stderr: [.standardError]
            }
        }
    }

    /// Where a reader begins, and where one ends that does not follow.
    private struct Beginning: Sendable {
        var cursor: OutputCursor
        var ends: [StreamID: UInt64]
    }

    func showLogs(_ call: Call) throws(Problem) {
        let name = call.captures[0]
        let worker = self.status.worker(name)
        let format: LogBody.Format = try call.parameters.choice("format") ?? .text
        let isFollowing = try call.parameters.flag("follow") ?? false
        let after = try self.position(call, of: name)
        let selection = try self.selection(call, of: name, format, isFollowing, goesOn: after != nil)
        try self.logs.search(for: call) { output in
            var beginning = Beginning(cursor: OutputCursor(selection: selection), ends: [:])
            if after == nil {
                beginning.cursor = await output.cursor(for: selection)
            }
            // Afterwards: what comes meanwhile is more than was asked for, and not less.
            var atEnd = selection
            (atEnd.tail, atEnd.since) = (0, nil)
            beginning.ends = await output.cursor(for: atEnd).positions
            if let after {
                // A stream that its client does not know of is new to it.
                beginning.cursor.positions = beginning.ends.mapValues { _ in UInt64(0) }.merging(
                    after.filter { beginning.ends[$0.key] != nil }
                ) { $1 }
            }
            return beginning
        } then: { [unowned self] beginning throws(Problem) in
            if beginning.ends.isEmpty {
                try self.explainNoOutput(of: worker, name, selection)
            }
            let stream = HTTPStream()
            let reader = LogReader(
                self.logs,
                stream,
                format,
                at: beginning.cursor,
                ends: isFollowing ? nil : beginning.ends
            )
            reader.begin()
            call.respond(Answer.stream(stream, contentType: Self.contentType(format)))
        }
    }

    private static func contentType(_ format: LogBody.Format) -> String {
        switch format {
        case .text: "text/plain; charset=utf-8"
        case .ndjson: "application/x-ndjson"
        }
    }

    private func position(_ call: Call, of worker: String) throws(Problem) -> [StreamID: UInt64]? {
        guard let text = call.parameters.text("after") else { return nil }
        for other in ["tail", "since"] where call.parameters.text(other) != nil {
            throw Problem(
                .invalidParameter,
                "after says where to go on; \(other) says where to begin: give one of them"
            )
        }
        guard let position = LogPosition.parse(text, worker: worker) else {
            throw Problem(
                .invalidParameter,
                "after is a position such as 0.stdout:1842,0.stderr:96; the lines in the format ndjson have them"
            )
        }
        return position
    }

    private func selection(
        _ call: Call,
        of worker: String,
        _ format: LogBody.Format,
        _ isFollowing: Bool,
        goesOn: Bool
    ) throws(Problem) -> OutputSelection {
        var selection = OutputSelection(worker: worker)
        let streams: Streams = try call.parameters.choice("stream") ?? .both
        selection.streams = streams.streams
        selection.instance = try call.parameters.integer("instance", in: 0...9999).map { Int($0) }
        selection.since = try call.parameters.since("since", now: self.timer.now.wall)
        if let text = call.parameters.text("run_id") {
            guard let run = UUIDv7(text) else {
                throw Problem(.invalidParameter, "run_id: \"\(Problem.shown(text))\" is no id of a run")
            }
            selection.run = run
        }
        if call.parameters.text("tail") == "all" {
            selection.tail = nil
        } else if let tail = try call.parameters.integer("tail", in: 0...Self.maximumTail) {
            selection.tail = Int(tail)
        } else if selection.since == nil, selection.run == nil, !goesOn {
            selection.tail = Self.defaultTail
        }
        // One who has come to the end sees what there is of a line; one who waits for more gets it when it is whole, lest
        // lines of several streams be mixed.
        selection.wholeLines = isFollowing
        return selection
    }

    /// There is no output, nor was any ever.
    private func explainNoOutput(of worker: WorkerStatus?, _ name: String, _ selection: OutputSelection) throws(Problem)
    {
        guard let worker else { throw self.unknownWorker(name) }
        if let index = selection.instance, index >= worker.instances.count {
            throw Self.unknownInstance(InstanceID(worker: name, index: index), worker.instances.count)
        }
        guard worker.specification.output.isCaptured else {
            throw Problem(.unprocessable, "the output of \(name) is not captured: its output.stdout says so")
        }
    }
}
