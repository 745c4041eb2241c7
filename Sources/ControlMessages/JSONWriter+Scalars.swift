extension JSONWriter {
    func appendNull() {
        self.bytes.append(contentsOf: "null".utf8)
    }

    func append(_ value: Bool) {
        self.bytes.append(contentsOf: (value ? "true" : "false").utf8)
    }

    func append(_ value: some BinaryInteger) {
        self.bytes.append(contentsOf: String(value).utf8)
    }

    func append(_ value: String) {
        self.bytes.appendJSON(value)
    }

    func append(_ value: Double, key: (any CodingKey)? = nil) throws {
        guard value.isFinite else {
            throw self.invalid(value, "JSON has no number for \(value)", key: key)
        }
        // Also for -0.0, which readers of a log or a graph would take for a mistake.
        self.bytes.appendDecimal(value == 0 ? "0.0" : value.description)
    }

    func append(_ value: Float, key: (any CodingKey)? = nil) throws {
        guard value.isFinite else {
            throw self.invalid(value, "JSON has no number for \(value)", key: key)
        }
        self.bytes.appendDecimal(value == 0 ? "0.0" : value.description)
    }
}

// On the bytes themselves, so that a whole string is one access to the writer.
extension [UInt8] {
    /// A string with its quotes, escaped as RFC 8259, section 7, asks for and no further.
    mutating func appendJSON(_ value: String) {
        self.append(UInt8(ascii: "\""))
        var text = value
        text.withUTF8 { utf8 in
            var start = 0
            for index in 0..<utf8.count where utf8[index] < 0x20 || utf8[index] == 0x22 || utf8[index] == 0x5c {
                self.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[start..<index]))
                self.appendEscape(of: utf8[index])
                start = index + 1
            }
            self.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[start...]))
        }
        self.append(UInt8(ascii: "\""))
    }

    /// The shortest decimal that reads back as the same number, without an exponent from 1e-20 up to 1e21.
    ///
    /// - Parameter description: Swift's, such as `-1.5e-05`, which becomes `-0.000015`: it is the shortest, but goes over
    ///   to exponents below 1e-4 and from 2^54 on.
    fileprivate mutating func appendDecimal(_ description: String) {
        let text = description.utf8
        guard let mark = text.firstIndex(of: UInt8(ascii: "e")),
            let exponent = Int(description[text.index(after: mark)...]),
            (-20...20).contains(exponent)
        else {
            self.append(contentsOf: text)
            return
        }
        var digits = text[..<mark].filter { $0 != UInt8(ascii: ".") }
        if digits.first == UInt8(ascii: "-") {
            self.append(UInt8(ascii: "-"))
            digits.removeFirst()
        }
        let zero = UInt8(ascii: "0")
        if exponent < 0 {
            self.append(contentsOf: [zero, UInt8(ascii: ".")])
            self.append(contentsOf: repeatElement(zero, count: -exponent - 1))
            self.append(contentsOf: digits)
        } else {
            // One digit stands before the point in the exponent's form.
            let whole = exponent + 1
            self.append(contentsOf: digits.prefix(whole))
            self.append(contentsOf: repeatElement(zero, count: Swift.max(0, whole - digits.count)))
            self.append(UInt8(ascii: "."))
            self.append(contentsOf: digits.count > whole ? digits[whole...] : [zero])
        }
    }

    private mutating func appendEscape(of byte: UInt8) {
        self.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x22, 0x5c: self.append(byte)
        case 0x08: self.append(UInt8(ascii: "b"))
        case 0x09: self.append(UInt8(ascii: "t"))
        case 0x0a: self.append(UInt8(ascii: "n"))
        case 0x0c: self.append(UInt8(ascii: "f"))
        case 0x0d: self.append(UInt8(ascii: "r"))
        default:
            let digits = Array("0123456789abcdef".utf8)
            self.append(contentsOf: "u00".utf8)
            self.append(digits[Int(byte >> 4)])
            self.append(digits[Int(byte & 0x0f)])
        }
    }
}
