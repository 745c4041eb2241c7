/// What else was known when a run ended, for the sentence that tells of it. The record's public shape and the history do
/// not have it: an exit that was read back has none.
public struct ExitCircumstances: Equatable, Sendable {
    /// With `oom`, when it is `yes` or `suspected`.
    public var evidence: OutOfMemoryEvidence?
    /// How the run was told to end, when it did not in its grace period.
    public var stopMethod: StopMethod?
    /// From that until it was killed.
    public var grace: Duration?

    public init(evidence: OutOfMemoryEvidence? = nil, stopMethod: StopMethod? = nil, grace: Duration? = nil) {
        self.evidence = evidence
        self.stopMethod = stopMethod
        self.grace = grace
    }
}

/// What was found out about memory when the kernel's out-of-memory killer may have ended a run.
public struct OutOfMemoryEvidence: Equatable, Sendable {
    /// The most memory that the run's cgroup ever used, in bytes; `nil` when the kernel does not tell.
    public var usedBytes: Int64?
    /// How much it may use, in bytes; `nil` when it has no limit of its own.
    public var limitBytes: Int64?
    /// For `suspected`: the kernel killed something in this time before the end.
    public var within: Duration?

    public init(usedBytes: Int64? = nil, limitBytes: Int64? = nil, within: Duration? = nil) {
        self.usedBytes = usedBytes
        self.limitBytes = limitBytes
        self.within = within
    }
}
