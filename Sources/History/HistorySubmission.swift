public import Supervision

/// What is handed to the history at once, and is written together or not at all.
public struct HistorySubmission: Sendable {
    /// In order. Their `id`, the `seq` of exits and `exitSeq` are given by the history.
    public var transitions: [Transition]
    /// What is to be remembered of instances from now on.
    public var memories: [InstanceMemory]
    /// The same of workers.
    public var workers: [WorkerMemory]
    /// Instances of which nothing is to be remembered any more; what `memories` says of one counts more.
    public var forgotten: [InstanceID]
    /// Whether it is to outlive a loss of power as well, such as a decision with `persist=true`. Takes a disk's write.
    public var isSynced: Bool
    /// Called on the history's loop when it is written, or when it is known that it has to wait, after `publish`:
    /// who answers then has a stream behind him that knows of it.
    public var completion: (@Sendable (HistoryOutcome) -> Void)?

    public init(
        transitions: [Transition],
        memories: [InstanceMemory] = [],
        workers: [WorkerMemory] = [],
        forgotten: [InstanceID] = [],
        isSynced: Bool = false,
        completion: (@Sendable (HistoryOutcome) -> Void)? = nil
    ) {
        self.transitions = transitions
        self.memories = memories
        self.workers = workers
        self.forgotten = forgotten
        self.isSynced = isSynced
        self.completion = completion
    }

    var exitCount: Int {
        self.transitions.count { if case .exit = $0.change { true } else { false } }
    }
}

/// What became of a submission.
public enum HistoryOutcome: Equatable, Sendable {
    case committed
    /// It is in memory only, for the reason that is given, and written when that is possible again.
    case waiting(reason: String)
}

/// Who is told what the history does. All are called on its loop, and must not wait for anything.
public struct HistoryHandlers: Sendable {
    /// Every batch, in order, with its numbers: it is committed, or its exits say that they are not durable.
    public var publish: @Sendable ([Transition]) -> Void
    /// These runs need their zombies no more.
    public var reap: @Sendable ([RunID]) -> Void
    /// These exits, published as not durable, are committed now.
    public var madeDurable: @Sendable ([RunID]) -> Void
    /// Something happened that people should know: a sentence for the log.
    public var notice: @Sendable (HistoryNotice) -> Void

    public init(
        publish: @escaping @Sendable ([Transition]) -> Void,
        reap: @escaping @Sendable ([RunID]) -> Void,
        madeDurable: @escaping @Sendable ([RunID]) -> Void = { _ in },
        notice: @escaping @Sendable (HistoryNotice) -> Void
    ) {
        self.publish = publish
        self.reap = reap
        self.madeDurable = madeDurable
        self.notice = notice
    }
}

/// What people should know of the history.
public enum HistoryNotice: Equatable, Sendable {
    /// A file was set aside and another one begun.
    case setAside(SetAside)
    /// Nothing can be written, for a reason.
    case degraded(reason: String)
    /// It is written again; what had waited is written, but for what was given up.
    case recovered(written: Int, lostExits: Int, lostTransitions: Int)
    /// The numbers that are given are not protected against the loss of the database, for a reason.
    case numbersUnprotected(reason: String)
    /// Exits that were shown have other numbers now, because a database turned up in which theirs were taken.
    case renumbered(exits: Int)
    /// The database was moved or removed while it was in use.
    case fileMoved(path: String)

    /// Whether somebody should look at it.
    public var isWarning: Bool {
        switch self {
        case .recovered(_, let lostExits, let lostTransitions): lostExits + lostTransitions > 0
        case .setAside, .degraded, .numbersUnprotected, .renumbered, .fileMoved: true
        }
    }

    /// A sentence.
    public var message: String {
        switch self {
        case .setAside(let setAside): setAside.message
        case .degraded(let reason): "the history cannot be written, and waits in memory: \(reason)"
        case .recovered(let written, 0, 0): "the history is written again, with \(written) records that had waited"
        case .recovered(let written, let exits, let transitions):
            "the history is written again, with \(written) records that had waited; "
                + "\(exits) exits and \(transitions) other transitions were too many and are lost"
        case .numbersUnprotected(let reason): "the numbers of exits cannot be reserved: \(reason)"
        case .renumbered(let exits):
            "\(exits) exits have new numbers, because the database that could be read again had given theirs"
        case .fileMoved(let path): "\(path) was moved or removed while it was in use; another one was begun"
        }
    }
}
