// Both, because microhttpd.h includes sys/socket.h: which of the two modules the compiler takes for the home of
// sockaddr_storage depends on which it loads first.
internal import CMicroHTTPD
internal import Glibc

/// A sockaddr_storage with its length.
struct SocketAddress {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)

    init() {}

    /// `nil` when `numeric` is neither an IPv4 nor an IPv6 address.
    init?(numeric: String, port: UInt16) {
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, numeric, &four) == 1 {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr = four
            self.copy(address)
        } else if inet_pton(AF_INET6, numeric, &six) == 1 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            address.sin6_addr = six
            self.copy(address)
        } else {
            return nil
        }
    }

    private mutating func copy<Address>(_ address: Address) {
        withUnsafeBytes(of: address) { source in
            withUnsafeMutableBytes(of: &self.storage) { $0.copyMemory(from: source) }
        }
        self.length = socklen_t(MemoryLayout<Address>.size)
    }

    private func load<Address>(as type: Address.Type) -> Address {
        withUnsafeBytes(of: self.storage) { $0.load(as: type) }
    }

    /// The numeric address; `nil` for another family.
    var host: String? {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let size = socklen_t(text.count)
        switch Int32(self.storage.ss_family) {
        case AF_INET:
            var address = self.load(as: sockaddr_in.self).sin_addr
            guard inet_ntop(AF_INET, &address, &text, size) != nil else { return nil }
        case AF_INET6:
            var address = self.load(as: sockaddr_in6.self).sin6_addr
            guard inet_ntop(AF_INET6, &address, &text, size) != nil else { return nil }
        default: return nil
        }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    var port: UInt16? {
        switch Int32(self.storage.ss_family) {
        case AF_INET: UInt16(bigEndian: self.load(as: sockaddr_in.self).sin_port)
        case AF_INET6: UInt16(bigEndian: self.load(as: sockaddr_in6.self).sin6_port)
        default: nil
        }
    }

    mutating func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        let length = self.length
        return withUnsafePointer(to: &self.storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }

    mutating func withMutablePointer<Result>(
        _ body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Result
    ) -> Result {
        var length = self.length
        defer { self.length = length }
        return withUnsafeMutablePointer(to: &self.storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, &length) }
        }
    }
}
