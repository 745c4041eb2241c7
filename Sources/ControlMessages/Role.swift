/// What a caller may do; each role may do all that the ones before it may.
public enum Role: String, Codable, Sendable, CaseIterable, Comparable {
    /// Status, exits without output, metrics, checks.
    case monitor
    /// Output, events, operations as well.
    case read
    /// Start, stop, restart and the like.
    case operate
    /// Ends or replaces the agent.
    case admin

    private var rank: Int {
        switch self {
        case .monitor: 0
        case .read: 1
        case .operate: 2
        case .admin: 3
        }
    }

    public static func < (a: Role, b: Role) -> Bool {
        a.rank < b.rank
    }
}
