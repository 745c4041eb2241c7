public import LinuxSystem

/// A run that the keeper looked after while there was no agent, as the next agent gets it.
public struct CustodyRun: Sendable {
    /// A descriptor of the run, which belongs to whoever receives it.
    public struct Pipe: Hashable, Sendable {
        public var kind: RunAnnouncement.Pipe
        public var descriptor: Int32

        public init(kind: RunAnnouncement.Pipe, descriptor: Int32) {
            self.kind = kind
            self.descriptor = descriptor
        }
    }

    public var announcement: RunAnnouncement
    /// `nil` when its exit was committed, or the descriptor was lost on the way. Belongs to whoever receives it.
    public var process: PIDFD?
    public var pipes: [Pipe]
    /// How it ended; `nil` while it lives. Then `KeeperLink` tells when it does.
    public var exit: CustodyExit?
    /// An earlier agent has recorded its exit; only what is in its pipes is left.
    public var isCommitted: Bool

    public init(
        announcement: RunAnnouncement,
        process: PIDFD?,
        pipes: [Pipe],
        exit: CustodyExit?,
        isCommitted: Bool
    ) {
        self.announcement = announcement
        self.process = process
        self.pipes = pipes
        self.exit = exit
        self.isCommitted = isCommitted
    }
}
