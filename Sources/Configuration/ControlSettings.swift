public import ControlMessages

/// `[control]`: where the agent listens, and who may do what there.
public struct ControlSettings: Equatable, Sendable {
    /// The longest path that fits into `sockaddr_un` with its zero (unix(7)), in bytes.
    public static let maximumSocketPathLength = 107

    /// The absolute path of the Unix socket, at most `maximumSocketPathLength` bytes.
    public var socket: String
    /// Its permission bits, at most 0o777.
    public var socketMode: UInt32
    /// The name of its group; `nil` leaves the one that it is created with.
    public var socketGroup: String?
    /// What others than root and the agent's own user may do on the Unix socket.
    public var peers: [PeerRule]
    /// Names besides the listeners' addresses and `localhost` that a `Host` header may give, in lower case, without port.
    public var hosts: [String]
    /// Where it listens on TCP.
    public var listeners: [ListenerSettings]

    public init(
        socket: String,
        socketMode: UInt32 = 0o600,
        socketGroup: String? = nil,
        peers: [PeerRule] = [],
        hosts: [String] = [],
        listeners: [ListenerSettings] = []
    ) {
        self.socket = socket
        self.socketMode = socketMode
        self.socketGroup = socketGroup
        self.peers = peers
        self.hosts = hosts
        self.listeners = listeners
    }
}

/// The role of some peers of the Unix socket, which are known by SO_PEERCRED (unix(7)).
public struct PeerRule: Equatable, Sendable {
    public enum Principal: Hashable, Sendable {
        /// A name of the user database; it existed when the configuration was read.
        case user(String)
        case uid(UInt32)
        /// A name of the group database, written `@ops`; it existed when the configuration was read.
        case group(String)
    }

    public var role: Role
    public var principal: Principal

    public init(role: Role, principal: Principal) {
        self.role = role
        self.principal = principal
    }
}

/// One of `[[control.listeners]]`.
public struct ListenerSettings: Equatable, Sendable {
    /// An IPv4 or IPv6 address in its numeric form, without brackets; `localhost` of the file is `127.0.0.1` here.
    public var host: String
    /// 0 stands for any free one.
    public var port: UInt16
    /// What a client without a token may do: `monitor` or `read`; `nil` for nothing.
    public var anonymous: Role?
    /// What anyone may do at most; `nil` for no bound.
    public var maximumRole: Role?

    public init(host: String, port: UInt16, anonymous: Role? = nil, maximumRole: Role? = nil) {
        self.host = host
        self.port = port
        self.anonymous = anonymous
        self.maximumRole = maximumRole
    }
}
