extension ExitRecord {
    /// How the run ended and what follows, in a few words: "exited with code 3; restart in 0.2 s".
    public var summary: String {
        "\(self.ending); \(self.decision.summary)"
    }

    private var ending: String {
        if let error = self.error {
            return error.message
        }
        guard let status = self.waitStatus else { return "ended, nobody knows how" }
        switch status.kind {
        case .exited(let code): return "exited with code \(code)"
        case .signaled(let signal, let coreDumped):
            let core = coreDumped ? " (core dumped)" : ""
            return self.escalated ? "killed after the grace period\(core)" : "ended by \(signal)\(core)"
        case .stopped, .continued, .invalid: return "ended, nobody knows how"
        }
    }
}

extension ExitDecision {
    /// What follows, in a few words.
    public var summary: String {
        switch self.action {
        case .restart where self.delay == .zero: return "restart at once"
        case .restart:
            let milliseconds = self.delay.nanoseconds / 1_000_000
            return "restart in \(Double(milliseconds) / 1000) s"
        case .stayDown: return "stays down"
        case .giveUp: return "given up"
        case .hold: return "on hold"
        }
    }
}
