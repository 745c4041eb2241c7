import LinuxSystem

/// The signals that are for the agent. An object, so that a start that fails half-way gives the descriptor back.
final class SignalSource {
    private var signals: SignalFD?

    /// Blocks the signals in this thread and in all that it starts from now on.
    init(_ numbers: [Int32]) throws(Errno) {
        self.signals = try SignalFD(signals: numbers)
    }

    deinit {
        self.signals.take()?.close()
    }

    var descriptor: Int32 {
        self.signals?.descriptor ?? -1
    }

    /// Every signal that came since the last call; none when they cannot be read, which the next readiness tells again.
    func drain() -> [SignalFD.Received] {
        (try? self.signals?.drain()) ?? []
    }
}
