public import Supervision

/// A transition as it is kept and told to whoever follows the events: what happened, without how everything is now.
public struct TransitionRecord: Equatable, Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        /// An instance went from one state to another.
        case instanceState = "instance.state"
        /// Something else about an instance changed, such as its desired state.
        case instanceStatus = "instance.status"
        /// An instance is no more, because its worker was scaled down.
        case instanceRemoved = "instance.removed"
        /// A worker is to have another number of instances; `from` and `to` are the numbers.
        case workerScaled = "worker.scaled"
        case exit = "exit"
        /// An operation began, went on or ended; `from` is not known, `to` is its state.
        case operation = "operation"
        case configured = "agent.configured"
        case recovered = "agent.recovered"
        case shuttingDown = "agent.shutting_down"
    }

    public var id: Int64
    public var at: Timestamp
    public var kind: Kind
    public var worker: String?
    public var instance: Int?
    public var runID: RunID?
    public var from: String?
    public var to: String?
    public var exitSeq: Int64?
    public var operationID: OperationID?
    public var text: String

    private init(_ transition: Transition, _ kind: Kind, text: String) {
        self.id = transition.id
        self.at = transition.at
        self.kind = kind
        self.text = text
    }

    /// Of a transition that has its numbers.
    public init(_ transition: Transition) {
        switch transition.change {
        case .instance(let change):
            self.init(transition, change.from == change.to ? .instanceStatus : .instanceState, text: change.text)
            self.worker = change.status.id.worker
            self.instance = change.status.id.index
            self.runID = change.status.runID ?? change.exitRunID
            self.from = change.from.rawValue
            self.to = change.to.rawValue
            self.exitSeq = change.exitSeq
            self.operationID = change.operationID
        case .scaled(let change):
            self.init(transition, .workerScaled, text: change.text)
            self.worker = change.worker
            self.from = "\(change.from)"
            self.to = "\(change.to)"
            self.operationID = change.operationID
        case .removed(let id, let operation):
            self.init(transition, .instanceRemoved, text: "nothing of it is left")
            self.worker = id.worker
            self.instance = id.index
            self.operationID = operation
        case .exit(let record):
            self.init(transition, .exit, text: record.sentence)
            self.worker = record.instance.worker
            self.instance = record.instance.index
            self.runID = record.runID
            self.exitSeq = record.seq
            self.operationID = record.operationID
        case .operation(let operation):
            self.init(transition, .operation, text: Self.text(operation))
            self.worker = operation.workers.count == 1 ? operation.workers[0] : nil
            self.to = operation.state.rawValue
            self.operationID = operation.id
        case .configured(let workers):
            self.init(transition, .configured, text: workers.count == 1 ? "1 worker" : "\(workers.count) workers")
        case .recovered:
            self.init(transition, .recovered, text: "")
        case .shuttingDown(let requestedBy, let reason):
            let why = reason.map { ": \($0)" } ?? ""
            self.init(transition, .shuttingDown, text: "requested by \(requestedBy)\(why)")
        }
    }

    private static func text(_ operation: Operation) -> String {
        let names = operation.workers.count <= 3 ? operation.workers.joined(separator: ", ") : nil
        let whom = names ?? "\(operation.workers.count) workers"
        let what = whom.isEmpty ? operation.action.rawValue : "\(operation.action.rawValue) of \(whom)"
        let outcome = operation.error.map { ": \($0)" } ?? ""
        return "\(what) by \(operation.requestedBy) \(operation.state.rawValue)\(outcome)"
    }
}

extension TransitionRecord {
    static let columns = "id, at, type, worker, instance, run_id, from_state, to_state, exit_seq, operation_id, text"

    static let insertOrIgnore =
        "INSERT OR IGNORE INTO transitions (\(Self.columns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

    func bind(to statement: Statement) {
        statement.bind(self.id)
        statement.bind(self.at)
        statement.bind(self.kind.rawValue)
        statement.bind(self.worker)
        statement.bind(self.instance)
        statement.bind(self.runID)
        statement.bind(self.from)
        statement.bind(self.to)
        statement.bind(self.exitSeq)
        statement.bind(self.operationID)
        statement.bind(self.text)
    }

    /// `nil` for a row that is no record, which only damage to the file can bring about.
    init?(_ row: Statement) {
        guard let id = row.int64(), let at = row.timestamp(), let kind = row.value(Kind.self) else { return nil }
        self.id = id
        self.at = at
        self.kind = kind
        self.worker = row.text()
        self.instance = row.int()
        self.runID = row.uuid()
        self.from = row.text()
        self.to = row.text()
        self.exitSeq = row.int64()
        self.operationID = row.uuid()
        self.text = row.text() ?? ""
    }
}
