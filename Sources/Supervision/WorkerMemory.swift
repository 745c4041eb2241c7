/// What outlives the agent of a worker itself: how many instances an operator decided that it has.
public struct WorkerMemory: Equatable, Sendable {
    public var worker: String
    public var count: Int
    /// How many the configuration said at that time. When it says another number, it decides.
    public var configuredCount: Int
    /// Whether the decision also outlives a reboot (`persist=true`).
    public var isPersistent: Bool
    /// The boot in which it was decided.
    public var bootID: String
    public var updatedAt: Timestamp

    public init(
        worker: String,
        count: Int,
        configuredCount: Int,
        isPersistent: Bool,
        bootID: String,
        updatedAt: Timestamp
    ) {
        self.worker = worker
        self.count = count
        self.configuredCount = configuredCount
        self.isPersistent = isPersistent
        self.bootID = bootID
        self.updatedAt = updatedAt
    }
}
