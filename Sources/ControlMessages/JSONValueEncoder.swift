/// Encodes the value of one slot: as an object, an array or a single value.
struct JSONValueEncoder: Encoder {
    let writer: JSONWriter
    /// How deep a container would lie that stands for the value.
    let depth: Int
    let slot: Int

    var codingPath: [any CodingKey] { self.writer.codingPath }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        self.writer.openContainer(isObject: true, depth: self.depth, slot: self.slot)
        return KeyedEncodingContainer(
            JSONKeyedContainer<Key>(writer: self.writer, depth: self.depth, slot: self.slot)
        )
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        self.writer.openContainer(isObject: false, depth: self.depth, slot: self.slot)
        return JSONUnkeyedContainer(writer: self.writer, depth: self.depth, slot: self.slot)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        self
    }
}

extension JSONValueEncoder: SingleValueEncodingContainer {
    func encodeNil() throws {
        try self.writer.fill(slot: self.slot)
        self.writer.appendNull()
    }

    func encode(_ value: Bool) throws {
        try self.writer.fill(slot: self.slot)
        self.writer.append(value)
    }

    func encode(_ value: String) throws {
        try self.writer.fill(slot: self.slot)
        self.writer.append(value)
    }

    func encode(_ value: Double) throws {
        // Before the slot is filled, while the writer still knows the key for the error.
        guard value.isFinite else { return try self.writer.append(value) }
        try self.writer.fill(slot: self.slot)
        try self.writer.append(value)
    }

    func encode(_ value: Float) throws {
        guard value.isFinite else { return try self.writer.append(value) }
        try self.writer.fill(slot: self.slot)
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
        try value.encode(to: self)
    }

    private func encodeInteger(_ value: some BinaryInteger) throws {
        try self.writer.fill(slot: self.slot)
        self.writer.append(value)
    }
}
