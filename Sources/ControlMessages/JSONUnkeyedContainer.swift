/// An array.
struct JSONUnkeyedContainer: UnkeyedEncodingContainer {
    let writer: JSONWriter
    let depth: Int
    let slot: Int

    var codingPath: [any CodingKey] { self.writer.codingPath }
    var count: Int { self.writer.elementCount(depth: self.depth, slot: self.slot) }

    func encodeNil() throws {
        try self.begin()
        self.writer.appendNull()
    }

    func encode(_ value: Bool) throws {
        try self.begin()
        self.writer.append(value)
    }

    func encode(_ value: String) throws {
        try self.begin()
        self.writer.append(value)
    }

    func encode(_ value: Double) throws {
        try self.begin()
        try self.writer.append(value)
    }

    func encode(_ value: Float) throws {
        try self.begin()
        try self.writer.append(value)
    }

    func encode(_ value: Int) throws { try self.encodeInteger(value) }
    func encode(_ value: Int8) throws { try self.encodeInteger(value) }
    func encode(_ value: Int16) throws { try self.encodeInteger(value) }
    func encode(_ value: Int32) throws { try self.encodeInteger(value) }
    func encode(_ value: Int64) throws { try self.encodeInteger(value) }
    func encode(_ value: Int128) throws { try self.encodeInteger(value) }
    func encode(_ value: UInt) throws { try self.encodeInteger(value) }
    func encode(_ value: UInt8) throws { try self.encodeInteger(value) }
    func encode(_ value: UInt16) throws { try self.encodeInteger(value) }
    func encode(_ value: UInt32) throws { try self.encodeInteger(value) }
    func encode(_ value: UInt64) throws { try self.encodeInteger(value) }
    func encode(_ value: UInt128) throws { try self.encodeInteger(value) }

    func encode<T: Encodable>(_ value: T) throws {
        guard let slot = self.writer.openElement(depth: self.depth, slot: self.slot, key: nil) else {
            return try self.begin()
        }
        try value.encode(to: JSONValueEncoder(writer: self.writer, depth: self.depth + 1, slot: slot))
        self.writer.closeValue(depth: self.depth + 1, slot: slot)
    }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        self.encoder().container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        self.encoder().unkeyedContainer()
    }

    func superEncoder() -> any Encoder {
        self.encoder()
    }

    private func begin() throws {
        try self.writer.beginElement(depth: self.depth, slot: self.slot, key: nil)
    }

    private func encodeInteger(_ value: some BinaryInteger) throws {
        try self.begin()
        self.writer.append(value)
    }

    private func encoder() -> JSONValueEncoder {
        let slot = self.writer.openElement(depth: self.depth, slot: self.slot, key: nil)
        return JSONValueEncoder(writer: self.writer, depth: self.depth + 1, slot: slot ?? JSONWriter.closedSlot)
    }
}
