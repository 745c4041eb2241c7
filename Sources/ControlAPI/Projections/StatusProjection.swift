internal import ControlMessages
internal import HTTPServer
internal import Supervision

/// All workers as the stream of transitions tells them, with a revision that moves with every change of what is shown, and
/// one answer for each revision: any number of clients get the same bytes.
struct StatusProjection {
    /// How often a request looks whether the shares of time have moved. They move by themselves, and nothing wakes up for
    /// them.
    static let upShareInterval: Int64 = 60_000

    private(set) var revision: Int64
    private(set) var circumstances = WorkerStatus.Circumstances()
    /// In the order of the configuration.
    private(set) var workers: [WorkerStatus] = []
    private var indices: [String: Int] = [:]
    /// What all times are counted from; so long before the agent's beginning that none of interest is earlier.
    private let origin: MonotonicInstant
    private static let earlier = Duration.seconds(48 * 3600)
    private var lastUpShareLook: Int64
    /// When the next restart leaves its window, or earlier.
    private var expiry: Int64?
    /// Of instances that were not told of yet.
    private var earlierExits: [InstanceID: ExitRecord]
    /// By `Detail`, for the present revision.
    private var responses: [HTTPResponse?] = [nil, nil]

    /// - Parameters:
    ///   - generation: counts the starts of the agent; revisions of different ones never meet.
    ///   - lastExits: the newest one of each instance before this start.
    init(generation: Int64, at now: MonotonicInstant, lastExits: [ExitRecord] = []) {
        self.earlierExits = Dictionary(lastExits.map { ($0.instance, $0) }) { $1 }
        self.revision = generation << 32
        self.origin = now.advanced(by: .zero - Self.earlier)
        self.lastUpShareLook = Self.earlier.nanoseconds / 1_000_000
    }

    // MARK: The stream

    mutating func apply(_ transition: Transition, at now: MonotonicInstant) {
        switch transition.change {
        case .configured(let specifications): self.configure(specifications, at: self.milliseconds(now))
        case .instance(let change): self.apply(change.status, at: self.milliseconds(now))
        case .scaled(let change): self.apply(change, at: self.milliseconds(now))
        case .removed(let id, _): self.remove(id.index..<id.index + 1, of: id.worker)
        case .exit(let record): self.apply(record)
        case .recovered:
            self.circumstances.isRecovered = true
            self.markAllChanged()
        case .shuttingDown:
            self.circumstances.isShuttingDown = true
            self.markAllChanged()
        // What it does to the instances comes with their own changes.
        case .operation: break
        }
    }

    private mutating func configure(_ specifications: [WorkerSpecification], at now: Int64) {
        self.moveOn()
        let old = self.workers
        self.workers = specifications.map { specification in
            guard let index = self.indices[specification.name] else {
                return WorkerStatus(specification, revision: self.revision, at: now)
            }
            // What is known of a worker stays; instances that there are no more say so themselves.
            var worker = old[index]
            worker.specification = specification
            worker.markChanged(revision: self.revision)
            return worker
        }
        self.indices = [:]
        for (index, worker) in self.workers.enumerated() {
            self.indices[worker.specification.name] = index
        }
    }

    private mutating func apply(_ status: InstanceStatus, at now: Int64) {
        guard let worker = self.indices[status.id.worker] else { return }
        let place = self.workers[worker].add(status.id, at: now)
        let earlierExit = self.earlierExits.removeValue(forKey: status.id)
        self.update(worker, place) { instance in
            instance.lastExit = instance.lastExit ?? earlierExit
            let restarts = status.restarts - instance.status.restarts
            if instance.isKnown, restarts > 0 {
                instance.restarts.add(restarts, at: now)
            }
            instance.isKnown = true
            instance.status = status
            instance.upShare.note(isUp: status.state == .running, at: now)
        }
        self.noteExpiry(of: self.workers[worker].instances[place].restarts)
    }

    /// Puts what was before the agent's beginning before what was counted since.
    mutating func takeUp(_ activity: PastActivity, began: Timestamp, at now: MonotonicInstant) {
        let now = self.milliseconds(now)
        for (id, past) in activity.instances {
            guard let worker = self.indices[id.worker], let place = self.workers[worker].place(of: id.index) else {
                continue
            }
            self.update(worker, place) { instance in
                instance.restarts.precede(by: past.restarts, at: now)
                // A run that lived through it was up all the time; of another nobody knows when it ended.
                let livedOn = past.isUp && instance.status.startedAt.map { $0 < began } ?? false
                instance.upShare.precede(by: past.upShare, livedOn: livedOn)
            }
            self.noteExpiry(of: self.workers[worker].instances[place].restarts)
        }
    }

    private mutating func apply(_ record: ExitRecord) {
        guard let worker = self.indices[record.instance.worker] else { return }
        self.workers[worker].note(record)
        guard let place = self.workers[worker].place(of: record.instance.index) else {
            self.moveOn()
            self.workers[worker].markChanged(revision: self.revision)
            return
        }
        self.update(worker, place) { $0.lastExit = record }
    }

    private mutating func apply(_ change: ScaleChange, at now: Int64) {
        guard let worker = self.indices[change.worker] else { return }
        self.moveOn()
        self.workers[worker].count = change.to
        for index in change.added {
            self.workers[worker].add(InstanceID(worker: change.worker, index: index), at: now)
        }
        self.workers[worker].markChanged(revision: self.revision)
        self.remove(change.removed, of: change.worker)
    }

