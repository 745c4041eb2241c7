/// Where an instance is, as everybody outside sees it.
public enum InstanceState: String, Sendable, CaseIterable {
    /// No process, none wanted.
    case stopped
    /// Wanted, waits for a worker named in `after`.
    case waiting
    /// Asked for or spawned, not ready yet.
    case starting
    /// Up, and ready if it has a readiness check.
    case running
    /// Told to end, or what is left of an ended run is being killed.
    case stopping
    /// Wanted; the next start is at `nextStartAt`.
    case backoff
    /// Ended, its policy wants no restart, and the exit counts as success.
    case finished
    /// Ended and given up.
    case failed
}

/// Where an instance should be.
public enum DesiredState: String, Sendable, CaseIterable {
    case up
    case down
}

/// What the health checks say; apart from the state.
public enum Health: String, Sendable, CaseIterable {
    case none
    case unknown
    case passing
    case failing
}
