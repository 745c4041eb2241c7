/// An object. Every `encodeIfPresent` is given here, as the ones that come with the protocol leave `nil` out.
struct JSONKeyedContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let writer: JSONWriter
    let depth: Int
    let slot: Int

    var codingPath: [any CodingKey] { self.writer.codingPath }

    func encodeNil(forKey key: Key) throws {
        try self.begin(key)
        self.writer.appendNull()
    }

    func encode(_ value: Bool, forKey key: Key) throws {
        try self.begin(key)
        self.writer.append(value)
    }

    func encode(_ value: String, forKey key: Key) throws {
        try self.begin(key)
        self.writer.append(value)
    }

    func encode(_ value: Double, forKey key: Key) throws {
        try self.begin(key)
        try self.writer.append(value, key: key)
    }

    func encode(_ value: Float, forKey key: Key) throws {
        try self.begin(key)
        try self.writer.append(value, key: key)
    }

    func encode(_ value: Int, forKey key: Key) throws { try self.encodeInteger(value, key) }
    func encode(_ value: Int8, forKey key: Key) throws { try self.encodeInteger(value, key) }
    func encode(_ value: Int16, forKey key: Key) throws { try self.encodeInteger(value, key) }
    func encode(_ value: Int32, forKey key: Key) throws { try self.encodeInteger(value, key) }
    func encode(_ value: Int64, forKey key: Key) throws { try self.encodeInteger(value, key) }
    func encode(_ value: Int128, forKey key: Key) throws { try self.encodeInteger(value, key) }
    func encode(_ value: UInt, forKey key: Key) throws { try self.encodeInteger(value, key) }
    func encode(_ value: UInt8, forKey key: Key) throws { try self.encodeInteger(value, key) }
    func encode(_ value: UInt16, forKey key: Key) throws { try self.encodeInteger(value, key) }
    func encode(_ value: UInt32, forKey key: Key) throws { try self.encodeInteger(value, key) }
    func encode(_ value: UInt64, forKey key: Key) throws { try self.encodeInteger(value, key) }
    func encode(_ value: UInt128, forKey key: Key) throws { try self.encodeInteger(value, key) }

    func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        guard let slot = self.writer.openElement(depth: self.depth, slot: self.slot, key: key) else {
            return try self.begin(key)
        }
        try value.encode(to: JSONValueEncoder(writer: self.writer, depth: self.depth + 1, slot: slot))
        self.writer.closeValue(depth: self.depth + 1, slot: slot)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type,
        forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        self.encoder(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        self.encoder(key).unkeyedContainer()
    }

    func superEncoder() -> any Encoder {
        self.encoder(SuperKey())
    }

    func superEncoder(forKey key: Key) -> any Encoder {
        self.encoder(key)
    }

    private func begin(_ key: Key) throws {
        try self.writer.beginElement(depth: self.depth, slot: self.slot, key: key)
    }

    private func encodeInteger(_ value: some BinaryInteger, _ key: Key) throws {
        try self.begin(key)
        self.writer.append(value)
    }

    /// An encoder for what lies under a key. When this object is closed whatever is written with it throws.
    private func encoder(_ key: any CodingKey) -> JSONValueEncoder {
        let slot = self.writer.openElement(depth: self.depth, slot: self.slot, key: key)
        return JSONValueEncoder(writer: self.writer, depth: self.depth + 1, slot: slot ?? JSONWriter.closedSlot)
    }
}

/// The key that `superEncoder()` has in the protocol's description.
private struct SuperKey: CodingKey {
    var stringValue: String { "super" }
    var intValue: Int? { nil }

    init() {}
    init?(stringValue: String) { nil }
    init?(intValue: Int) { nil }
}

extension JSONKeyedContainer {
    func encodeIfPresent(_ value: Bool?, forKey key: Key) throws {
        if let value { try self.encode(value, forKey: key) } else { try self.encodeNil(forKey: key) }
    }

    func encodeIfPresent(_ value: String?, forKey key: Key) throws {
        if let value { try self.encode(value, forKey: key) } else { try self.encodeNil(forKey: key) }
    }

    func encodeIfPresent(_ value: Double?, forKey key: Key) throws {
        if let value { try self.encode(value, forKey: key) } else { try self.encodeNil(forKey: key) }
    }

    func encodeIfPresent(_ value: Float?, forKey key: Key) throws {
        if let value { try self.encode(value, forKey: key) } else { try self.encodeNil(forKey: key) }
    }

    func encodeIfPresent(_ value: Int?, forKey key: Key) throws {
        if let value { try self.encode(value, forKey: key) } else { try self.encodeNil(forKey: key) }
    }

    func encodeIfPresent(_ value: Int8?, forKey key: Key) throws {
        if let value { try self.encode(value, forKey: key) } else { try self.encodeNil(forKey: key) }
    }

    func encodeIfPresent(_ value: Int16?, forKey key: Key) throws {
        if let value { try self.encode(value, forKey: key) } else { try self.encodeNil(forKey: key) }
    }

    func encodeIfPresent(_ value: Int32?, forKey key: Key) throws {
        if let value { try self.encode(value, forKey: key) } else { try self.encodeNil(forKey: key) }
    }

    func encodeIfPresent(_ value: Int64?, forKey key: Key) throws {
        if let value { try self.encode(value, forKey: key) } else { try self.encodeNil(forKey: key) }
    }

    func encodeIfPresent(_ value: Int128?, forKey key: Key) throws {
        if let value { try self.encode(value, forKey: key) } else { try self.encodeNil(forKey: key) }
    }

    func encodeIfPresent(_ value: UInt?, forKey key: Key) throws {
        if let value { try self.encode(value, forKey: key) } else { try self.encodeNil(forKey: key) }
    }

    func encodeIfPresent(_ value: UInt8?, forKey key: Key) throws {
        if let value { try self.encode(value, forKey: key) } else { try self.encodeNil(forKey: key) }
    }

    func encodeIfPresent(_ value: UInt16?, forKey key: Key) throws {
        if let value { try self.encode(value, forKey: key) } else { try self.encodeNil(forKey: key) }
    }

    func encodeIfPresent(_ value: UInt32?, forKey key: Key) throws {
        if let value { try self.encode(value, forKey: key) } else { try self.encodeNil(forKey: key) }
    }

    func encodeIfPresent(_ value: UInt64?, forKey key: Key) throws {
        if let value { try self.encode(value, forKey: key) } else { try self.encodeNil(forKey: key) }
    }

    func encodeIfPresent(_ value: UInt128?, forKey key: Key) throws {
        if let value { try self.encode(value, forKey: key) } else { try self.encodeNil(forKey: key) }
    }

    func encodeIfPresent<T: Encodable>(_ value: T?, forKey key: Key) throws {
        if let value { try self.encode(value, forKey: key) } else { try self.encodeNil(forKey: key) }
    }
}
