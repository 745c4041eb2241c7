public import ControlMessages

/// Who may do what: the configuration's `control` section with its names resolved to numbers.
public struct ControlAccess: Sendable {
    /// The user that the agent runs as, who is `admin` on the Unix socket as root is.
    public var agentUID: UInt32
    /// For the other users of the Unix socket; the highest role that matches holds.
    public var peers: [PeerAccess]
    /// Further names for `Host` and `Origin`: `web1.example.org` with any port, `web1.example.org:8443` with that one.
    public var hosts: [String]
    /// In the order in which the server got them.
    public var listeners: [ListenerAccess]

    public init(agentUID: UInt32, peers: [PeerAccess] = [], hosts: [String] = [], listeners: [ListenerAccess]) {
        self.agentUID = agentUID
        self.peers = peers
        self.hosts = hosts
        self.listeners = listeners
    }
}

/// A role for a user or for the members of a group.
public struct PeerAccess: Equatable, Sendable {
    public enum Subject: Equatable, Sendable {
        case user(UInt32)
        /// As the primary group or as a supplementary one.
        case group(UInt32)
    }

    public var subject: Subject
    public var role: Role

    public init(_ subject: Subject, role: Role) {
        self.subject = subject
        self.role = role
    }
}

/// What one listener of the server is, and what may be done there.
public enum ListenerAccess: Equatable, Sendable {
    case unix(path: String)
    /// `address` is what it listens on, with the port that was really taken: `127.0.0.1:9190`, `[::1]:9190`. Without
    /// `anonymous` nobody gets in who does not say who it is; nobody gets more than `maximumRole`.
    case tcp(address: String, anonymous: Role?, maximumRole: Role?)
}
