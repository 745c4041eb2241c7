import ArgumentParser
import ControlClient
import ControlMessages
import Glibc
import LinuxSystem

struct LogsCommand: ParsableCommand {
    /// Workers whose output is read at once, each by a thread of its own.
    static let maximumWorkers = 256

    enum Stream: String, CaseIterable, ExpressibleByArgument {
        case both
        case stdout
        case stderr
    }

    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Shows what workers have written; with --follow what they write.",
        discussion: """
            Of several workers or instances each line has the name before it. On a terminal control characters are shown, \
            not acted on; elsewhere the bytes of a single instance go as they came. With --follow it goes on over restarts \
            of the workers and of the agent.
            """
    )

    @Argument(help: ArgumentHelp("Names or globs.", valueName: "worker"))
    var workers: [String]

    @Option(
        name: [.customShort("n"), .long],
        help: ArgumentHelp(
            "The last so many lines of each worker, 10000 at most, or all; 100 unless --since or --run is given.",
            valueName: "lines"
        )
    )
    var lines: String?

    @Flag(name: [.customShort("f"), .long], help: "Go on with what comes.")
    var follow = false

    @Option(help: ArgumentHelp("Only what came since then: a time, or a duration such as 10m.", valueName: "time"))
    var since: String?

    @Option(
        name: .customLong("run"),
        help: ArgumentHelp("Only what the run of this id has written.", valueName: "run-id")
    )
    var runID: String?

    @Option(help: ArgumentHelp("stdout, stderr or both.", valueName: "stream"))
    var stream = Stream.both

    @Option(help: ArgumentHelp("Only this slot.", valueName: "n"))
    var instance: Int?

    @Flag(help: "Print the agent's JSON, one line each.")
    var json = false

    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard !self.workers.isEmpty else { throw ValidationError("name a worker, or '*' for all of them") }
        if let lines = self.lines, lines != "all" {
            guard let count = Int(lines), (0...10_000).contains(count) else {
                throw ValidationError("--lines is a whole number from 0 to 10000, or all")
            }
        }
        guard self.instance ?? 0 >= 0 else { throw ValidationError("--instance is 0 or more") }
    }

    func run() throws {
        let endpoint = try self.connection.endpoint()
        let client = try self.connection.connect()
        let all = try Remote.fetch(WorkersMessage.self, .workers(), with: client).workers
        let names = try Self.expand(self.workers, among: all.map(\.name))
        guard names.count <= Self.maximumWorkers else {
            throw CommandFailure(
                .usage,
                "\(names.count) workers are more than \(Self.maximumWorkers); name some of them"
            )
        }
        let counts = names.map { name in
            let instances = all.first { $0.name == name }?.instances.count ?? 1
            return (worker: name, instances: self.instance == nil ? instances : 1)
        }
        let view = LogView(counts, isForTerminal: Terminal.isTerminal, style: Terminal.style)
        let printer = LogPrinter(view, printsJSON: self.json, sorts: names.count > 1 && !self.follow)
        if names.count == 1 {
            LogFeed(self.filter(names[0]), client, printer).run()
        } else {
            try Self.readAtOnce(names.map(self.filter), from: endpoint, printer)
        }
        printer.finish()
        if let failure = printer.failure {
            throw failure
        }
    }

    /// The names that are meant. One that is not configured may have output all the same; the agent says if it has none.
    static func expand(_ arguments: [String], among names: [String]) throws(CommandFailure) -> [String] {
        let unknown = arguments.filter { !NamePattern(text: $0).isGlob && !names.contains($0) }
        let known = try WorkerSelection.expand(arguments.filter { !unknown.contains($0) }, among: names)
        var seen: Set<String> = []
        return known + unknown.filter { seen.insert($0).inserted }
    }

    private func filter(_ worker: String) -> LogsFilter {
        var filter = LogsFilter(worker: worker)
        filter.instance = self.instance
        filter.stream = self.stream == .both ? nil : self.stream.rawValue
        filter.tail = self.lines
        filter.since = self.since
        filter.runID = self.runID
        filter.follows = self.follow
        return filter
    }

    /// Reads each worker's output on a thread of its own, because each waits for its connection; returns when all have
    /// ended.
    private static func readAtOnce(
        _ filters: [LogsFilter],
        from endpoint: ControlEndpoint,
        _ printer: LogPrinter
    ) throws(CommandFailure) {
        let ended = Countdown(filters.count)
        for filter in filters {
            do throws(Errno) {
                try SystemThread.start(name: "logs") {
                    do throws(ControlClientError) {
                        LogFeed(filter, try ControlClient(endpoint), printer).run()
                    } catch {
                        printer.fail(CommandFailure(error))
                    }
                    ended.countDown()
                }
            } catch {
                throw CommandFailure(.unreachable, "cannot start a thread: \(error)")
            }
        }
        ended.wait()
    }
}
