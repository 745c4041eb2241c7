@testable import Supervision

/// A random life of a few workers: requests, a kernel that is late, and time, in any order; then a kernel that behaves,
/// until every operation has ended.
struct Schedule {
    /// How many steps the wild part has.
    static let steps = 40
    /// How many times a kernel that behaves is waited for before an operation counts as stuck.
    static let patience = 400

    private(set) var harness: RosterHarness
    private var chance: Randomness
    private let specifications: [WorkerSpecification]
    private let instances: [InstanceID]

    init(seed: UInt64) {
        var chance = Randomness(seed: seed)
        var specifications: [WorkerSpecification] = []
        for name in ["db", "web", "job"].prefix(Int.random(in: 1...3, using: &chance)) {
            specifications.append(Self.specification(name, using: &chance))
        }
        self.specifications = specifications
        self.instances = specifications.flatMap { specification in
            // And some that may come.
            (0..<specification.instances + 2).map { InstanceID(worker: specification.name, index: $0) }
        }
        self.harness = RosterHarness(specifications, seed: chance.next())
        self.chance = chance
    }

    mutating func run() throws(Violation) {
        try self.harness.begin()
        for _ in 0..<Self.steps {
            try self.step()
        }
        try self.settle()
        try self.checkNextLife()
        guard Bool.random(using: &self.chance) else { return }
        let request = OperationRequest(action: .shutdown, workers: [], requestedBy: "uid:0")
        let isEnding = self.harness.model.isShuttingDown
        try self.harness.submit(request)
        try self.settle()
        guard self.harness.ended.count == 1 || isEnding else { throw Violation("the shutdown did not end") }
        guard self.harness.runs.isEmpty, self.harness.timers.isEmpty else {
            throw Violation("something is left after the shutdown")
        }
        // Whatever time it is: nothing comes back.
        try self.harness.wait(.seconds(10_000))
        guard self.harness.runs.isEmpty else { throw Violation("something came back after the shutdown") }
    }

    /// The agent dies now: the next one begins with the same instances, and remembers nothing of others.
    private func checkNextLife() throws(Violation) {
        var next = WorkerRoster(specifications: self.specifications, randomness: Randomness(seed: 1))
        next.begin(at: self.harness.now, after: self.harness.memory.recovery())
        let ids = Set(next.slotIndex.keys)
        guard ids == Set(self.harness.model.statuses.keys) else { throw Violation("the next life has \(ids)") }
        var memory = self.harness.memory
        memory.take(from: &next, at: self.harness.now)
        guard ids == Set(memory.instances.keys) else { throw Violation("remembered are \(memory.instances.keys)") }
    }

    // MARK: Workers

    private static func specification(_ name: String, using chance: inout Randomness) -> WorkerSpecification {
        func oneOf<Value>(_ values: Value...) -> Value {
            values[Int.random(in: 0..<values.count, using: &chance)]
        }
        var specification = WorkerSpecification(name: name, command: ["/bin/\(name)"])
        specification.instances = oneOf(0, 1, 1, 2, 2, 3)
        specification.autostart = oneOf(true, true, false)
        specification.basePort = oneOf(nil, nil, 65_532)
        specification.restart = oneOf(.onFailure, .onFailure, .always, .never)
        specification.success = oneOf([.code(0)], [.code(0), .signal(.terminate)])
        specification.noRestart = oneOf([], [], [.code(78)])
        specification.backoff = BackoffPolicy(
            initial: oneOf(.zero, .milliseconds(100), .seconds(1)),
            factor: oneOf(1, 2, 10),
            max: oneOf(.milliseconds(500), .seconds(30)),
            jitter: oneOf(0, 0.1, 1),
            resetAfter: oneOf(.milliseconds(100), .seconds(10))
        )
        specification.restartLimit = oneOf(
            nil,
            RestartLimit(restarts: 2, within: .seconds(60)),
            RestartLimit(restarts: 1, within: .seconds(5), retryAfter: .seconds(20)),
            RestartLimit(restarts: 0, within: .seconds(60), retryAfter: .seconds(1))
        )
        // It may end the interesting part.
        specification.isVital = oneOf(false, false, false, false, false, true)
        specification.stop.grace = oneOf(.zero, .seconds(1), .seconds(10))
        specification.stop.signal = oneOf(.terminate, .terminate, .quit, .kill)
        specification.stop.command = oneOf([], [], ["/bin/quit"])
        return specification
    }

    // MARK: Steps

    private mutating func step() throws(Violation) {
        switch Int.random(in: 0..<100, using: &self.chance) {
        case 0..<18: try self.submit()
        case 18..<48: try self.tell()
        case 48..<76: self.move()
        case 76..<92: try self.moveTime()
        case 92..<94: try self.fireAnyTimer()
        case 94..<97: try self.tellAgain()
        case 97..<99: try self.note()
        default: try self.tellOfUpgrade()
        }
    }

    private mutating func oneOf<Value>(_ values: Value...) -> Value {
        values[Int.random(in: 0..<values.count, using: &self.chance)]
    }

