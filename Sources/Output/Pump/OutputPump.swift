import LinuxSystem
import Supervision

/// Moves the workers' output from their pipes into files. It belongs to one thread; time comes with every call, and every
/// call may wait for a disk, which nobody notices but the workers whose pipes fill meanwhile.
final class OutputPump {
    /// How much there was to do.
    enum Load {
        case none
        /// Little: more is best awaited for a moment, so that it can be moved together.
        case light
        /// Much, and nothing is left: more will follow soon.
        case brisk
        /// More waits already.
        case busy
    }

    let root: LogRoot
    let readiness: ReadinessSet
    private let bench: Workbench
    private(set) var sinks: [StreamID: Sink] = [:]
    private var sources: [UInt64: Source] = [:]
    /// The runs whose exit was not told yet.
    private var runs: [RunID: [Source]] = [:]
    /// Where their standard error goes.
    private var errorSinks: [RunID: Sink] = [:]
    private var troubled: [StreamID: Sink] = [:]
    private var nextNumber: UInt64 = 1
    /// Called with each stream of which there is something new.
    var changed: (StreamID) -> Void = { _ in }
    var notify: (OutputNotice) -> Void = { _ in }
    /// Called with each run whose last pipe was closed.
    var released: (RunID) -> Void = { _ in }
    /// How many pipes of each run are open.
    private var openPipes: [RunID: Int] = [:]

    /// - Parameter transit: what much output goes through; it may hold what an agent before had there when it died.
    init(directory: String, transit: TransitPipe? = nil) throws(Errno) {
        self.root = LogRoot(path: directory)
        self.bench = Workbench(transit: transit.map(Transit.init))
        self.readiness = try ReadinessSet()
    }

    // MARK: Runs

    /// The pipes of a run that has begun.
    func attach(
        _ streams: CapturedStreams,
        of run: RunID,
        _ instance: InstanceID,
        _ policy: CapturePolicy,
        at now: Moment
    ) {
        self.landTransit(at: now)
        var attached: [Source] = []
        for (stream, number) in streams.readEnds {
            let sink = self.sink(for: StreamID(instance, stream), policy)
            // Here and not where it is made, because the start of the run waits for that.
            PipeContents.makeNonBlocking(number)
            PipeContents.setCapacity(of: number, to: OutputLimits.pipeCapacity)
            let source = Source(Descriptor(owning: number), number: self.nextNumber, run: run, sink: sink)
            self.nextNumber += 1
            self.closeLingering(in: sink, at: now)
            sink.sources.append(source)
            sink.idleSince = nil
            self.sources[source.number] = source
            attached.append(source)
            if stream == streams.errorStream {
                self.errorSinks[run] = sink
            }
            if sink.trouble == nil {
                self.watch(source, at: now)
            }
        }
        self.runs[run, default: []] += attached
        self.openPipes[run, default: 0] += attached.count
    }

    /// The sink of a stream, with the policy of the run that begins.
    private func sink(for id: StreamID, _ policy: CapturePolicy) -> Sink {
        let sink = self.sink(for: id)
        if sink.policy != policy {
            sink.policy = policy
            // Opened again with what is wanted now.
            sink.closeFile()
        }
        return sink
    }

    /// The sink of a stream, made when there is none: to read what earlier runs have left.
    func sink(for id: StreamID) -> Sink {
        if let sink = self.sinks[id] { return sink }
        let sink = Sink(id, root: self.root, policy: CapturePolicy(), bench: self.bench)
        self.sinks[id] = sink
        return sink
    }

    /// The streams of which a worker's directory has files.
    func storedStreams(of worker: String, at now: MonotonicInstant) -> Set<StreamID> {
        let names = try? LogFolder(root: self.root, worker: worker).use(makes: false, at: now) {
            LogFolder.names(in: $0)
        }
        return Set((names ?? []).compactMap { LogNames.stream(of: $0, worker: worker) })
    }

    private func closeLingering(in sink: Sink, at now: Moment) {
        let lingering = sink.sources.filter(\.hasExited)
        guard lingering.count >= OutputLimits.lingeringRuns, let oldest = lingering.first else { return }
        _ = self.pump(oldest, budget: oldest.capacity, at: now)
        self.notify(.lingeringClosed(sink.id))
        self.detach(oldest, at: now)
    }

    private func watch(_ source: Source, at now: Moment) {
        guard !source.isWatched else { return }
        do throws(Errno) {
            try self.readiness.add(source.pipe, number: source.number)
            source.isWatched = true
        } catch {
            // Without being told, its pipe is looked at from time to time.
            self.fail(source.sink, OutputFailure("cannot watch a pipe of \(source.sink.id)", error), at: now)
        }
    }

    private func unwatch(_ source: Source) {
        guard source.isWatched else { return }
        self.readiness.remove(source.pipe)
        source.isWatched = false
    }

