import LinuxSystem

/// The agent process that the keeper guards at the moment.
struct GuardedAgent {
    let pid: Int32
    let pidfd: PIDFD
    /// The keeper's end of the socket to it.
    let socket: Int32
    let startedAt: SuspendingClock.Instant
    var lastSign: SuspendingClock.Instant
    var phase = Phase.started
    /// What it said about its end.
    var leaving: AgentMessage.Leaving?
    var wasSilent = false
    /// It is the new binary of an upgrade, and not yet trusted.
    var isOnTrial = false
    /// It has the pipe for output on its way.
    var hasTransit = false
    /// The next slot of the custody table that it is to be told of.
    var cursor = 0
    /// How many it was told of.
    var told: UInt32 = 0
    /// It was told that the new binary is trusted.
    var knowsOfUpgrade = false
    /// Something is to be told that the socket had no room for.
    var isBehind = false
    var processWatch: EventLoop.Registration?
    var socketWatch: EventLoop.Registration?
    /// What it rings when there is something to hear; -1 while its socket is watched for that.
    var bell: Int32 = -1
    var bellWatch: EventLoop.Registration?

    enum Phase: UInt8 {
        case started
        /// It has said hello, and is being told what is in custody.
        case greeted
        /// It knows all of it.
        case informed
        case ready
    }
}
