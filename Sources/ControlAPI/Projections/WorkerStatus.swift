internal import ControlMessages
internal import HTTPServer
internal import Supervision

/// One worker as the stream of transitions tells it, with what was encoded of it last.
struct WorkerStatus {
    var specification: WorkerSpecification
    /// In the order of their indices, in which there are gaps while the last ones end.
    var instances: [Instance]
    /// How many instances it is to have.
    var count: Int
    /// How many runs ended since the agent began, in the order of `ExitCause.allCases`.
    private(set) var exitsByCause = [Int64](repeating: 0, count: ExitCause.allCases.count)
    /// The revision of its last change.
    private(set) var revision: Int64
    /// By `Detail`; forgotten with each change.
    private var fragments: [[UInt8]?] = [nil, nil]
    private var responses: [HTTPResponse?] = [nil, nil]

    struct Instance {
        var status: InstanceStatus
        var lastExit: ExitRecord?
        var restarts = RestartCounts()
        var upShare: UpShare
        /// As it was encoded last.
        var shownUpShare: Double?
        /// Whether a transition has told anything of it.
        var isKnown = false

        init(_ id: InstanceID, at now: Int64) {
            self.status = InstanceStatus(id: id)
            self.upShare = UpShare(since: now)
        }
    }

    /// What must be known of the agent to say in what a worker deviates.
    struct Circumstances {
        var isRecovered = false
        var isShuttingDown = false
    }

    init(_ specification: WorkerSpecification, revision: Int64, at now: Int64) {
        self.specification = specification
        self.revision = revision
        self.count = specification.instances
        self.instances = (0..<specification.instances).map { index in
            Instance(InstanceID(worker: specification.name, index: index), at: now)
        }
    }

    /// Where an instance stands in `instances`; `nil` when there is none.
    func place(of index: Int) -> Int? {
        let place = self.firstPlace(from: index)
        return place < self.instances.count && self.instances[place].status.id.index == index ? place : nil
    }

    /// Adds an instance, unless there is one of that index; answers where it stands.
    @discardableResult
    mutating func add(_ id: InstanceID, at now: Int64) -> Int {
        let place = self.firstPlace(from: id.index)
        if self.place(of: id.index) == nil {
            self.instances.insert(Instance(id, at: now), at: place)
        }
        return place
    }

    mutating func remove(_ indices: Range<Int>) {
        self.instances.removeSubrange(
            self.firstPlace(from: indices.lowerBound)..<self.firstPlace(from: indices.upperBound)
        )
    }

    /// The place of the first instance whose index is not lower.
    private func firstPlace(from index: Int) -> Int {
        var low = 0
        var high = self.instances.count
        while low < high {
            let middle = (low + high) / 2
            if self.instances[middle].status.id.index < index {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    mutating func note(_ exit: ExitRecord) {
        // The list is short, and an exit is rare beside what it costs otherwise.
        guard let index = ExitCause.allCases.firstIndex(of: exit.cause) else { return }
        self.exitsByCause[index] += 1
    }

    mutating func markChanged(revision: Int64) {
        self.revision = revision
        self.fragments = [nil, nil]
        self.responses = [nil, nil]
    }

    /// Whether a share of time is no longer what was encoded last.
    mutating func upShareHasMoved(at now: Int64) -> Bool {
        var hasMoved = false
        for index in self.instances.indices {
            let shown = self.instances[index].shownUpShare
            hasMoved = self.instances[index].upShare.value(at: now) != shown || hasMoved
        }
        return hasMoved
    }

    /// The worker's JSON, encoded once for each change.
    mutating func fragment(_ detail: Detail, _ circumstances: Circumstances, at now: Int64) -> [UInt8] {
        if let fragment = self.fragments[detail.rawValue] {
            return fragment
        }
        let fragment = Answer.encode(self.message(detail, circumstances, at: now))
        self.fragments[detail.rawValue] = fragment
        return fragment
    }

    /// The answer for the worker alone, made once for each change.
    mutating func response(_ detail: Detail, _ circumstances: Circumstances, at now: Int64) -> HTTPResponse {
        if let response = self.responses[detail.rawValue] {
            return response
        }
        let response = Answer.tagged(self.fragment(detail, circumstances, at: now), revision: self.revision)
        self.responses[detail.rawValue] = response
        return response
    }

    mutating func message(_ detail: Detail, _ circumstances: Circumstances, at now: Int64) -> WorkerMessage {
        for index in self.instances.indices {
            self.instances[index].shownUpShare = self.instances[index].upShare.value(at: now)
        }
        let operation = self.instances.lazy.compactMap(\.status.operationID).first
        return WorkerMessage(
            name: self.specification.name,
            state: self.state,
            desired: self.desired.rawValue,
            health: self.health.rawValue,
            command: self.specification.command,
            restart: self.specification.restart.rawValue,
            after: [],
            hold: nil,
            operationID: operation?.description,
            deviations: self.deviations(circumstances),
            instances: self.instances.map { $0.message(detail) }
        )
    }
}

extension WorkerStatus.Instance {
    fileprivate func message(_ detail: Detail) -> InstanceMessage {
        InstanceMessage(
            instance: self.status.id.index,
            id: self.status.id.description,
            state: self.status.state.rawValue,
            desired: self.status.desired.rawValue,
            ready: self.status.ready,
            health: self.status.health.rawValue,
            statusText: self.status.statusText,
            pid: self.status.pid,
            runID: self.status.runID?.description,
            startedAt: self.status.startedAt.map { TimestampText.format($0) },
            readyAt: self.status.readyAt.map { TimestampText.format($0) },
            nextStartAt: self.status.nextStartAt.map { TimestampText.format($0) },
            consecutiveFailures: self.status.consecutiveFailures,
            restarts: self.restarts.message(total: self.status.restarts),
            upShare24h: self.shownUpShare,
            lastExit: self.lastExit.map { ExitMessage($0, detail: detail) }
        )
    }
}
