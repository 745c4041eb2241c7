/// Puts a message together; the length is filled in by `finish`. Without a header it writes the details of a run, which are
/// the agent's own.
public struct MessageWriter {
    @usableFromInline var bytes: [UInt8] = []

    /// Fields without a header.
    public init() {
        self.bytes.reserveCapacity(Self.usualLength)
    }

    init(type: UInt8) {
        self.bytes.reserveCapacity(Self.usualLength)
        self.number(HandoverProtocol.magic)
        self.number(HandoverProtocol.version)
        self.number(type)
        self.number(UInt32(0))
    }

    /// Most announcements are shorter.
    private static let usualLength = 256

    // Part of each restart, so that it is to be compiled for each type where it is used.
    @inlinable
    public mutating func number<Number: FixedWidthInteger>(_ value: Number) {
        withUnsafeBytes(of: value.littleEndian) { self.bytes.append(contentsOf: $0) }
    }

    public mutating func flag(_ value: Bool) {
        self.number(UInt8(value ? 1 : 0))
    }

    public mutating func run(_ key: RunKey) {
        self.number(key.high)
        self.number(key.low)
    }

    /// - Precondition: `block` is not longer than `limit`.
    mutating func block(_ block: some Collection<UInt8>, atMost limit: Int) {
        precondition(block.count <= limit, "a field of \(block.count) bytes where \(limit) may be")
        self.number(UInt16(block.count))
        self.bytes.append(contentsOf: block)
    }

    /// A text for people, cut between characters where it is too long.
    public mutating func text(_ text: String, atMost limit: Int) {
        var text = text[...]
        while text.utf8.count > limit {
            text.removeLast()
        }
        self.block(Array(text.utf8), atMost: limit)
    }

    /// A body that was read before, as it is.
    mutating func raw(_ body: UnsafeRawBufferPointer) {
        self.bytes.append(contentsOf: body)
    }

    /// The fields so far.
    public var written: [UInt8] {
        self.bytes
    }

    consuming func finish() -> [UInt8] {
        let length = UInt32(self.bytes.count - HandoverProtocol.headerLength)
        precondition(self.bytes.count <= HandoverProtocol.maximumMessage, "a message of \(self.bytes.count) bytes")
        for index in 0..<4 {
            self.bytes[4 + index] = UInt8(truncatingIfNeeded: length >> (8 * index))
        }
        return self.bytes
    }
}
