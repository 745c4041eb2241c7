import Supervision

/// What the files of a stream are called.
struct LogNames {
    /// `0.stdout.log`, which is being written.
    let current: String
    /// `0.stdout.index`
    let index: String

    init(_ id: StreamID) {
        let stem = "\(id.instance.index).\(id.stream.rawValue)"
        self.current = "\(stem).log"
        self.index = "\(stem).index"
    }

    /// What is being made; hidden, so that nobody takes it for output.
    var next: String { ".\(self.current).new" }
    var nextIndex: String { ".\(self.index).new" }

    /// The `number`-th newest of the full files, from 1.
    func full(_ number: Int) -> String {
        "\(self.current).\(number)"
    }

    /// Whether a file may hold output of this stream: the current one, a full one, or one that logrotate(8) has named
    /// after a date. Compressed ones do not count.
    func isOutput(_ name: String) -> Bool {
        guard name.hasPrefix(self.current) else { return false }
        let rest = name.utf8.dropFirst(self.current.utf8.count)
        guard let mark = rest.first else { return true }
        guard mark == UInt8(ascii: ".") || mark == UInt8(ascii: "-"), rest.count > 1 else { return false }
        return rest.dropFirst().allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    /// The stream whose file `name` is, of the worker `worker`; `nil` for any other name.
    static func stream(of name: String, worker: String) -> StreamID? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count >= 3, let index = Int(parts[0]), index >= 0, "\(index)" == parts[0],
            let stream = StandardStream(rawValue: String(parts[1]))
        else { return nil }
        let id = StreamID(InstanceID(worker: worker, index: index), stream)
        return LogNames(id).isOutput(name) ? id : nil
    }
}
