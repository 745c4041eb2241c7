internal import Supervision

/// What `[defaults]` or one `[workers.NAME]` says, before the two are put together.
struct WorkerDraft {
    /// A text with its place, so that a wrong placeholder in it can be shown.
    struct Text: Sendable {
        var text: String
        var origin: Origin
    }

    struct Variable: Sendable {
        var name: String
        /// `nil` when it is wrong.
        var value: String?
        var origin: Origin
    }

    var command: Field<[Text]> = .absent
    var instances: Field<Int> = .absent
    var basePort: Field<Int> = .absent
    var directory: Field<String> = .absent
    var environment: [Variable] = []
    var environmentFile: Field<String> = .absent
    var inheritEnvironment: Field<Bool> = .absent
    var autostart: Field<Bool> = .absent
    var restart: Field<RestartPolicy> = .absent
    var success: Field<Set<ExitMatch>> = .absent
    var noRestart: Field<Set<ExitMatch>> = .absent
    var isVital: Field<Bool> = .absent
    var backoff = Backoff()
    var restartLimit = Limit()
    var stop = Stop()
    var output = Output()

    struct Backoff {
        var initial: Field<Duration> = .absent
        var factor: Field<Double> = .absent
        var max: Field<Duration> = .absent
        var jitter: Field<Double> = .absent
        var resetAfter: Field<Duration> = .absent
    }

    struct Limit {
        /// Where the table is, when there is one.
        var origin: Origin?
        var restarts: Field<Int> = .absent
        var within: Field<Duration> = .absent
        var retryAfter: Field<Duration> = .absent
    }

    struct Stop {
        var signal: Field<Signal> = .absent
        var grace: Field<Duration> = .absent
        var command: Field<[Text]> = .absent
    }

    struct Output {
        var standardOutput: Field<OutputPolicy.Destination> = .absent
        var standardError: Field<OutputPolicy.ErrorDestination> = .absent
        var maximumSize: Field<Int64> = .absent
        var keepFiles: Field<Int> = .absent
        var timestamps: Field<Bool> = .absent
        var group: Field<String> = .absent
    }

    /// This draft with what it does not say taken from `defaults`, key by key and in the tables inside as well.
    func filled(from defaults: WorkerDraft) -> WorkerDraft {
        var draft = self
        draft.command = self.command.or(defaults.command)
        draft.instances = self.instances.or(defaults.instances)
        draft.basePort = self.basePort.or(defaults.basePort)
        draft.directory = self.directory.or(defaults.directory)
        draft.environment = Self.merged(defaults.environment, self.environment)
        draft.environmentFile = self.environmentFile.or(defaults.environmentFile)
        draft.inheritEnvironment = self.inheritEnvironment.or(defaults.inheritEnvironment)
        draft.autostart = self.autostart.or(defaults.autostart)
        draft.restart = self.restart.or(defaults.restart)
        draft.success = self.success.or(defaults.success)
        draft.noRestart = self.noRestart.or(defaults.noRestart)
        draft.isVital = self.isVital.or(defaults.isVital)
        draft.backoff.initial = self.backoff.initial.or(defaults.backoff.initial)
        draft.backoff.factor = self.backoff.factor.or(defaults.backoff.factor)
        draft.backoff.max = self.backoff.max.or(defaults.backoff.max)
        draft.backoff.jitter = self.backoff.jitter.or(defaults.backoff.jitter)
        draft.backoff.resetAfter = self.backoff.resetAfter.or(defaults.backoff.resetAfter)
        draft.restartLimit.origin = self.restartLimit.origin ?? defaults.restartLimit.origin
        draft.restartLimit.restarts = self.restartLimit.restarts.or(defaults.restartLimit.restarts)
        draft.restartLimit.within = self.restartLimit.within.or(defaults.restartLimit.within)
        draft.restartLimit.retryAfter = self.restartLimit.retryAfter.or(defaults.restartLimit.retryAfter)
        draft.stop.signal = self.stop.signal.or(defaults.stop.signal)
        draft.stop.grace = self.stop.grace.or(defaults.stop.grace)
        draft.stop.command = self.stop.command.or(defaults.stop.command)
        draft.output.standardOutput = self.output.standardOutput.or(defaults.output.standardOutput)
        draft.output.standardError = self.output.standardError.or(defaults.output.standardError)
        draft.output.maximumSize = self.output.maximumSize.or(defaults.output.maximumSize)
        draft.output.keepFiles = self.output.keepFiles.or(defaults.output.keepFiles)
        draft.output.timestamps = self.output.timestamps.or(defaults.output.timestamps)
        draft.output.group = self.output.group.or(defaults.output.group)
        return draft
    }

    /// The variables of the defaults, those that the worker has as well with its values, then the worker's others.
    private static func merged(_ defaults: [Variable], _ own: [Variable]) -> [Variable] {
        guard !defaults.isEmpty else { return own }
        let values = Dictionary(own.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let names = Set(defaults.map(\.name))
        return defaults.map { values[$0.name] ?? $0 } + own.filter { !names.contains($0.name) }
    }
}
