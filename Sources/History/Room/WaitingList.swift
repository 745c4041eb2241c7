internal import Supervision

/// What was published but could not be written: it waits in memory, within bounds, for the database to come back.
struct WaitingList {
    /// Exits that wait at most; then the oldest are given up, because the newest tell what goes on.
    static let maximumExits = 10_000
    /// Other transitions that wait at most; the oldest are given up first.
    static let maximumOthers = 10_000
    /// Exits whose zombies wait for their record at most: the kernel keeps them, should the agent die meanwhile.
    static let maximumUnreaped = 256

    /// A queue that gives up its oldest elements cheaply.
    private struct Queue {
        private var elements: [Transition] = []
        private var head = 0

        var count: Int { self.elements.count - self.head }
        var first: Transition? { self.count > 0 ? self.elements[self.head] : nil }
        var all: ArraySlice<Transition> { self.elements[self.head...] }

        mutating func append(_ transition: Transition) {
            self.elements.append(transition)
        }

        mutating func removeFirst() -> Transition {
            let first = self.elements[self.head]
            self.head += 1
            if self.head > 512, self.head * 2 > self.elements.count {
                self.elements.removeFirst(self.head)
                self.head = 0
            }
            return first
        }

        mutating func replaceAll(_ body: (inout Transition) -> Void) {
            self.elements.removeFirst(self.head)
            self.head = 0
            for index in self.elements.indices {
                body(&self.elements[index])
            }
        }
    }

    private var exits = Queue()
    private var others = Queue()
    private var seqs: [RunID: Int64] = [:]
    private var unreaped: Set<RunID> = []
    /// What is to be remembered of instances, without transitions.
    private(set) var memories = WriteGroup()
    /// How many were given up since the beginning.
    private(set) var lostExits = 0
    private(set) var lostOthers = 0

    /// Exits that wait.
    var exitCount: Int { self.exits.count }
    var isEmpty: Bool { self.exits.count == 0 && self.others.count == 0 && self.memories.isEmpty }

    /// The number that a run's exit has got.
    func seq(ofRun run: RunID) -> Int64? {
        self.seqs[run]
    }

    /// In the order of their `seq`.
    var records: [ExitRecord] {
        self.exits.all.compactMap { if case .exit(let record) = $0.change { record } else { nil } }
    }

    var firstExit: Int64? {
        if case .exit(let record)? = self.exits.first?.change { record.seq } else { nil }
    }

    /// Adds what was published; answers the runs that may be reaped all the same, because enough others wait.
    mutating func add(_ group: WriteGroup) -> [RunID] {
        var reapable: [RunID] = []
        for transition in group.transitions {
            guard case .exit(let record) = transition.change else {
                self.others.append(transition)
                if self.others.count > Self.maximumOthers {
                    _ = self.others.removeFirst()
                    self.lostOthers += 1
                }
                continue
            }
            self.exits.append(transition)
            self.seqs[record.runID] = record.seq
            if self.unreaped.count < Self.maximumUnreaped {
                self.unreaped.insert(record.runID)
            } else {
                reapable.append(record.runID)
            }
            if self.exits.count > Self.maximumExits, case .exit(let oldest) = self.exits.removeFirst().change {
                self.lostExits += 1
                self.seqs[oldest.runID] = nil
                if self.unreaped.remove(oldest.runID) != nil {
                    reapable.append(oldest.runID)
                }
            }
        }
        self.memories.add(
            memories: Array(group.memories.values),
            workers: Array(group.workers.values),
            forgotten: Array(group.forgotten),
            isSynced: group.isSynced
        )
        return reapable
    }

    /// The oldest transitions, in order; with the last ones what is to be remembered of instances.
    func nextGroup(limit: Int) -> WriteGroup {
        var group = WriteGroup()
        var exits = self.exits.all
        var others = self.others.all
        while group.transitions.count < limit {
            let takesExit: Bool
            switch (exits.first, others.first) {
            case (let exit?, let other?): takesExit = exit.id < other.id
            case (.some, nil): takesExit = true
            case (nil, .some): takesExit = false
            case (nil, nil):
                group.add(
                    memories: Array(self.memories.memories.values),
                    workers: Array(self.memories.workers.values),
                    forgotten: Array(self.memories.forgotten),
                    isSynced: self.memories.isSynced
                )
                return group
            }
            group.transitions.append(takesExit ? exits.removeFirst() : others.removeFirst())
        }
        return group
    }

    /// Takes out what `nextGroup` gave, now that it is written; answers the runs that may be reaped now, and those whose
    /// records are durable now.
    mutating func removeWritten(_ group: WriteGroup) -> (reapable: [RunID], durable: [RunID]) {
        var reapable: [RunID] = []
        var durable: [RunID] = []
        for transition in group.transitions {
            guard case .exit(let record) = transition.change else {
                _ = self.others.removeFirst()
                continue
            }
            _ = self.exits.removeFirst()
            self.seqs[record.runID] = nil
            durable.append(record.runID)
            if self.unreaped.remove(record.runID) != nil {
                reapable.append(record.runID)
            }
        }
        if self.exits.count == 0, self.others.count == 0, group.hasMemories {
            self.memories = WriteGroup()
        }
        return (reapable, durable)
    }

    /// Gives all that wait other numbers, in the same order.
    mutating func renumber(_ numbering: inout Numbering) {
        var group = self.nextGroup(limit: .max)
        var numbers: [Int64: Transition] = [:]
        for index in group.transitions.indices {
            let id = group.transitions[index].id
            group.transitions[index].id = numbering.takeTransition()
            if case .exit(var record) = group.transitions[index].change {
                record.seq = numbering.takeExit()
                self.seqs[record.runID] = record.seq
                group.transitions[index].change = .exit(record)
            }
            numbers[id] = group.transitions[index]
        }
        let renumber = { (transition: inout Transition) in
            transition = numbers[transition.id] ?? transition
        }
        self.exits.replaceAll(renumber)
        self.others.replaceAll(renumber)
    }
}
