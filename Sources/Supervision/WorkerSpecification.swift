/// What the configuration says of a worker. Everything is checked and has its default: no field needs another look.
public struct WorkerSpecification: Equatable, Sendable {
    /// How many instances a worker can have.
    public static let possibleInstances = 0...10_000

    /// `[a-z0-9][a-z0-9_-]{0,63}`.
    public var name: String
    /// The program and its arguments, at least one; may hold placeholders (see `Placeholders`).
    public var command: [String]
    /// How many instances: 0 to 10,000.
    public var instances: Int
    /// `{port}` is this and the instance's index.
    public var basePort: Int?
    public var directory: String?
    /// In the order of the file; values may hold placeholders.
    public var environment: [EnvironmentEntry]
    /// Read at each start; `environment` wins.
    public var environmentFile: String?
    /// Whether the agent's own environment is passed on, else only PATH, HOME, USER, LANG and TZ.
    public var inheritEnvironment: Bool
    public var autostart: Bool
    public var restart: RestartPolicy
    /// Ends that count as success.
    public var success: Set<ExitMatch>
    /// Ends after which it stays down.
    public var noRestart: Set<ExitMatch>
    /// Whether the agent ends, with its exit status, when an instance has ended for good.
    public var isVital: Bool
    public var backoff: BackoffPolicy
    public var restartLimit: RestartLimit?
    public var stop: StopPolicy
    public var output: OutputPolicy

    public init(name: String, command: [String]) {
        self.name = name
        self.command = command
        self.instances = 1
        self.basePort = nil
        self.directory = nil
        self.environment = []
        self.environmentFile = nil
        self.inheritEnvironment = false
        self.autostart = true
        self.restart = .onFailure
        self.success = [.code(0)]
        self.noRestart = []
        self.isVital = false
        self.backoff = BackoffPolicy()
        self.restartLimit = nil
        self.stop = StopPolicy()
        self.output = OutputPolicy()
    }
}

/// One variable of a worker's environment.
public struct EnvironmentEntry: Equatable, Sendable {
    public var name: String
    public var value: String

    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// When a run that ended by itself is followed by another.
public enum RestartPolicy: String, Sendable, CaseIterable {
    case always = "always"
    /// After every end but success; SIGKILL, a person's or the OOM killer's, is a failure.
    case onFailure = "on-failure"
    case never = "never"
}

/// An exit code or a signal, as `success` and `no_restart` name them.
public enum ExitMatch: Hashable, Sendable {
    /// 0 to 255.
    case code(Int32)
    case signal(Signal)

    public func matches(_ status: WaitStatus) -> Bool {
        switch self {
        case .code(let code): status.exitCode == code
        case .signal(let signal): status.signal == signal
        }
    }
}

/// How long to wait before a restart. Delay before the n-th consecutive unhealthy restart: 0 for the first, then
/// `initial * factor^(n-2)`, at most `max`, plus or minus `jitter` (a share, 0 to 1).
public struct BackoffPolicy: Equatable, Sendable {
    public var initial: Duration
    /// At least 1.
    public var factor: Double
    public var max: Duration
    public var jitter: Double
    /// A run this long was healthy: the next failure restarts at once.
    public var resetAfter: Duration

    public init(
        initial: Duration = .milliseconds(100),
        factor: Double = 2,
        max: Duration = .seconds(30),
        jitter: Double = 0.1,
        resetAfter: Duration = .seconds(10)
    ) {
        self.initial = initial
        self.factor = factor
        self.max = max
        self.jitter = jitter
        self.resetAfter = resetAfter
    }
}

/// Gives up when more than `restarts` automatic restarts would fall within `within`.
public struct RestartLimit: Equatable, Sendable {
    public var restarts: Int
    public var within: Duration
    /// Leaves `failed` by itself after this long.
    public var retryAfter: Duration?

    public init(restarts: Int, within: Duration, retryAfter: Duration? = nil) {
        self.restarts = restarts
        self.within = within
        self.retryAfter = retryAfter
    }
}

/// How a run is told to end.
public struct StopPolicy: Equatable, Sendable {
    public var signal: Signal
    /// After it, SIGKILL for everything that is left.
    public var grace: Duration
    /// Run instead of the signal where it is not empty; may hold placeholders.
    public var command: [String]

    public init(signal: Signal = .terminate, grace: Duration = .seconds(10), command: [String] = []) {
        self.signal = signal
        self.grace = grace
        self.command = command
    }
}
