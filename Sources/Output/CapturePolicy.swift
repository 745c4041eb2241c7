/// How the captured output of a worker is kept.
public struct CapturePolicy: Equatable, Sendable {
    /// Bytes after which a file is followed by another. So that no line is divided, a file may become larger by
    /// `OutputLimits.lineOverrun`.
    public var maximumSize: Int64
    /// How many full files are kept beside the one that is written: `.1` is the newest.
    public var keepFiles: Int
    /// Whether each line begins with the time at which it came. The bytes are then in the agent's hands for a moment, in
    /// which its death loses them.
    public var timestamps: Bool
    /// The group of the files and their directory; `nil` for the agent's own.
    public var group: UInt32?

    public init(maximumSize: Int64 = 16 << 20, keepFiles: Int = 5, timestamps: Bool = false, group: UInt32? = nil) {
        self.maximumSize = max(1, maximumSize)
        self.keepFiles = max(0, keepFiles)
        self.timestamps = timestamps
        self.group = group
    }
}
