internal import CTOML

/// Reads TOML. The document of the C++ library is copied once and given back at once.
enum TOMLDocument {
    /// The first mistake of syntax; nothing after it can be read.
    struct SyntaxError: Error, Equatable, Sendable {
        /// `nil` when it has no place.
        var place: TOMLPlace?
        var message: String
    }

    /// The entries of the document's root table.
    static func parse(_ bytes: [UInt8]) throws(SyntaxError) -> [TOMLEntry] {
        if let place = TOMLKeyDepth.firstExcess(in: bytes) {
            throw SyntaxError(place: place, message: "a key has more than \(TOMLKeyDepth.maximum) parts")
        }
        var error = ctoml_error()
        let document = bytes.withUnsafeBytes { buffer -> OpaquePointer? in
            // An empty array may have no address, but C wants one.
            guard let address = buffer.bindMemory(to: CChar.self).baseAddress else { return ctoml_parse("", 0, &error) }
            return ctoml_parse(address, buffer.count, &error)
        }
        guard let document else {
            throw Self.syntaxError(error)
        }
        defer { ctoml_free(document) }
        var count = 0
        let nodes = UnsafeBufferPointer(start: ctoml_nodes(document, &count), count: count)
        var index = 0
        guard case .table(let entries) = Self.value(nodes, &index).content else { return [] }
        return entries
    }

    /// The value at `index` with all that is in it; leaves `index` behind it. Nesting is bounded by the parser.
    private static func value(_ nodes: UnsafeBufferPointer<ctoml_node>, _ index: inout Int) -> TOMLValue {
        let node = nodes[index]
        index += 1
        let content: TOMLValue.Content
        switch node.kind {
        case ctoml_kind_table:
            var entries: [TOMLEntry] = []
            entries.reserveCapacity(node.count)
            for _ in 0..<node.count {
                let key = nodes[index]
                entries.append(
                    TOMLEntry(
                        key: Self.text(key.key, key.key_length),
                        place: TOMLPlace(line: Int(key.key_line), column: Int(key.key_column)),
                        value: Self.value(nodes, &index)
                    )
                )
            }
            content = .table(entries)
        case ctoml_kind_array:
            content = .array((0..<node.count).map { _ in Self.value(nodes, &index) })
        case ctoml_kind_string: content = .string(Self.text(node.text, node.text_length))
        case ctoml_kind_integer: content = .integer(node.integer)
        case ctoml_kind_float: content = .float(node.floating)
        case ctoml_kind_boolean: content = .boolean(node.boolean)
        default: content = .dateTime
        }
        return TOMLValue(place: TOMLPlace(line: Int(node.line), column: Int(node.column)), content: content)
    }

    private static func text(_ address: UnsafePointer<CChar>?, _ length: Int) -> String {
        String(decoding: UnsafeRawBufferPointer(start: address, count: length), as: UTF8.self)
    }

    private static func syntaxError(_ error: ctoml_error) -> SyntaxError {
        let message = withUnsafeBytes(of: error.message) { buffer in
            String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
        }
        let place = error.line == 0 ? nil : TOMLPlace(line: Int(error.line), column: Int(error.column))
        return SyntaxError(
            place: place,
            message: Quoted.printable(message.prefix(1).lowercased() + message.dropFirst())
        )
    }
}
