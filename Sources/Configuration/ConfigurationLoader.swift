/// Reads a configuration, with all that it includes, into `Settings`.
public enum ConfigurationLoader {
    /// The largest file that is read, in bytes.
    public static let maximumFileSize = 1 << 20
    /// How many files one configuration may include.
    public static let maximumIncludedFiles = 1000
    /// How many workers one configuration may have.
    public static let maximumWorkers = 10_000

    /// Reads the file at `path` and what it includes. All mistakes of meaning are told, not only the first; of a file
    /// with a mistake of syntax only that one, because nothing after it can be read.
    ///
    /// - Parameters:
    ///   - path: as it is shown in problems; a relative path begins at the current directory.
    ///   - environment: for the defaults of a user's paths (`HOME`, `XDG_STATE_HOME`, `XDG_RUNTIME_DIR`).
    ///   - isRoot: whether the defaults are those of the system or of a user.
    public static func load(
        path: String,
        environment: [String: String],
        isRoot: Bool,
        system: SystemAccess = .linux
    ) throws(ConfigurationError) -> Settings {
        let reading = ConfigurationReading(path: path, system: system)
        reading.readMainFile()
        return try reading.settings(DefaultPaths(environment: environment, isRoot: isRoot))
    }

    /// Reads `text` as if it stood in a file at `path`.
    public static func loadText(
        _ text: String,
        path: String = "reeve.toml",
        environment: [String: String],
        isRoot: Bool,
        system: SystemAccess = .linux
    ) throws(ConfigurationError) -> Settings {
        try Self.loadBytes(Array(text.utf8), path: path, environment: environment, isRoot: isRoot, system: system)
    }

    /// The control socket that the file at `path` names, or its default: for a client, who need not be able to read what
    /// is included, and whom mistakes in other places do not concern. `nil` when the file does not tell.
    public static func controlSocket(
        path: String,
        environment: [String: String],
        isRoot: Bool,
        system: SystemAccess = .linux
    ) -> String? {
        let reading = ConfigurationReading(path: path, system: system)
        return reading.controlSocket(DefaultPaths(environment: environment, isRoot: isRoot))
    }

    static func loadBytes(
        _ bytes: [UInt8],
        path: String = "reeve.toml",
        environment: [String: String],
        isRoot: Bool,
        system: SystemAccess
    ) throws(ConfigurationError) -> Settings {
        let reading = ConfigurationReading(path: path, system: system)
        reading.readMainFile(bytes)
        return try reading.settings(DefaultPaths(environment: environment, isRoot: isRoot))
    }
}
