internal import ControlMessages
internal import Supervision

/// The newest operations, with the exits that they name.
struct OperationLog {
    /// How many operations are kept, and how many instances they may have together: an operation on a large worker holds
    /// a transcript for each of its instances.
    static let maximumCount = 1_000
    static let maximumInstances = 20_000

    struct Entry {
        var operation: Operation
        var exits: [RunID: ExitRecord] = [:]
        /// The runs whose exits are named and not committed yet.
        var awaited: Set<RunID> = []

        var isFinished: Bool {
            switch self.operation.state {
            case .pending, .running: false
            case .succeeded, .failed, .aborted: true
            }
        }

        /// Whether nothing of it will change any more.
        var isComplete: Bool {
            self.isFinished && self.awaited.isEmpty
        }

        var message: OperationMessage {
            OperationMessage(self.operation, exits: self.exits)
        }
    }

    private let capacity: Int
    private var entries: [OperationID: Entry] = [:]
    /// The oldest first.
    private var order: [OperationID] = []
    private var awaiting: [RunID: Set<OperationID>] = [:]
    private(set) var instances = 0

    init(capacity: Int = Self.maximumCount) {
        self.capacity = capacity
    }

    var count: Int {
        self.order.count
    }

    /// How many runs there are whose exits are named and not committed yet.
    var awaitedCount: Int {
        self.awaiting.count
    }

    subscript(id: OperationID) -> Entry? {
        self.entries[id]
    }

    /// The newest first.
    func newest(_ limit: Int) -> [Entry] {
        self.order.suffix(limit).reversed().compactMap { self.entries[$0] }
    }

    /// Takes an operation as it is now.
    mutating func apply(_ operation: Operation, exits history: RecentExits) {
        var entry = self.entries[operation.id] ?? Entry(operation: operation)
        if self.entries[operation.id] == nil {
            self.order.append(operation.id)
        } else {
            self.instances -= entry.operation.instances.count
        }
        self.instances += operation.instances.count
        entry.operation = operation
        for run in operation.instances.compactMap(\.exitRunID) where entry.exits[run] == nil {
            if let record = history.record(of: run) {
                entry.exits[run] = record
            } else {
                entry.awaited.insert(run)
                self.awaiting[run, default: []].insert(operation.id)
            }
        }
        self.entries[operation.id] = entry
        self.dropOldest()
    }

    /// Takes an exit that was committed.
    mutating func apply(_ record: ExitRecord) {
        for id in self.awaiting.removeValue(forKey: record.runID) ?? [] {
            self.entries[id]?.awaited.remove(record.runID)
            self.entries[id]?.exits[record.runID] = record
        }
    }

    /// The history has written these exits, which it could not when they were told.
    mutating func markDurable(_ runs: Set<RunID>) {
        for id in self.order {
            guard let named = self.entries[id]?.exits else { continue }
            for (run, record) in named where !record.isDurable && runs.contains(run) {
                self.entries[id]?.exits[run]?.isDurable = true
            }
        }
    }

    private mutating func dropOldest() {
        // One operation is always kept, however large it is: it is the one that was just asked for.
        while self.order.count > self.capacity || self.instances > Self.maximumInstances && self.order.count > 1 {
            // The ones that run are few, as the supervisor bounds them; only if nothing else is left they go as well.
            let index = self.order.firstIndex { self.entries[$0]?.isFinished ?? true } ?? 0
            let id = self.order.remove(at: index)
            guard let entry = self.entries.removeValue(forKey: id) else { continue }
            self.instances -= entry.operation.instances.count
            for run in entry.awaited {
                self.awaiting[run]?.remove(id)
                if self.awaiting[run]?.isEmpty ?? false {
                    self.awaiting[run] = nil
                }
            }
        }
    }
}
