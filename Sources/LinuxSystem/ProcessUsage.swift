/// What a process and its waited-for children used (getrusage(2)).
public struct ProcessUsage: Hashable, Sendable {
    public var user: Duration
    public var system: Duration
    public var maximumResidentBytes: Int64

    public init(user: Duration, system: Duration, maximumResidentBytes: Int64) {
        self.user = user
        self.system = system
        self.maximumResidentBytes = maximumResidentBytes
    }
}
