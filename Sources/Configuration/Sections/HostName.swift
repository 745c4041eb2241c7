internal import Glibc

/// A name or numeric address of a host, in the form that a `Host` header has without its port.
struct HostName: Equatable {
    /// In lower case; an IPv6 address in its shortest form, in brackets.
    let text: String

    /// `nil` for what is no host: names have letters, digits, `-` and `_` in parts that dots separate (RFC 1123, 2.1).
    init?(_ text: String) {
        if text.contains(":") || text.hasPrefix("[") {
            let bare = text.hasPrefix("[") && text.hasSuffix("]") ? String(text.dropFirst().dropLast()) : text
            guard let address = NumericAddress(bare), address.isIPv6 else { return nil }
            self.text = "[\(address.text)]"
            return
        }
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let areNames = parts.allSatisfy { part in
            (1...63).contains(part.count)
                && part.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                        true
                    default: false
                    }
                }
        }
        guard areNames, text.utf8.count <= 253 else { return nil }
        self.text = text.lowercased()
    }
}

/// An IPv4 or IPv6 address.
struct NumericAddress: Equatable {
    /// As inet_ntop(3) writes it, so that equal addresses have equal texts.
    let text: String
    let isIPv6: Bool
    let isLoopback: Bool
    /// Whether it stands for all addresses of its family.
    let isAny: Bool

    /// Reads the numeric forms of inet_pton(3).
    init?(_ text: String) {
        var bytes = [UInt8](repeating: 0, count: 16)
        var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let family: Int32
        if inet_pton(AF_INET, text, &bytes) == 1 {
            family = AF_INET
            bytes.removeLast(12)
            self.isLoopback = bytes[0] == 127
        } else if inet_pton(AF_INET6, text, &bytes) == 1 {
            family = AF_INET6
            let isMapped = bytes.prefix(12) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
            self.isLoopback = bytes == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] || isMapped && bytes[12] == 127
        } else {
            return nil
        }
        guard inet_ntop(family, bytes, &buffer, socklen_t(buffer.count)) != nil else { return nil }
        self.isIPv6 = family == AF_INET6
        self.isAny = bytes.allSatisfy { $0 == 0 }
        self.text = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
