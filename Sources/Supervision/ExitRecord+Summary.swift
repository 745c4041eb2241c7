extension ExitRecord {
    /// How the run ended and what follows, in a few words: "exited with code 3; restart in 0.2 s". For places that tell of
    /// the operation anyway, such as its transcript.
    public var summary: String {
        "\(self.ending); \(self.decision.summary)"
    }

    /// How the run ended, who asked for it, and what follows: "ended by SIGTERM when it was stopped for operation 0190… of
    /// uid:0; stays down". For places that stand alone, such as the log.
    public var sentence: String {
        let sentence = ExitSentence(
            status: self.waitStatus,
            cause: self.cause,
            oom: self.oom,
            escalated: self.escalated,
            requestedBy: self.requestedBy,
            operationID: self.operationID?.description,
            errorMessage: self.error?.message,
            circumstances: self.circumstances
        )
        return "\(sentence.text); \(self.decision.summary)"
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
            switch self.oom {
            case .yes: return "killed by the kernel's OOM killer"
            case .suspected: return "ended by \(signal), perhaps for want of memory"
            case .no, .unknown: break
            }
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
