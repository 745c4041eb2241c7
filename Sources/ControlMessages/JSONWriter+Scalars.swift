extension JSONWriter {
    func appendNull() {
        self.bytes.append(contentsOf: [0x6e, 0x75, 0x6c, 0x6c])
    }

    func append(_ value: Bool) {
        self.bytes.append(contentsOf: (value ? "true" : "false").utf8)
    }

    func append(_ value: some BinaryInteger) {
        self.bytes.append(contentsOf: String(value).utf8)
    }

    /// A string with its quotes, escaped as RFC 8259, section 7, asks for and no further.
    func append(_ value: String) {
        self.bytes.append(UInt8(ascii: "\""))
        var text = value
        text.withUTF8 { utf8 in
            var start = 0
            for (index, byte) in utf8.enumerated() where byte < 0x20 || byte == 0x22 || byte == 0x5c {
                self.bytes.append(contentsOf: utf8[start..<index])
                self.appendEscape(of: byte)
                start = index + 1
            }
            self.bytes.append(contentsOf: utf8[start...])
        }
        self.bytes.append(UInt8(ascii: "\""))
    }

    /// The shortest decimal that reads back as the same double, without an exponent from 1e-20 up to 1e21.
    func append(_ value: Double, key: (any CodingKey)? = nil) throws {
        guard value.isFinite else {
            throw self.invalid(value, "JSON has no number for \(value)", key: key)
        }
        // Also for -0.0, which readers of a log or a graph would take for a mistake.
        guard value != 0 else {
            self.bytes.append(contentsOf: [0x30, 0x2e, 0x30])
            return
        }
        self.appendDecimal(Array(value.description.utf8))
    }

    func append(_ value: Float, key: (any CodingKey)? = nil) throws {
        guard value.isFinite else {
            throw self.invalid(value, "JSON has no number for \(value)", key: key)
        }
        guard value != 0 else {
            self.bytes.append(contentsOf: [0x30, 0x2e, 0x30])
            return
        }
        self.appendDecimal(Array(value.description.utf8))
    }

    private func appendEscape(of byte: UInt8) {
        self.bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x22, 0x5c: self.bytes.append(byte)
        case 0x08: self.bytes.append(UInt8(ascii: "b"))
        case 0x09: self.bytes.append(UInt8(ascii: "t"))
        case 0x0a: self.bytes.append(UInt8(ascii: "n"))
        case 0x0c: self.bytes.append(UInt8(ascii: "f"))
        case 0x0d: self.bytes.append(UInt8(ascii: "r"))
        default:
            let digits = Array("0123456789abcdef".utf8)
            self.bytes.append(contentsOf: "u00".utf8)
            self.bytes.append(digits[Int(byte >> 4)])
            self.bytes.append(digits[Int(byte & 0x0f)])
        }
    }

    /// Writes what `description` gave, such as `-1.5e-05`, as `-0.000015`. Swift's descriptions are the shortest decimals
    /// that read back, but go over to exponents below 1e-4 and from 2^54 on.
    private func appendDecimal(_ text: [UInt8]) {
        guard let mark = text.firstIndex(of: UInt8(ascii: "e")),
            let exponent = Int(String(decoding: text[(mark + 1)...], as: UTF8.self)),
            (-20...20).contains(exponent)
        else {
            self.bytes.append(contentsOf: text)
            return
        }
        var digits = text[..<mark].filter { $0 != UInt8(ascii: ".") }
        if digits.first == UInt8(ascii: "-") {
            self.bytes.append(UInt8(ascii: "-"))
            digits.removeFirst()
        }
        let zero = UInt8(ascii: "0")
        if exponent < 0 {
            self.bytes.append(contentsOf: [zero, UInt8(ascii: ".")])
            self.bytes.append(contentsOf: repeatElement(zero, count: -exponent - 1))
            self.bytes.append(contentsOf: digits)
        } else {
            // One digit stands before the point in the exponent's form.
            let whole = exponent + 1
            self.bytes.append(contentsOf: digits.prefix(whole))
            self.bytes.append(contentsOf: repeatElement(zero, count: max(0, whole - digits.count)))
            self.bytes.append(UInt8(ascii: "."))
            self.bytes.append(contentsOf: digits.count > whole ? digits[whole...] : [zero])
        }
    }
}
