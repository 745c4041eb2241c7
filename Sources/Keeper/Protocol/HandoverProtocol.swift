/// The language that keeper and agent speak on a socket that keeps messages apart (SOCK_SEQPACKET), with descriptors beside
/// the bytes (SCM_RIGHTS).
///
/// Every message begins with a header of eight bytes: a magic number, the version, the type, the length of the body; numbers
/// have their lowest byte first. What is not exactly as described here is refused as a whole. The two sides can be of
/// different builds while an upgrade is under way, so a type that the reader does not know is passed over, and what only the
/// agent understands travels as `details` that the keeper keeps without looking at them.
///
/// In the order of a life:
/// ```
/// agent                      keeper
/// hello                 →
///                       ←    welcome, transit, custody…, custodyEnd
/// bell                  →    from now on it rings after anything was said, and the socket need not be watched
/// ready                 →
/// announce              →    by the child that becomes the run, between clone and exec, with its pidfd and the run's pipes
/// update                →    the agent's own words about an announced run have changed
/// alive                 →    the sign of life, again and again
///                       ←    exited: an adopted run, which stays a zombie until
/// committed             →    its exit is recorded
/// forget                →    nothing of the run is needed any more, its pipes included
/// upgradeRequest        →
///                       ←    upgradeAnswer
///                       ←    upgradeDone: to the new agent, when its trial is over and the keeper is replaced too
/// upgradeConfirmed      →    that is written down; until then the next agent is told it again
/// shuttingDown          →    from now on an agent that dies comes back in its shutdown
/// leaving               →    the end that follows is meant: with this exit code, or to be replaced
/// ```
enum HandoverProtocol {
    static let magic: UInt16 = 0x7672
    static let version: UInt8 = 1
    static let headerLength = 8

    /// Of a message, its header included.
    static let maximumMessage = 2048
    /// Of a worker's name.
    static let maximumName = 64
    /// Of the agent's own words in an announcement.
    static let maximumDetails = 768
    /// Of a text for people.
    static let maximumText = 512
    /// Descriptors of a run beside its pidfd.
    static let maximumPipes = 8
    /// Where in an announcement the child writes its pid: after the header and the run.
    static let pidOffset = headerLength + 16
}

/// Why a message was refused.
public enum HandoverError: Error, Equatable, Sendable {
    case tooShort
    case tooLong
    case noMessage
    case version(UInt8)
    /// Passed over, not refused: the other side may be newer.
    case unknownType(UInt8)
    /// The value of this field is none that it can have.
    case value(String)
    /// More bytes than the message has fields.
    case excess
    /// Not the descriptors that the message speaks of.
    case descriptors
}