    private func detach(_ source: Source, at now: Moment) {
        self.unwatch(source)
        source.close()
        self.sources[source.number] = nil
        let sink = source.sink
        sink.sources.removeAll { $0 === source }
        if sink.sources.isEmpty {
            sink.idleSince = now.monotonic
        }
        sink.changes += 1
        self.changed(sink.id)
        let open = self.openPipes[source.run, default: 1] - 1
        self.openPipes[source.run] = open > 0 ? open : nil
        if open == 0 {
            self.released(source.run)
        }
    }

    /// The run has ended: takes what is in its pipes, within a bound, and answers the last lines of its standard error.
    /// What something of it that lives on writes later goes to the files as before.
    func drain(_ run: RunID, at now: Moment, clock: () -> MonotonicInstant) -> [String] {
        let sources = (self.runs.removeValue(forKey: run) ?? []).filter { self.sources[$0.number] != nil }
        for source in sources {
            source.hasExited = true
            if case .bytes(let count) = PipeContents.waiting(in: source.pipe) {
                source.leftAtExit = count
            }
        }
        let limit = clock().advanced(by: OutputLimits.drainTime)
        for source in sources {
            while source.leftAtExit > 0, source.sink.trouble == nil {
                // Each stream gets its turn, however long the one before it took.
                guard self.pumpInOrder(source, budget: OutputLimits.turn, at: now), clock() < limit else { break }
            }
            if source.sink.trouble != nil {
                self.relieve(source.sink, at: now)
            } else if self.sources[source.number] != nil, PipeContents.waiting(in: source.pipe) == .ended {
                self.detach(source, at: now)
            }
        }
        guard let sink = self.errorSinks.removeValue(forKey: run) else { return [] }
        return self.errorTail(of: run, in: sink, at: now)
    }

    /// The last lines of the standard error of a run that was not drained yet.
    func errorTail(of run: RunID, at now: Moment) -> [String] {
        self.errorSinks[run].map { self.errorTail(of: run, in: $0, at: now) } ?? []
    }

    private func errorTail(of run: RunID, in sink: Sink, at now: Moment) -> [String] {
        // One byte more tells whether the first line is whole.
        let bytes = sink.tail(of: run, limit: OutputLimits.errorTail + 1, at: now.monotonic)
        return ErrorTail.lines(
            bytes,
            isWhole: bytes.count <= OutputLimits.errorTail,
            limit: OutputLimits.errorTail
        )
    }

    // MARK: Moving

    /// Writes what an agent before this one had on its way into a file when it died. It comes before anything else of its
    /// stream, and the pipe in which it is is needed for others.
    func landTransit(at now: Moment) {
        guard let transit = self.bench.transit, transit.count > 0 else { return }
        guard let owner = transit.owner else {
            // The note of a build that writes other ones.
            let count = UInt64(transit.takeAll().count)
            self.goneDropped += count
            return self.notify(.strangersDropped(bytes: count))
        }
        let isNew = self.sinks[owner.stream] == nil
        let sink = self.sink(for: owner.stream)
        if isNew {
            // Nobody has said yet how large its files become and how many are kept: none must go for this.
            sink.policy.maximumSize = OutputLimits.unlimitedSize
            sink.policy.keepFiles = OutputLimits.unlimitedFiles
        }
        do throws(OutputFailure) {
            try sink.landLeft(in: transit, of: owner.run, at: now)
        } catch {
            self.fail(sink, error, at: now)
        }
        sink.idleSince = sink.sources.isEmpty ? now.monotonic : nil
        sink.changes += 1
        self.changed(sink.id)
    }

    /// Moves what waits, a bounded part of each run's.
    func turn(at now: Moment) -> Load {
        var load = Load.none
        for number in self.readiness.ready() {
            // One that was detached in this turn is not there any more.
            guard let source = self.sources[number] else { continue }
            if load == .none {
                load = .light
            }
            let before = source.sink.bytes
            _ = self.pumpInOrder(source, budget: OutputLimits.turn, at: now)
            if source.hasMore {
                load = .busy
            } else if load != .busy, source.sink.bytes - before >= min(OutputLimits.busyBytes, source.capacity / 2) {
                load = .brisk
            }
        }
        return load
    }

    /// Takes from a run after what earlier ones of its stream left when they ended. Answers whether anything was taken.
    private func pumpInOrder(_ source: Source, budget: Int, at now: Moment) -> Bool {
        let before = source.sink.bytes
        for earlier in source.sink.sources where earlier !== source {
            guard earlier.number < source.number, earlier.leftAtExit > 0 else { continue }
            guard self.pump(earlier, budget: budget, at: now) else { return false }
            // Its remainder has its turn first.
            guard earlier.leftAtExit == 0 else { return source.sink.bytes > before }
        }
        return self.pump(source, budget: budget, at: now) && source.sink.bytes > before
    }

    /// Answers whether the stream can be written.
    private func pump(_ source: Source, budget: Int, at now: Moment) -> Bool {
        let sink = source.sink
        let before = sink.bytes
        defer {
            if sink.bytes > before {
                sink.changes += 1
                self.changed(sink.id)
            }
        }
        do throws(OutputFailure) {
            let taken = try sink.take(from: source, budget: budget, at: now)
            if sink.takeDamage() {
                self.notify(.indexDamaged(sink.id))
            }
            source.hasMore = taken.state == .more
            if !source.hasMore {
                source.leftAtExit = 0
            }
            if taken.state == .ended {
                self.detach(source, at: now)
            }
            return true
        } catch {
            self.fail(sink, error, at: now)
            return false
        }
    }

