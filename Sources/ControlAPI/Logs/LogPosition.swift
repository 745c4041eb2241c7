internal import Output
internal import Supervision

/// Where a reader of a worker's output is, as text: `0.stdout:1842,0.stderr:96`. The number is the position of the next
/// byte; positions count all that a stream ever wrote, so one holds over rotation and restarts.
enum LogPosition {
    static func format(_ positions: [StreamID: UInt64]) -> String {
        positions.sorted { $0.key < $1.key }.map { Self.format($0.key, $0.value) }.joined(separator: ",")
    }

    static func format(_ id: StreamID, _ position: UInt64) -> String {
        "\(id.instance.index).\(id.stream.rawValue):\(position)"
    }

    /// `nil` when it is no such text.
    static func parse(_ text: String, worker: String) -> [StreamID: UInt64]? {
        var positions: [StreamID: UInt64] = [:]
        // Empty where a reader began before there was anything.
        guard !text.isEmpty else { return positions }
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let sides = part.split(separator: ":", omittingEmptySubsequences: false)
            let names = sides[0].split(separator: ".", omittingEmptySubsequences: false)
            guard sides.count == 2, names.count == 2,
                let index = Self.number(names[0]), index < 10_000,
                let stream = StandardStream(rawValue: String(names[1])),
                let position = Self.number(sides[1]), position <= UInt64(Int64.max),
                positions.updateValue(
                    position,
                    forKey: StreamID(InstanceID(worker: worker, index: Int(index)), stream)
                ) == nil
            else { return nil }
        }
        return positions
    }

    /// Digits only: the initializer of the number takes a sign as well.
    private static func number(_ text: Substring) -> UInt64? {
        text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? UInt64(text) : nil
    }
}
