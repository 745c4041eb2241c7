/// One of a worker's slots, shown as `web.0`.
public struct InstanceID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let worker: String
    public let index: Int

    public init(worker: String, index: Int) {
        self.worker = worker
        self.index = index
    }

    public var description: String {
        "\(self.worker).\(self.index)"
    }

    public static func < (a: InstanceID, b: InstanceID) -> Bool {
        (a.worker, a.index) < (b.worker, b.index)
    }
}
