import Glibc
import LinuxSystem

/// Where a test's connection goes.
public enum SocketAddress: Sendable {
    case unix(path: String)
    /// On 127.0.0.1.
    case loopback(port: UInt16)

    /// A connected descriptor that the caller closes; reads and writes fail with EAGAIN after `timeout`.
    func connect(timeout: Duration) throws(Errno) -> Int32 {
        let family = if case .unix = self { AF_UNIX } else { AF_INET }
        let descriptor = try systemCall("socket") {
            socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        }
        let (seconds, attoseconds) = timeout.components
        var limit = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        do {
            switch self {
            case .unix(let path):
                try Self.connect(descriptor, to: Self.unixAddress(path))
            case .loopback(let port):
                try Self.connect(descriptor, to: TestSupport.loopback(port: port))
            }
        } catch {
            close(descriptor)
            throw error
        }
        return descriptor
    }

    private static func connect<Address>(_ descriptor: Int32, to address: Address) throws(Errno) {
        let size = socklen_t(MemoryLayout<Address>.size)
        try withUnsafePointer(to: address) { pointer throws(Errno) in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic throws(Errno) in
                _ = try systemCall("connect") { Glibc.connect(descriptor, generic, size) }
            }
        }
    }

    private static func unixAddress(_ path: String) throws(Errno) -> sockaddr_un {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { throw Errno(rawValue: ENAMETOOLONG) }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        return address
    }
}
