/// The buffer behind `ContractEncoder`, with the objects and arrays that are open in it.
///
/// `Encoder` has no call for the end of a container, so a container is closed when something is written further out, or
/// when the value that it stands for is complete. Everybody who writes names his level by depth and identity: one that
/// was closed meanwhile is recognised in `select`, and nowhere else.
final class JSONWriter {
    struct Level {
        let isObject: Bool
        /// The slot of the value that the level is.
        let slot: Int
        var count: Int
        /// What the value is called in the level around it.
        let key: (any CodingKey)?
    }

    /// A slot that no value ever has: what is written to it throws.
    static let closedSlot = -1

    var bytes: [UInt8] = []
    private(set) var levels: [Level] = []
    private var lastSlot = 0
    /// The slot that was announced, by a comma and a key, and has no value yet; 0 for none.
    private var pendingSlot = 0
    private var pendingKey: (any CodingKey)?

    /// The place of the outermost value.
    func openRoot() -> Int {
        self.announce(key: nil)
    }

    /// Opens an object or an array as the value of a slot, or goes on with the one that is open there.
    func openContainer(isObject: Bool, depth: Int, slot: Int) {
        guard self.pendingSlot == slot else {
            precondition(
                self.levels.count <= depth || self.levels[depth].slot != slot
                    || self.levels[depth].isObject == isObject,
                "a value is encoded both as an object and as an array"
            )
            return
        }
        self.pendingSlot = 0
        self.bytes.append(isObject ? UInt8(ascii: "{") : UInt8(ascii: "["))
        self.levels.append(Level(isObject: isObject, slot: slot, count: 0, key: self.pendingKey))
        self.pendingKey = nil
    }

    /// Announces the next value of a level; the value is to be written straight after it.
    func beginElement(depth: Int, slot: Int, key: (any CodingKey)?) throws {
        guard self.select(depth: depth, slot: slot) else { throw self.outOfOrder(key: key) }
        self.writeSeparator(depth: depth, key: key)
    }

    /// Announces the next value of a level and gives it a slot, to be filled by an encoder of its own. `nil` when the
    /// level is closed.
    func openElement(depth: Int, slot: Int, key: (any CodingKey)?) -> Int? {
        guard self.select(depth: depth, slot: slot) else { return nil }
        self.writeSeparator(depth: depth, key: key)
        return self.announce(key: key)
    }

    /// Lets the announced value be written without a container.
    func fill(slot: Int) throws {
        guard self.pendingSlot == slot else { throw self.outOfOrder(key: nil) }
        self.pendingSlot = 0
        self.pendingKey = nil
    }

    /// Ends the value of a slot: everything inside of it is closed. A value that wrote nothing is an empty object.
    func closeValue(depth: Int, slot: Int) {
        self.fillPending()
        self.closeLevels(from: depth)
    }

    /// How many elements the level has; 0 once it is closed.
    func elementCount(depth: Int, slot: Int) -> Int {
        depth < self.levels.count && self.levels[depth].slot == slot ? self.levels[depth].count : 0
    }

    /// The keys on the way to the innermost open level.
    var codingPath: [any CodingKey] {
        self.levels.compactMap(\.key)
    }

    func invalid(_ value: Any, _ explanation: String, key: (any CodingKey)? = nil) -> EncodingError {
        let path = self.codingPath + ((key ?? self.pendingKey).map { [$0] } ?? [])
        return .invalidValue(value, EncodingError.Context(codingPath: path, debugDescription: explanation))
    }

    private func announce(key: (any CodingKey)?) -> Int {
        self.lastSlot += 1
        self.pendingSlot = self.lastSlot
        self.pendingKey = key
        return self.lastSlot
    }

    /// Makes a level the innermost one; `false` when it is not open.
    private func select(depth: Int, slot: Int) -> Bool {
        guard depth < self.levels.count, self.levels[depth].slot == slot else { return false }
        self.fillPending()
        self.closeLevels(from: depth + 1)
        return true
    }

    private func writeSeparator(depth: Int, key: (any CodingKey)?) {
        let isFirst = self.levels[depth].count == 0
        self.levels[depth].count += 1
        if !isFirst {
            self.bytes.append(UInt8(ascii: ","))
        }
        if let key {
            self.bytes.appendJSON(key.stringValue)
            self.bytes.append(UInt8(ascii: ":"))
        }
    }

    private func fillPending() {
        guard self.pendingSlot != 0 else { return }
        self.pendingSlot = 0
        self.pendingKey = nil
        self.bytes.append(UInt8(ascii: "{"))
        self.bytes.append(UInt8(ascii: "}"))
    }

    private func closeLevels(from depth: Int) {
        while self.levels.count > depth {
            let level = self.levels.removeLast()
            self.bytes.append(level.isObject ? UInt8(ascii: "}") : UInt8(ascii: "]"))
        }
    }

    private func outOfOrder(key: (any CodingKey)?) -> EncodingError {
        self.invalid(
            "",
            "a container was written to after the one around it went on; this encoder only streams",
            key: key
        )
    }
}
