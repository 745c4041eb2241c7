/// A host with its port, as in `Host` and after the scheme of `Origin` (RFC 3986, section 3.2).
struct Authority: Equatable {
    /// In lower case; an IPv6 address stands in brackets.
    let host: String
    let port: UInt16?

    init(host: String, port: UInt16?) {
        self.host = host
        self.port = port
    }

    /// Reads `name`, `name:80`, `127.0.0.1:80`, `[::1]:80`; `nil` for anything else, user information included.
    init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard !bytes.isEmpty, bytes.count <= 262 else { return nil }
        var end = bytes.count
        if bytes[0] == UInt8(ascii: "[") {
            guard let close = bytes.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            guard bytes[1..<close].allSatisfy(Self.isAddressByte), close > 1 else { return nil }
            end = close + 1
        } else {
            end = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.count
            guard end > 0, bytes[..<end].allSatisfy(Self.isNameByte) else { return nil }
        }
        self.host = String(decoding: bytes[..<end], as: UTF8.self).lowercased()
        guard end < bytes.count else {
            self.port = nil
            return
        }
        let digits = bytes[(end + 1)...]
        guard bytes[end] == UInt8(ascii: ":"), !digits.isEmpty, digits.allSatisfy(Self.isDigit),
            let port = UInt16(String(decoding: digits, as: UTF8.self))
        else { return nil }
        self.port = port
    }

    /// Whether the host is an address in numbers. A name that an attacker's DNS server points here never is one.
    var isNumeric: Bool {
        self.host.utf8.first == UInt8(ascii: "[")
            || self.host.utf8.allSatisfy { Self.isDigit($0) || $0 == UInt8(ascii: ".") }
    }

    /// Whether the host stands for every address of the machine.
    var isWildcard: Bool {
        self.host == "0.0.0.0" || self.host == "[::]"
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isAddressByte(_ byte: UInt8) -> Bool {
        Self.isDigit(byte) || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
            || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        Self.isDigit(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
