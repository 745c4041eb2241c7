/// Where a worker's standard output and standard error go, and how what is captured is kept.
public struct OutputPolicy: Equatable, Sendable {
    public enum Destination: String, Sendable, CaseIterable {
        /// Files of the instance's own, below `log_dir`.
        case capture
        /// The agent's own.
        case inherit
        /// `/dev/null`.
        case null
    }

    public enum ErrorDestination: String, Sendable, CaseIterable {
        case capture
        /// Where standard output goes.
        case standardOutput = "stdout"
        case inherit
        case null
    }

    public var standardOutput: Destination
    public var standardError: ErrorDestination
    /// Bytes after which a file is followed by another.
    public var maximumSize: Int64
    /// Full files that are kept beside the one that is written.
    public var keepFiles: Int
    /// Whether each line begins with the time at which it came.
    public var timestamps: Bool
    /// The group of the files, by name; `nil` for the agent's own.
    public var group: String?

    public init(
        standardOutput: Destination = .capture,
        standardError: ErrorDestination = .capture,
        maximumSize: Int64 = 16 << 20,
        keepFiles: Int = 5,
        timestamps: Bool = false,
        group: String? = nil
    ) {
        self.standardOutput = standardOutput
        self.standardError = standardError
        self.maximumSize = maximumSize
        self.keepFiles = keepFiles
        self.timestamps = timestamps
        self.group = group
    }

    /// Whether any of it goes into files.
    public var isCaptured: Bool {
        self.standardOutput == .capture || self.standardError == .capture
    }

    /// Whether standard error goes into files, its own or those of standard output.
    public var capturesError: Bool {
        switch self.standardError {
        case .capture: true
        case .standardOutput: self.standardOutput == .capture
        case .inherit, .null: false
        }
    }
}
