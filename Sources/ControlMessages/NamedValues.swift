/// A JSON object whose names are not known beforehand. A dictionary would give its entries in another order in each
/// process; these stand in the order they were given in, and in that of their names after decoding.
public struct NamedValues<Value: Codable & Equatable & Sendable>: Equatable, Sendable {
    public struct Entry: Equatable, Sendable {
        public var name: String
        public var value: Value

        public init(name: String, value: Value) {
            self.name = name
            self.value = value
        }
    }

    public var entries: [Entry]

    public init(_ entries: [Entry] = []) {
        self.entries = entries
    }

    public subscript(name: String) -> Value? {
        self.entries.first { $0.name == name }?.value
    }
}

extension NamedValues: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, Value)...) {
        self.init(elements.map { Entry(name: $0.0, value: $0.1) })
    }
}

extension NamedValues: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: EntryName.self)
        self.init(
            try container.allKeys.sorted { $0.stringValue < $1.stringValue }.map { key in
                Entry(name: key.stringValue, value: try container.decode(Value.self, forKey: key))
            }
        )
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: EntryName.self)
        for entry in self.entries {
            try container.encode(entry.value, forKey: EntryName(stringValue: entry.name))
        }
    }
}

private struct EntryName: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) {
        self.stringValue = stringValue
    }

    init?(intValue: Int) { nil }
}
