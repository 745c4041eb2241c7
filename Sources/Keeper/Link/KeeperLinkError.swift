public import LinuxSystem

/// Why there is no connection to a keeper.
public enum KeeperLinkError: Error, Equatable, Sendable {
    /// The descriptor is no socket to a keeper.
    case noKeeper
    /// Nothing came for as long as this waits.
    case silent
    /// The keeper has gone.
    case closed
    case refused(HandoverError)
    case system(Errno)
}

extension KeeperLinkError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noKeeper: "descriptor 3 is no socket to a keeper; start the agent with `reeve run`"
        case .silent: "the keeper says nothing"
        case .closed: "the keeper has gone"
        case .refused(let error): "the keeper says what cannot be understood: \(error)"
        case .system(let error): "\(error)"
        }
    }
}
