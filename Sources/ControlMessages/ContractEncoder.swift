/// JSON as the contract wants it: fields in the order in which `encode(to:)` gives them, which is the order of the
/// coding keys, and `null` for one without a value. The encoders that come with Swift order by hash and leave `nil` out.
///
/// It streams into one buffer, so a type may not go back to a nested container after it has written to the outer one
/// again; the compiler's own `encode(to:)` never does, and one that does gets an error.
public enum ContractEncoder {
    /// The JSON of a value, without spaces.
    ///
    /// Untyped throws because `Encodable.encode(to:)` is; what comes is an `EncodingError`, as long as the value's own
    /// `encode(to:)` throws nothing else: for a double that is not finite, as JSON has no word for it (RFC 8259,
    /// section 6).
    public static func encode(_ value: some Encodable) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try self.append(value, to: &bytes)
        return bytes
    }

    /// Adds the JSON of a value to what is already there. After an error the bytes are as they were.
    public static func append(_ value: some Encodable, to bytes: inout [UInt8]) throws {
        let length = bytes.count
        let writer = JSONWriter()
        // Handed over and back, so that the bytes keep one owner and are never copied.
        swap(&writer.bytes, &bytes)
        defer { swap(&writer.bytes, &bytes) }
        do {
            let slot = writer.openRoot()
            try value.encode(to: JSONValueEncoder(writer: writer, depth: 0, slot: slot))
            writer.closeValue(depth: 0, slot: slot)
        } catch {
            writer.bytes.removeLast(writer.bytes.count - length)
            throw error
        }
    }

    /// Adds an array whose elements are encoded already.
    public static func appendArray(of fragments: some Sequence<[UInt8]>, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "["))
        var isFirst = true
        for fragment in fragments {
            if !isFirst {
                bytes.append(UInt8(ascii: ","))
            }
            isFirst = false
            bytes.append(contentsOf: fragment)
        }
        bytes.append(UInt8(ascii: "]"))
    }
}

extension WorkersMessage {
    /// The bytes of the whole message from those of its workers, so that a change of one worker encodes one worker.
    public static func encode(revision: Int64, fragments: some Collection<[UInt8]>) -> [UInt8] {
        var bytes = Array("{\"revision\":\(revision),\"workers\":".utf8)
        bytes.reserveCapacity(bytes.count + fragments.reduce(2) { $0 + $1.count + 1 })
        ContractEncoder.appendArray(of: fragments, to: &bytes)
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }
}
