/// Finds the configuration file, and the sockets to try where there is none.
public enum ConfigurationLocator {
    /// The configuration of the system.
    public static let systemPath = "/etc/reeve/reeve.toml"
    /// The control socket of an agent that runs as root.
    public static let systemSocket = "/run/reeve/control.sock"

    /// No configuration is there.
    public struct NotFound: Error, Equatable, Sendable, CustomStringConvertible {
        /// All places that were looked at, in order.
        public var places: [String]

        public init(places: [String]) {
            self.places = places
        }

        public var description: String {
            "cannot find a configuration: there is no \(self.places.joined(separator: " and no ")); "
                + "name one with --config FILE or in REEVE_CONFIG"
        }
    }

    /// The path of the configuration: `explicit` (`--config`), `$REEVE_CONFIG`, `./reeve.toml` (not as root, because the
    /// current directory may be somebody else's), `/etc/reeve/reeve.toml`. What is named by the first two is not looked
    /// for elsewhere: that it cannot be read is told by the loader.
    public static func locate(
        explicit: String?,
        environment: [String: String],
        isRoot: Bool,
        system: SystemAccess = .linux
    ) throws(NotFound) -> String {
        if let explicit {
            return explicit
        }
        if let named = environment["REEVE_CONFIG"], !named.isEmpty {
            return named
        }
        let places = isRoot ? [Self.systemPath] : ["./reeve.toml", Self.systemPath]
        guard let path = places.first(where: { system.exists($0) }) else {
            throw NotFound(places: places)
        }
        return path
    }

    /// The control sockets to try, in order, when no configuration says which: the user's, then the system's.
    public static func defaultSocketCandidates(environment: [String: String], isRoot: Bool) -> [String] {
        let defaults = DefaultPaths(environment: environment, isRoot: false)
        var candidates: [String] = []
        if defaults.runtimeDirectory != nil || !isRoot,
            let socket = defaults.socket(stateDirectory: defaults.stateDirectory)
        {
            candidates.append(socket)
        }
        return candidates + [Self.systemSocket]
    }
}
