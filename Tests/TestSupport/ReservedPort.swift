import Glibc
public import LinuxSystem

/// A TCP port of 127.0.0.1 that the kernel will give to nobody who asks for any port, as long as this value lives.
///
/// The socket is bound and does not listen, so with SO_REUSEADDR on both sides a server can bind the same port and listen.
/// nginx, redis and Python's server set that option.
public final class ReservedPort {
    public let number: UInt16
    private let descriptor: Int32

    public init() throws(Errno) {
        let descriptor = try systemCall("socket") {
            socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        }
        self.descriptor = descriptor
        var one: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, socklen_t(MemoryLayout<Int32>.size))
        var address = loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        do {
            try withUnsafeMutablePointer(to: &address) { pointer throws(Errno) in
                try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic throws(Errno) in
                    _ = try systemCall("bind") { bind(descriptor, generic, length) }
                    _ = try systemCall("getsockname") { getsockname(descriptor, generic, &length) }
                }
            }
        } catch {
            close(descriptor)
            throw error
        }
        self.number = UInt16(bigEndian: address.sin_port)
    }

    deinit {
        close(self.descriptor)
    }
}

/// 127.0.0.1 with a port.
func loopback(port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
}
