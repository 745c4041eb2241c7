internal import CMicroHTTPD
internal import Glibc
internal import LinuxSystem

/// A socket that listens: close-on-exec, non-blocking, closed when it is dropped. A Unix one then also removes its path, if
/// the path is still its own.
public struct ListeningSocket: ~Copyable {
    /// Connections that wait to be accepted, for listen(2); the kernel lowers it to net.core.somaxconn.
    public static let backlog: Int32 = 511

    /// Where it listens.
    public enum Address: Equatable, Sendable, CustomStringConvertible {
        case unix(path: String)
        /// Numeric, with the port that the kernel chose where 0 was asked for.
        case tcp(host: String, port: UInt16)

        public var description: String {
            switch self {
            case .unix(let path): path
            case .tcp(let host, let port):
                host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
            }
        }
    }

    public let address: Address
    public let descriptor: Int32
    /// The device and inode of the path of a Unix socket.
    private let identity: PathIdentity?

    init(descriptor: Int32, address: Address, identity: PathIdentity? = nil) {
        self.descriptor = descriptor
        self.address = address
        self.identity = identity
    }

    deinit {
        // Before the close: as soon as nobody accepts, another server may take the path over.
        if case .unix(let path) = self.address, let identity = self.identity, PathIdentity(path: path) == identity {
            unlink(path)
        }
        close(self.descriptor)
    }
}

/// Which file a path names.
struct PathIdentity: Equatable {
    var device: UInt
    var inode: UInt

    /// `nil` when nothing is there.
    init?(path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        self.device = UInt(status.st_dev)
        self.inode = UInt(status.st_ino)
    }
}