    // MARK: Trouble

    var isTroubled: Bool { !self.troubled.isEmpty }
    var troubledStreams: [StreamID] { Array(self.troubled.keys) }

    private func fail(_ sink: Sink, _ failure: OutputFailure, at now: Moment) {
        if sink.fail(failure, at: now) {
            self.notify(.degraded(sink.id, reason: failure.message))
        }
        self.troubled[sink.id] = sink
        for source in sink.sources {
            self.unwatch(source)
        }
    }

    /// What one stream that cannot be written may keep in memory.
    private var heldLimit: Int {
        let share = OutputLimits.heldInAll / max(1, self.troubled.count)
        return max(OutputLimits.smallestHeld, min(OutputLimits.heldPerStream, share))
    }

    private func relieve(_ sink: Sink, at now: Moment) {
        for source in sink.relieve(limit: self.heldLimit, at: now) {
            self.detach(source, at: now)
        }
    }

    /// While streams cannot be written: keeps their workers going, and tries again when it is time.
    func relieveAll(at now: Moment) {
        let limit = self.heldLimit
        for sink in self.troubled.values {
            sink.trimHeld(to: limit)
            self.relieve(sink, at: now)
            if let trouble = sink.trouble, trouble.retryAt <= now.monotonic {
                self.restore(sink, at: now)
            }
        }
    }

    /// Tries every stream that cannot be written once more.
    func retryAll(at now: Moment) {
        for sink in self.troubled.values {
            self.relieve(sink, at: now)
            self.restore(sink, at: now)
        }
    }

    private func restore(_ sink: Sink, at now: Moment) {
        let dropped = sink.held.dropped
        do throws(OutputFailure) {
            try sink.restore(at: now)
        } catch {
            self.fail(sink, error, at: now)
            return
        }
        self.troubled[sink.id] = nil
        self.notify(.restored(sink.id, dropped: dropped))
        sink.changes += 1
        self.changed(sink.id)
        for source in sink.sources where sink.trouble == nil {
            self.watch(source, at: now)
        }
    }

    var status: OutputStatus {
        var status = OutputStatus()
        status.troubledStreams = self.troubled.count
        status.degraded = self.troubled.min { $0.key < $1.key }?.value.trouble?.reason
        status.heldBytes = self.troubled.values.reduce(0) { $0 + $1.held.count }
        status.droppedBytes = self.goneDropped + self.sinks.values.reduce(0) { $0 + $1.dropped }
        return status
    }

    /// Dropped by streams that are gone.
    private var goneDropped: UInt64 = 0

    // MARK: Housekeeping

    /// Closes what nobody has used for a while, and writes the marks of time that wait. Answers whether there is more to do
    /// later.
    func sweep(at now: Moment) -> Bool {
        var hasMore = false
        for sink in self.sinks.values {
            sink.flushIndex(all: true, at: now.monotonic)
            sink.index.unload()
            if let idle = sink.idleSince, sink.file != nil {
                if idle.advanced(by: OutputLimits.idleTime) <= now.monotonic {
                    sink.closeFile()
                } else {
                    hasMore = true
                }
            }
        }
        return hasMore
    }

    /// Forgets an instance that is not configured any more; its files stay. Not while it has runs.
    func release(_ instance: InstanceID) {
        for stream in StandardStream.allCases {
            let id = StreamID(instance, stream)
            guard let sink = self.sinks[id], sink.sources.isEmpty, sink.trouble == nil else { continue }
            self.goneDropped += sink.dropped
            sink.closeFile()
            self.sinks[id] = nil
        }
    }

    /// Second descriptors for all pipes that are open, by their runs, which belong to the caller.
    func duplicatePipes() -> [RunID: [(stream: StandardStream, descriptor: Int32)]] {
        var pipes: [RunID: [(stream: StandardStream, descriptor: Int32)]] = [:]
        for source in self.sources.values {
            guard let duplicate = source.duplicate() else { continue }
            pipes[source.run, default: []].append((source.sink.id.stream, duplicate))
        }
        return pipes
    }

    /// Takes what waits in all pipes, within a bound, writes what can be written, and closes everything.
    func close(at now: Moment, clock: () -> MonotonicInstant) {
        let limit = clock().advanced(by: OutputLimits.drainTime * 10)
        for source in self.sources.values.sorted(by: { $0.number < $1.number }) where clock() < limit {
            if source.sink.trouble == nil {
                _ = self.pump(source, budget: source.capacity, at: now)
            }
        }
        self.retryAll(at: now)
        for source in self.sources.values {
            self.unwatch(source)
            source.close()
        }
        self.sources = [:]
        self.runs = [:]
        for sink in self.sinks.values {
            sink.sources = []
            sink.flushIndex(all: true, at: now.monotonic)
            sink.closeFile()
        }
    }
}
