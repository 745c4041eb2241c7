/// A request that passed the gate: its framing is sound, its target decoded once.
public struct HTTPRequest: Sendable {
    /// `GET`, `POST` and so on; A to Z only.
    public var method: String
    /// The target as the client sent it.
    public var target: String
    /// The segments of the path, percent-decoded: `/v1/workers/web` is `["v1", "workers", "web"]`, `/` is `[]`.
    public var path: [String]
    /// The query's parameters, decoded, in the order of the target.
    public var query: [HTTPField]
    /// In the order of the client; names as sent.
    public var headers: [HTTPField]
    /// Whole; empty before the body was read.
    public var body: [UInt8]
    public var connection: HTTPConnection

    public init(
        method: String,
        target: String,
        path: [String],
        query: [HTTPField] = [],
        headers: [HTTPField] = [],
        body: [UInt8] = [],
        connection: HTTPConnection
    ) {
        self.method = method
        self.target = target
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.connection = connection
    }

    /// The value of the first header called `name`, in any case of letters.
    public func header(_ name: String) -> String? {
        self.headers.first { $0.isCalled(name) }?.value
    }
}

/// A name and a value: of a header or a query parameter.
public struct HTTPField: Equatable, Sendable {
    public var name: String
    public var value: String

    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    /// Whether the name is `name`, in any case of ASCII letters.
    public func isCalled(_ name: String) -> Bool {
        self.name.utf8.count == name.utf8.count
            && zip(self.name.utf8, name.utf8).allSatisfy { Self.folded($0) == Self.folded($1) }
    }

    private static func folded(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}

/// Where a request came in.
public struct HTTPConnection: Equatable, Sendable {
    /// The listener's index, in the order in which they were added.
    public var listener: Int
    public var peer: Peer

    public enum Peer: Equatable, Sendable {
        /// A Unix socket: who the kernel says it is.
        case local(PeerCredentials)
        /// TCP: the numeric address, without the port.
        case remote(address: String)
    }

    public init(listener: Int, peer: Peer) {
        self.listener = listener
        self.peer = peer
    }
}

/// SO_PEERCRED and SO_PEERGROUPS of a Unix socket (unix(7)), as they were when the client connected.
public struct PeerCredentials: Equatable, Sendable {
    public var pid: Int32
    public var uid: UInt32
    public var gid: UInt32
    /// Supplementary groups.
    public var groups: [UInt32]

    public init(pid: Int32, uid: UInt32, gid: UInt32, groups: [UInt32] = []) {
        self.pid = pid
        self.uid = uid
        self.gid = gid
        self.groups = groups
    }
}