    private mutating func submit() throws(Violation) {
        let action: OperationAction = self.oneOf(
            .start,
            .start,
            .stop,
            .stop,
            .restart,
            .restart,
            .scale,
            .scale,
            .signal,
            .reset
        )
        // A shutdown ends the interesting part, so it is rare.
        let isShutdown = Int.random(in: 0..<150, using: &self.chance) == 0
        let isUpgrade = Int.random(in: 0..<20, using: &self.chance) == 0
        var request = OperationRequest(
            action: isShutdown ? .shutdown : isUpgrade ? .upgrade : action,
            workers: self.oneOf(false, false, true)
                ? self.specifications.map(\.name).shuffled(using: &self.chance)
                : [self.specifications.randomElement(using: &self.chance)?.name ?? "db"],
            requestedBy: self.oneOf("uid:0", "uid:1000")
        )
        if request.action == .scale {
            request.workers = [request.workers[0]]
            request.count = Int.random(in: 0..<6, using: &self.chance)
        } else if request.workers.count == 1, self.oneOf(true, false, false) {
            request.instance = Int.random(in: 0..<3, using: &self.chance)
        }
        if request.workers.count == 1, Int.random(in: 0..<40, using: &self.chance) == 0 {
            request.workers = ["wbe"]
        }
        request.grace = self.oneOf(nil, nil, nil, .zero, .seconds(1), .seconds(20))
        request.observe = self.oneOf(nil, nil, .zero, .seconds(3))
        request.signal = self.oneOf(.hangup, .kill, .segmentationViolation)
        request.signalScope = self.oneOf(.main, .group)
        try self.harness.submit(request)
    }

    private mutating func tell() throws(Violation) {
        guard let report = self.harness.inbox.randomElement(using: &self.chance) else { return self.move() }
        try self.harness.tell(report)
    }

    /// Something happens to a run, which the roster is not told yet.
    private mutating func move() {
        let ids = self.harness.runs.keys.sorted()
        guard let id = ids.randomElement(using: &self.chance), let run = self.harness.runs[id] else { return }
        switch run.process {
        case .asked:
            switch Int.random(in: 0..<20, using: &self.chance) {
            case 0: self.harness.refuse(id, .missing)
            case 1, 2, 3: self.harness.refuse(id, .tooManyProcesses)
            default:
                self.harness.create(id)
                let ignoresTerm = self.oneOf(false, false, true)
                self.harness.runs[id]?.ignoresTerm = ignoresTerm
            }
        case .alive:
            switch Int.random(in: 0..<10, using: &self.chance) {
            case 0, 1:
                self.harness.fork(id)
                self.harness.runs[id]?.killsNeeded = Int(run.pid % 3)
            case 2, 3, 4:
                let status: WaitStatus? = self.oneOf(
                    WaitStatus(exitCode: 0),
                    WaitStatus(exitCode: 0),
                    WaitStatus(exitCode: 1),
                    WaitStatus(exitCode: 78),
                    WaitStatus(signal: .kill),
                    WaitStatus(signal: .segmentationViolation, coreDumped: true),
                    WaitStatus(signal: .terminate),
                    WaitStatus(signal: .hangup),
                    nil
                )
                self.harness.end(id, status)
            default: self.harness.obey(id)
            }
        case .ended, .failed:
            if run.killSent || self.oneOf(true, false, false) {
                self.harness.endRest(id)
            }
        }
    }

    private mutating func moveTime() throws(Violation) {
        if let (timer, at) = self.harness.nextTimer, self.oneOf(true, true, false) {
            // The timer goes off at its time, or somewhat late.
            let late: Duration = self.oneOf(.zero, .zero, .milliseconds(3), .seconds(2))
            let distance = self.harness.now.monotonic.duration(to: at) + late
            self.harness.advance(by: max(.zero, distance))
            try self.harness.fire(timer)
        } else {
            self.harness.advance(by: self.oneOf(.nanoseconds(1), .milliseconds(20), .seconds(1), .seconds(12)))
        }
    }

    /// A timer that goes off before its time, or one that was taken back.
    private mutating func fireAnyTimer() throws(Violation) {
        if let id = self.instances.randomElement(using: &self.chance) {
            try self.harness.fire(.instance(id))
        }
        if let id = self.harness.model.operations.keys.sorted().randomElement(using: &self.chance) {
            try self.harness.fire(.operation(id))
        }
    }

    private mutating func tellAgain() throws(Violation) {
        guard let id = self.instances.randomElement(using: &self.chance) else { return }
        try self.harness.tellAgain(id, self.oneOf(.outcome, .exit, .cleared))
    }

    private mutating func note() throws(Violation) {
        guard let id = self.instances.randomElement(using: &self.chance) else { return }
        try self.harness.note(id, "TERM sent to 4 processes")
    }

    private mutating func tellOfUpgrade() throws(Violation) {
        guard self.harness.upgrade != nil else { return }
        try self.harness.tellOfUpgrade(refusal: self.oneOf(nil, "cannot open /bin/reeve"))
    }

    // MARK: A kernel that behaves

    /// Goes on until no operation is active. Starts succeed, or fail in a way that passes; what is told to end ends.
    private mutating func settle() throws(Violation) {
        for _ in 0..<Self.patience {
            for id in self.harness.runs.keys.sorted() {
                guard let run = self.harness.runs[id] else { continue }
                if run.process == .asked {
                    if Int.random(in: 0..<10, using: &self.chance) == 0 {
                        self.harness.refuse(id, .tooManyProcesses)
                    } else {
                        self.harness.create(id)
                    }
                }
                self.harness.obey(id)
            }
            try self.tellOfUpgrade()
            while let report = self.harness.inbox.randomElement(using: &self.chance) {
                try self.harness.tell(report)
            }
            if self.harness.model.active.isEmpty, !self.harness.model.hasLeaving { return }
            if !self.harness.runs.values.contains(where: { $0.process == .asked || $0.isGone }) {
                guard let (timer, at) = self.harness.nextTimer else { throw Violation("operations are stuck") }
                self.harness.advance(by: max(.zero, self.harness.now.monotonic.duration(to: at)))
                try self.harness.fire(timer)
            }
        }
        throw Violation("operations do not end: \(self.harness.model.active)")
    }
}