    private mutating func remove(_ indices: Range<Int>, of name: String) {
        guard let worker = self.indices[name], !indices.isEmpty else { return }
        self.moveOn()
        self.workers[worker].remove(indices)
        self.workers[worker].markChanged(revision: self.revision)
    }

    /// The history has written these exits, which it could not when they were told.
    mutating func markDurable(_ runs: Set<RunID>) {
        for worker in self.workers.indices {
            for index in self.workers[worker].instances.indices {
                guard let exit = self.workers[worker].instances[index].lastExit, !exit.isDurable,
                    runs.contains(exit.runID)
                else { continue }
                self.update(worker, index) { $0.lastExit?.isDurable = true }
            }
        }
    }

    private mutating func update(_ worker: Int, _ index: Int, _ change: (inout WorkerStatus.Instance) -> Void) {
        self.moveOn()
        change(&self.workers[worker].instances[index])
        self.workers[worker].markChanged(revision: self.revision)
    }

    private mutating func markAllChanged() {
        self.moveOn()
        for index in self.workers.indices {
            self.workers[index].markChanged(revision: self.revision)
        }
    }

    private mutating func moveOn() {
        self.revision += 1
        self.responses = [nil, nil]
    }

    // MARK: Time

    /// When the next restart leaves its window, so that what is shown changes by itself.
    var nextExpiry: MonotonicInstant? {
        self.expiry.map { self.origin.advanced(by: .milliseconds($0)) }
    }

    /// Lets go the restarts that have left their windows; the revision moves when there are some.
    mutating func expire(at now: MonotonicInstant) {
        let milliseconds = self.milliseconds(now)
        var hasMoved = false
        self.expiry = nil
        for worker in self.workers.indices {
            var hasChanged = false
            for index in self.workers[worker].instances.indices {
                guard self.workers[worker].instances[index].restarts.nextExpiry != nil else { continue }
                hasChanged = self.workers[worker].instances[index].restarts.expire(at: milliseconds) || hasChanged
                self.noteExpiry(of: self.workers[worker].instances[index].restarts)
            }
            self.note(worker, hasChanged, &hasMoved)
        }
    }

    private mutating func noteExpiry(of restarts: RestartCounts) {
        guard let expiry = restarts.nextExpiry else { return }
        self.expiry = min(self.expiry ?? expiry, expiry)
    }

    /// Moves the revision when a share of time is no longer what was shown. It looks only now and then: the shares of
    /// instances that are not always up move all the time.
    mutating func refreshUpShares(at now: MonotonicInstant) {
        let milliseconds = self.milliseconds(now)
        guard milliseconds - self.lastUpShareLook >= Self.upShareInterval else { return }
        self.lastUpShareLook = milliseconds
        var hasMoved = false
        for worker in self.workers.indices {
            self.note(worker, self.workers[worker].upShareHasMoved(at: milliseconds), &hasMoved)
        }
    }

    private mutating func note(_ worker: Int, _ hasChanged: Bool, _ hasMoved: inout Bool) {
        guard hasChanged else { return }
        if !hasMoved {
            hasMoved = true
            self.moveOn()
        }
        self.workers[worker].markChanged(revision: self.revision)
    }

    /// Times of the parts are milliseconds from the projection's beginning.
    func milliseconds(_ now: MonotonicInstant) -> Int64 {
        self.origin.duration(to: now).nanoseconds / 1_000_000
    }

    // MARK: What is asked

    var names: [String] {
        self.workers.map(\.specification.name)
    }

    func worker(_ name: String) -> WorkerStatus? {
        self.indices[name].map { self.workers[$0] }
    }

    /// All workers.
    mutating func response(_ detail: Detail, at now: MonotonicInstant) -> HTTPResponse {
        if let response = self.responses[detail.rawValue] {
            return response
        }
        let response = self.response(ofWorkersAt: Array(self.workers.indices), detail, at: now)
        self.responses[detail.rawValue] = response
        return response
    }

    /// Those workers that are called so.
    mutating func response(of names: [String], _ detail: Detail, at now: MonotonicInstant) -> HTTPResponse {
        self.response(ofWorkersAt: names.compactMap { self.indices[$0] }, detail, at: now)
    }

    private mutating func response(
        ofWorkersAt indices: [Int],
        _ detail: Detail,
        at now: MonotonicInstant
    ) -> HTTPResponse {
        let milliseconds = self.milliseconds(now)
        var fragments: [[UInt8]] = []
        for index in indices {
            fragments.append(self.workers[index].fragment(detail, self.circumstances, at: milliseconds))
        }
        return Answer.tagged(
            WorkersMessage.encode(revision: self.revision, fragments: fragments),
            revision: self.revision
        )
    }

    /// One worker, with the revision of its last change; `nil` when there is none of that name.
    mutating func response(
        ofWorker name: String,
        _ detail: Detail,
        at now: MonotonicInstant
    ) -> (HTTPResponse, revision: Int64)? {
        guard let index = self.indices[name] else { return nil }
        let response = self.workers[index].response(detail, self.circumstances, at: self.milliseconds(now))
        return (response, self.workers[index].revision)
    }
}
