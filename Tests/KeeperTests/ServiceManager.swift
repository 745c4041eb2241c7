import Glibc
import TestSupport
import Testing

/// The socket of a service manager, as NOTIFY_SOCKET names it; a path that begins with @ is an abstract name.
final class ServiceManager {
    private let socket: Int32

    init(_ path: String) throws {
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        self.socket = Glibc.socket(AF_UNIX, type, 0)
        try #require(self.socket >= 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { place in
            place.copyBytes(from: path.utf8)
            if path.hasPrefix("@") {
                place[0] = 0
            }
        }
        let length = socklen_t(2 + path.utf8.count)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(self.socket, $0, length) }
        }
        try #require(result == 0)
    }

    deinit {
        close(self.socket)
    }

    /// The next message, if there is one.
    func next() -> String? {
        var bytes = [UInt8](repeating: 0, count: 512)
        let count = recv(self.socket, &bytes, bytes.count, 0)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }

    /// Waits for a message; passes over others.
    func hears(_ message: String) throws {
        try eventually("the service manager hears \(message)") {
            while let next = self.next() {
                if next == message { return true }
            }
            return false
        }
    }
}
