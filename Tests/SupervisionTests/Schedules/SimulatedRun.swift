import Supervision

/// One run as the simulated kernel knows it, and what of it the roster was told.
struct SimulatedRun: Sendable {
    /// The truth about the main process.
    enum Process: Equatable, Sendable {
        /// It is being created.
        case asked
        case alive
        case ended(WaitStatus?)
        /// It never became the worker's program.
        case failed(StartError)
    }

    let instance: InstanceID
    let id: RunID
    let pid: Int32
    let askedAt: Moment
    var process = Process.asked
    /// Whether other processes of it live.
    var hasRest = false
    /// Whether it does not end by the stop signal.
    var ignoresTerm = false

    var terminateSent = false
    var killSent = false
    /// How many kills the rest of it needs: a process that forks escapes the first.
    var killsNeeded = 1

    /// When `spawned` was told.
    var upAt: Moment?
    var isExitTold = false
    /// The exit was told while processes were left, so that `cleared` has to follow.
    var owesCleared = false
    /// Everything was told: for the roster nothing of it is left.
    var isEndTold = false

    /// Whether no process of it is left.
    var isGone: Bool {
        switch self.process {
        case .asked, .alive: false
        case .ended, .failed: !self.hasRest
        }
    }
}

/// What the kernel has to tell; told later than it happened, and the first two in any order.
struct Report: Equatable, Sendable {
    enum Kind: Equatable, Sendable {
        /// Of exec: `spawned` or `spawnFailed`.
        case outcome
        case exit
        case cleared
    }

    var kind: Kind
    var run: RunID
}

/// Something illegal that the roster did, or something that it failed to do.
struct Violation: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) {
        self.description = description
    }
}
