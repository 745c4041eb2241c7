internal import CMicroHTTPD
internal import Glibc
internal import LinuxSystem

extension ListeningSocket {
    /// When a silent TCP client is asked whether it is still there, how often, and how many missing answers end its
    /// connection: a client that vanished while it waits for an answer is only found this way.
    private static let keepAlive: (idle: Int32, interval: Int32, count: Int32) = (30, 10, 3)

    /// Listens on a numeric address; `localhost` is 127.0.0.1. `::` is IPv6 alone.
    public static func tcp(host: String, port: UInt16) throws(ListeningError) -> ListeningSocket {
        let numeric = host == "localhost" ? "127.0.0.1" : host
        guard var address = SocketAddress(numeric: numeric, port: port) else { throw .unusableHost(host) }
        let name = Address.tcp(host: numeric, port: port).description
        let family = Int32(address.storage.ss_family)
        let descriptor = try Self.step("socket", name) { socket(family, Self.socketType, 0) }
        do {
            try Self.set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1, name)
            if family == AF_INET6 {
                try Self.set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, 1, name)
            }
            // Accepted sockets inherit these.
            try Self.set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1, name)
            try Self.set(descriptor, Int32(IPPROTO_TCP), TCP_KEEPIDLE, Self.keepAlive.idle, name)
            try Self.set(descriptor, Int32(IPPROTO_TCP), TCP_KEEPINTVL, Self.keepAlive.interval, name)
            try Self.set(descriptor, Int32(IPPROTO_TCP), TCP_KEEPCNT, Self.keepAlive.count, name)
            try Self.step("bind", name) { address.withPointer { bind(descriptor, $0, $1) } }
            try Self.step("listen", name) { listen(descriptor, Self.backlog) }
            try Self.step("getsockname", name) {
                address.length = socklen_t(MemoryLayout<sockaddr_storage>.size)
                return address.withMutablePointer { getsockname(descriptor, $0, $1) }
            }
        } catch {
            close(descriptor)
            throw error
        }
        return ListeningSocket(
            descriptor: descriptor,
            address: .tcp(host: address.host ?? numeric, port: address.port ?? port)
        )
    }

    private static func set(
        _ descriptor: Int32,
        _ level: Int32,
        _ option: Int32,
        _ value: Int32,
        _ name: String
    ) throws(ListeningError) {
        var value = value
        try Self.step("setsockopt", name) {
            setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
        }
    }
}
