/// The files of a configuration as they were read, so that an agent that comes up again can go on with them when somebody has made a
/// mistake in the files meanwhile.
public struct ConfigurationSnapshot: Equatable, Sendable {
    private static let head = Array("reeve configuration 1\n".utf8)

    private enum Kind: UInt8 {
        case file = 70
        case pattern = 71
        case match = 77
    }

    /// Of absolute paths.
    private var files: [String: [UInt8]] = [:]
    private var matches: [String: [String]] = [:]

    private init() {}

    // MARK: Taking one

    /// Calls `body` with an access that takes note of what is read.
    public static func taken<Result, Failure: Error>(
        from system: SystemAccess = .linux,
        _ body: (SystemAccess) throws(Failure) -> Result
    ) throws(Failure) -> (result: Result, snapshot: ConfigurationSnapshot) {
        let recorder = Recorder()
        var access = system
        access.read = { path in
            let result = system.read(path)
            if case .success(let bytes) = result {
                recorder.snapshot.files[path] = bytes
            }
            return result
        }
        access.glob = { pattern in
            let result = system.glob(pattern)
            if case .success(let paths) = result {
                recorder.snapshot.matches[pattern] = paths
            }
            return result
        }
        return (try body(access), recorder.snapshot)
    }

    // Unchecked: used by the one thread that reads, and by nobody after it.
    private final class Recorder: @unchecked Sendable {
        var snapshot = ConfigurationSnapshot()
    }

    // MARK: Reading from one

    /// The files as they were; everything else as it is.
    public func access(on system: SystemAccess = .linux) -> SystemAccess {
        var access = system
        access.read = { [files] path in
            files[path].map { .success($0) } ?? .failure(SystemAccess.Failure(reason: "it is not in the snapshot"))
        }
        access.glob = { [matches] pattern in .success(matches[pattern] ?? []) }
        return access
    }

    // MARK: As bytes

    /// Each part is a line with its kind and its length, and then as many bytes.
    public var bytes: [UInt8] {
        var bytes = Self.head
        func append(_ kind: Kind, _ part: [UInt8]) {
            bytes.append(kind.rawValue)
            bytes += Array(" \(part.count)\n".utf8)
            bytes += part
        }
        for (path, contents) in self.files.sorted(by: { $0.key < $1.key }) {
            append(.file, Array(path.utf8))
            append(.file, contents)
        }
        for (pattern, paths) in self.matches.sorted(by: { $0.key < $1.key }) {
            append(.pattern, Array(pattern.utf8))
            for path in paths {
                append(.match, Array(path.utf8))
            }
        }
        return bytes
    }

    /// Reads `bytes`; `nil` for anything else.
    public init?(_ bytes: [UInt8]) {
        guard bytes.starts(with: Self.head) else { return nil }
        var rest = bytes[Self.head.count...]
        var path: String?
        var pattern: String?
        while !rest.isEmpty {
            guard let (kind, part) = Self.part(&rest) else { return nil }
            switch kind {
            case .file:
                if let known = path {
                    self.files[known] = part
                    path = nil
                } else {
                    path = String(decoding: part, as: UTF8.self)
                }
            case .pattern:
                let text = String(decoding: part, as: UTF8.self)
                self.matches[text] = []
                pattern = text
            case .match:
                guard let pattern else { return nil }
                self.matches[pattern]?.append(String(decoding: part, as: UTF8.self))
            }
        }
        guard path == nil else { return nil }
    }

    private static func part(_ rest: inout ArraySlice<UInt8>) -> (Kind, [UInt8])? {
        guard let kind = rest.popFirst().flatMap(Kind.init(rawValue:)), rest.popFirst() == UInt8(ascii: " "),
            let end = rest.firstIndex(of: UInt8(ascii: "\n")),
            let count = Int(String(decoding: rest[..<end], as: UTF8.self)), count >= 0, count <= rest.endIndex - end - 1
        else { return nil }
        let start = end + 1
        defer { rest = rest[(start + count)...] }
        return (kind, Array(rest[start..<(start + count)]))
    }
}
