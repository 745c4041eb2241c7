/// What the roster asks its shell to do, in this order.
public enum Effect: Equatable, Sendable {
    /// Have this held by somebody who outlives the agent. Comes before the effect that it is about.
    case announce(RunNote)
    /// Create the process of a new run; its outcome comes back as `spawned` or `spawnFailed`.
    case spawn(InstanceID, RunID)
    /// Tell the run to end.
    case terminate(InstanceID, RunID, StopMethod)
    /// Kill everything that is left of the run, also while its process is being created.
    case kill(InstanceID, RunID)
    /// Send a signal that somebody asked for by name.
    case signal(InstanceID, RunID, Signal, SignalScope)
    /// Call `timeReached` at this instant, instead of any other time asked for under this name; `nil` for never.
    case timer(TimerID, MonotonicInstant?)
    /// Have the agent replaced by the binary on disk; `upgradeRefused` when that cannot be.
    case upgrade(OperationID)
    /// Tell everybody.
    case publish(Transition)
    /// Everything has ended, because the operation asked for it: the agent may end, with this exit status.
    case ended(OperationID, exitStatus: UInt8)
}

/// Whose time it is.
public enum TimerID: Hashable, Sendable {
    case instance(InstanceID)
    case operation(OperationID)
}
