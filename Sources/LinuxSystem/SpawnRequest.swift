/// What is to be executed, and in which surroundings.
///
/// The new process leads a session of its own, has umask 022, no blocked, ignored or caught signal, no descriptor but the
/// three named here, and the limits with which this process began (see `DescriptorLimit`).
public struct SpawnRequest: Sendable {
    /// Where one of the three standard streams of the new process goes.
    public enum Stream: Hashable, Sendable {
        /// `/dev/null`.
        case null
        /// This process's own stream of the same number.
        case inherit
        /// A descriptor of this process, which must stay open until the spawn is over and is not closed by it.
        case descriptor(Int32)
    }

    /// The file to execute; one without a leading slash is looked up from `directory`, never in `PATH`.
    public var executable: String
    /// All of argv, the program's own name first.
    public var arguments: [String]
    /// All of the environment, as `NAME=value`.
    public var environment: [String]
    /// `nil` for the directory of this process.
    public var directory: String?
    public var standardInput: Stream
    public var standardOutput: Stream
    public var standardError: Stream
    /// `nil`: the child tells nobody.
    public var announcement: SpawnAnnouncement?
    /// Where the child writes its pid before anything else, for the case that this process ends before it knows it.
    public var record: PIDRecord?

    /// A place in memory that outlives this process.
    //
    // Unchecked: written by the child only, while its parent's thread is suspended; whoever gives the place away keeps it for
    // as long as the spawn takes.
    public struct PIDRecord: @unchecked Sendable {
        let place: UnsafeMutablePointer<Int32>

        public init(_ place: UnsafeMutablePointer<Int32>) {
            self.place = place
        }
    }

    public init(
        executable: String,
        arguments: [String],
        environment: [String],
        directory: String? = nil,
        standardInput: Stream = .null,
        standardOutput: Stream = .inherit,
        standardError: Stream = .inherit,
        announcement: SpawnAnnouncement? = nil,
        record: PIDRecord? = nil
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
        self.standardInput = standardInput
        self.standardOutput = standardOutput
        self.standardError = standardError
        self.announcement = announcement
        self.record = record
    }
}

/// A process that executes its program.
public struct Spawned: Sendable {
    public var pid: Int32
    /// Belongs to whoever receives it.
    public var pidfd: PIDFD
    /// Why its announcement was not sent, such as EAGAIN when nobody reads; `nil` when it was, or there was none.
    public var announcementError: Errno?

    public init(pid: Int32, pidfd: PIDFD, announcementError: Errno? = nil) {
        self.pid = pid
        self.pidfd = pidfd
        self.announcementError = announcementError
    }
}
