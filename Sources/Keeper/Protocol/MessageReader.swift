/// Takes a message apart from its begin, without allocating but for texts. Never reads beyond the end.
public struct MessageReader {
    private let bytes: UnsafeRawBufferPointer
    private(set) var position = 0

    public init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// Checks the header; answers the type. The reader stands at the body then.
    mutating func header() throws(HandoverError) -> UInt8 {
        guard self.bytes.count <= HandoverProtocol.maximumMessage else { throw .tooLong }
        guard try self.number(UInt16.self) == HandoverProtocol.magic else { throw .noMessage }
        let version = try self.number(UInt8.self)
        guard version == HandoverProtocol.version else { throw .version(version) }
        let type = try self.number(UInt8.self)
        let length = try self.number(UInt32.self)
        guard Int(length) <= self.bytes.count - self.position else { throw .tooShort }
        guard Int(length) == self.bytes.count - self.position else { throw .excess }
        return type
    }

    public mutating func number<Number: FixedWidthInteger>(_ type: Number.Type) throws(HandoverError) -> Number {
        let size = MemoryLayout<Number>.size
        guard self.bytes.count - self.position >= size else { throw .tooShort }
        // Byte by byte, because the place need not be aligned.
        var value: Number = 0
        for index in 0..<size {
            value |= Number(truncatingIfNeeded: self.bytes[self.position + index]) << (8 * index)
        }
        self.position += size
        return value
    }

    public mutating func flag(_ field: String) throws(HandoverError) -> Bool {
        switch try self.number(UInt8.self) {
        case 0: return false
        case 1: return true
        default: throw .value(field)
        }
    }

    public mutating func run() throws(HandoverError) -> RunKey {
        let high = try self.number(UInt64.self)
        return RunKey(high: high, low: try self.number(UInt64.self))
    }

    /// A count of 16 bits and as many bytes.
    mutating func block(_ field: String, atMost limit: Int) throws(HandoverError) -> UnsafeRawBufferPointer {
        let count = Int(try self.number(UInt16.self))
        guard count <= limit else { throw .value(field) }
        guard self.bytes.count - self.position >= count else { throw .tooShort }
        defer { self.position += count }
        return UnsafeRawBufferPointer(rebasing: self.bytes[self.position..<(self.position + count)])
    }

    public mutating func text(_ field: String, atMost limit: Int) throws(HandoverError) -> String {
        let block = try self.block(field, atMost: limit)
        guard let text = String(validating: block, as: UTF8.self) else { throw .value(field) }
        return text
    }

    /// Nothing may be left.
    public func end() throws(HandoverError) {
        guard self.position == self.bytes.count else { throw .excess }
    }
}
