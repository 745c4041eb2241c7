/// How a run ended, in one sentence for people, such as "killed by SIGKILL, which the agent did not send; the kernel's OOM
/// killer did (memory 511 of 512 MiB)". It says what is known and no more.
public struct ExitSentence: Sendable {
    /// `nil` when there is none, as for a run that never started.
    public var status: WaitStatus?
    /// `nil` for a cause that this version does not know.
    public var cause: ExitCause?
    /// `nil` for a value that this version does not know.
    public var oom: OutOfMemory?
    public var escalated: Bool
    public var requestedBy: String?
    public var operationID: String?
    /// Why the run never became the worker's program.
    public var errorMessage: String?
    public var circumstances: ExitCircumstances

    public init(
        status: WaitStatus?,
        cause: ExitCause?,
        oom: OutOfMemory? = nil,
        escalated: Bool = false,
        requestedBy: String? = nil,
        operationID: String? = nil,
        errorMessage: String? = nil,
        circumstances: ExitCircumstances = ExitCircumstances()
    ) {
        self.status = status
        self.cause = cause
        self.oom = oom
        self.escalated = escalated
        self.requestedBy = requestedBy
        self.operationID = operationID
        self.errorMessage = errorMessage
        self.circumstances = circumstances
    }

    public var text: String {
        if let errorMessage {
            return errorMessage + (self.cause == .stopTimeout ? " after the grace period," : "") + self.whenStopped
        }
        switch self.cause {
        case .finished where self.status?.exitCode != 0: return self.ending + ", which counts as success"
        case .finished, .errorExit, .execFailed, .none: return self.ending
        case .crashed: return self.byItself("crashed with") + self.whenStopped
        case .killed: return self.killed
        case .oomKilled: return "\(self.byItself("killed by")), which the agent did not send; \(self.outOfMemory)"
        case .stopped: return self.ending + (self.escalated ? " after its grace period," : "") + self.whenStopped
        case .stopTimeout: return "did not end within \(self.grace)\(self.whenStopped), and was killed"
        case .checkFailed: return "did not pass its health check and was told to end; \(self.ending)"
        case .startTimeout: return "was not ready in time and was told to end; \(self.ending)"
        case .memoryLimit: return "used more memory than it may and was told to end; \(self.ending)"
        case .unknown: return self.ending + self.whenStopped
        }
    }

    // MARK: Parts of it

    /// What wait(2) says: "exited with code 3", "ended by SIGTERM (core dumped)".
    private var ending: String {
        self.status?.exitCode.map { "exited with code \($0)" } ?? self.byItself("ended by")
    }

    private func byItself(_ verb: String) -> String {
        guard let status, let signal = status.signal else { return "ended, and nobody can tell how" }
        return "\(verb) \(signal)" + (status.coreDumped ? " (core dumped)" : "")
    }

    private var killed: String {
        let words = self.byItself("killed by")
        if let requester {
            return "\(words), sent by \(requester)"
        }
        let byStranger = "\(words), which the agent did not send"
        guard self.status?.signal == .kill else { return byStranger }
        switch self.oom {
        case .suspected, .yes: return "\(byStranger); \(self.outOfMemory)"
        case .no: return "\(words), which neither the agent nor the kernel's OOM killer sent"
        case .unknown: return "\(byStranger); whether the kernel's OOM killer did cannot be told"
        case .none: return byStranger
        }
    }

    private var outOfMemory: String {
        let evidence = self.circumstances.evidence
        guard self.oom == .suspected else {
            return "the kernel's OOM killer did" + (evidence?.figures.map { " (\($0))" } ?? "")
        }
        let time = evidence?.within.map { "in the \($0.words) before" } ?? "at that time"
        return "it may have been the kernel's OOM killer, which killed something \(time)"
    }

    private var grace: String {
        guard let grace = self.circumstances.grace?.words else { return "its grace period" }
        switch self.circumstances.stopMethod {
        case .signal(let signal): return "\(grace) of \(signal)"
        case .command: return "\(grace) of its stop command"
        case .none: return grace
        }
    }

    private var whenStopped: String {
        self.requester.map { " when it was stopped for \($0)" } ?? ""
    }

    private var requester: String? {
        guard let operationID else { return self.requestedBy }
        return "operation \(operationID)" + (self.requestedBy.map { " of \($0)" } ?? "")
    }
}

extension OutOfMemoryEvidence {
    /// "memory 511 of 512 MiB"; `nil` when nothing is known.
    var figures: String? {
        switch (self.usedBytes, self.limitBytes) {
        case (let used?, let limit?) where max(used, limit) < 1 << 20: "memory \(used >> 10) of \(limit >> 10) KiB"
        case (let used?, let limit?): "memory \(used >> 20) of \(limit >> 20) MiB"
        case (let used?, nil): "memory \(used >> 20) MiB, without a limit of its own"
        case (nil, let limit?): "memory limit \(limit >> 20) MiB"
        case (nil, nil): nil
        }
    }
}

extension Duration {
    /// "20 ms", "0.3 s", "10 s", "5 min", "3 h", "2 d": cut off, in the unit that leaves a small number.
    var words: String {
        let milliseconds = max(0, self.nanoseconds / 1_000_000)
        let seconds = milliseconds / 1000
        switch seconds {
        case 0 where milliseconds < 100: return "\(milliseconds) ms"
        case ..<10:
            let tenths = milliseconds / 100
            return tenths % 10 == 0 ? "\(seconds) s" : "\(seconds).\(tenths % 10) s"
        case ..<120: return "\(seconds) s"
        case ..<7200: return "\(seconds / 60) min"
        case ..<172_800: return "\(seconds / 3600) h"
        default: return "\(seconds / 86_400) d"
        }
    }
}
