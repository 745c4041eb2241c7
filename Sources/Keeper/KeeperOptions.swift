/// What a keeper needs to know.
public struct KeeperOptions: Equatable, Sendable {
    /// Where `keeper.lock` is; it must exist. `nil` takes no lock.
    public var stateDirectory: String?
    /// argv of the agent. Its descriptor 3 is the socket to the keeper.
    public var agentArguments: [String]
    /// The file that an upgrade starts; the program of this process by default.
    public var binary: String?
    /// How often the agent is to give a sign of life: twice within the limit, and otherwise seldom, because an idle agent does
    /// not wake up for anything else.
    public var signInterval: Duration
    /// How long it may give none.
    public var silenceLimit: Duration
    /// How long a new binary may take until it is ready.
    public var upgradeLimit: Duration
    /// How long it must stay up after that.
    public var upgradeObservation: Duration

    public init(
        stateDirectory: String?,
        agentArguments: [String],
        binary: String? = nil,
        signInterval: Duration = .seconds(25),
        silenceLimit: Duration = .seconds(60),
        upgradeLimit: Duration = .seconds(30),
        upgradeObservation: Duration = .seconds(2)
    ) {
        precondition(!agentArguments.isEmpty, "an agent needs a name")
        self.stateDirectory = stateDirectory
        self.agentArguments = agentArguments
        self.binary = binary
        self.signInterval = signInterval
        self.silenceLimit = silenceLimit
        self.upgradeLimit = upgradeLimit
        self.upgradeObservation = upgradeObservation
    }
}
