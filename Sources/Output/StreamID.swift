public import Supervision

/// One of the two streams of a run that may be captured.
public enum StandardStream: String, Sendable, CaseIterable {
    case standardOutput = "stdout"
    case standardError = "stderr"
}

/// The output of an instance on one of its streams, over all its runs.
public struct StreamID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let instance: InstanceID
    public let stream: StandardStream

    public init(_ instance: InstanceID, _ stream: StandardStream) {
        self.instance = instance
        self.stream = stream
    }

    public var description: String {
        "\(self.instance) \(self.stream.rawValue)"
    }

    /// By worker, index, and standard output first.
    public static func < (a: StreamID, b: StreamID) -> Bool {
        guard a.instance == b.instance else { return a.instance < b.instance }
        return a.stream == .standardOutput && b.stream == .standardError
    }
}
