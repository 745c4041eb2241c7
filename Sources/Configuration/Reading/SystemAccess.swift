/// What reading a configuration needs from outside, so that tests need neither files nor accounts.
public struct SystemAccess: Sendable {
    /// Why a file or a directory could not be read, such as "Permission denied" or "is larger than 1 MiB".
    public struct Failure: Error, Equatable, Sendable {
        public var reason: String

        public init(reason: String) {
            self.reason = reason
        }
    }

    /// The bytes of a regular file of at most `ConfigurationLoader.maximumFileSize` bytes.
    public var read: @Sendable (_ path: String) -> Result<[UInt8], Failure>
    /// The paths that a pattern of glob(7) matches, in any order; none is not an error.
    public var glob: @Sendable (_ pattern: String) -> Result<[String], Failure>
    /// Whether there is something at a path, readable or not.
    public var exists: @Sendable (_ path: String) -> Bool
    /// Whether the user database knows a name.
    public var userExists: @Sendable (_ name: String) -> Bool
    /// Whether the group database knows a name.
    public var groupExists: @Sendable (_ name: String) -> Bool
    /// The absolute path that relative ones begin at.
    public var currentDirectory: @Sendable () -> String

    public init(
        read: @escaping @Sendable (_ path: String) -> Result<[UInt8], Failure>,
        glob: @escaping @Sendable (_ pattern: String) -> Result<[String], Failure>,
        exists: @escaping @Sendable (_ path: String) -> Bool,
        userExists: @escaping @Sendable (_ name: String) -> Bool,
        groupExists: @escaping @Sendable (_ name: String) -> Bool,
        currentDirectory: @escaping @Sendable () -> String
    ) {
        self.read = read
        self.glob = glob
        self.exists = exists
        self.userExists = userExists
        self.groupExists = groupExists
        self.currentDirectory = currentDirectory
    }
}
