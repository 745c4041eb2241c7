import Glibc
public import LinuxSystem

/// Why a server cannot listen.
public enum ListeningError: Error, Equatable, Sendable {
    /// A living server has the address.
    case inUse(address: String)
    /// The path is taken by something that is no socket; it is left alone.
    case notASocket(path: String)
    /// The path does not fit into sockaddr_un (unix(7)), or is empty.
    case unusablePath(path: String, limit: Int)
    /// Neither a numeric IPv4 or IPv6 address nor `localhost`.
    case unusableHost(String)
    case failed(call: String, address: String, Errno)
}

extension ListeningError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .inUse(let address):
            "cannot listen on \(address): another server listens there; stop it or choose another one"
        case .notASocket(let path):
            "cannot listen on \(path): it exists and is no socket; remove it or choose another path"
        case .unusablePath(let path, let limit):
            "cannot listen on \"\(path)\": a socket's path has 1 to \(limit) bytes and no NUL"
        case .unusableHost(let host):
            "cannot listen on \"\(host)\": it is no numeric IPv4 or IPv6 address and not localhost"
        case .failed(let call, let address, let error):
            "cannot listen on \(address): \(call): \(error)\(Self.advice(call, error))"
        }
    }

    /// What to do about the errors that a configuration can bring about.
    private static func advice(_ call: String, _ error: Errno) -> String {
        switch error.rawValue {
        case EADDRNOTAVAIL: "; no interface of this machine has that address"
        case EACCES where call == "bind": "; this user may not: choose another path, or a port from 1024 on"
        case EACCES, ENOENT, ENOTDIR, EROFS, EPERM: "; make the directory for this user, or choose another path"
        default: ""
        }
    }
}
