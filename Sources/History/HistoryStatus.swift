/// How the history is, for /v1/agent and the metrics.
public struct HistoryStatus: Equatable, Sendable {
    /// Why nothing can be written; `nil` when all is well.
    public var degraded: String?
    /// Exits that wait in memory.
    public var pending: Int
    /// Exits and other transitions that were given up since the agent began, because too many waited.
    public var lostExits: Int
    public var lostTransitions: Int
    /// The `seq` of the oldest exit that is kept, in the database or waiting; `nil` when there is none.
    public var oldestExit: Int64?
    /// The files that this agent set aside.
    public var setAside: [SetAside]

    public init() {
        self.degraded = nil
        self.pending = 0
        self.lostExits = 0
        self.lostTransitions = 0
        self.oldestExit = nil
        self.setAside = []
    }
}
