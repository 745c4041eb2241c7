import ControlMessages
import Supervision

/// Exit records in words.
enum ExitWords {
    /// All that the record says of the end: `crashed with SIGSEGV (core dumped)`, `ended by SIGTERM when it was stopped for
    /// operation 0190… of uid:0`. What this version does not know, such as a new cause, is left out.
    static func sentence(_ exit: ExitMessage) -> String {
        let sentence = ExitSentence(
            status: exit.waitStatus.map { WaitStatus(rawValue: $0) },
            cause: ExitCause(rawValue: exit.cause),
            oom: OutOfMemory(rawValue: exit.oom),
            escalated: exit.escalated,
            requestedBy: exit.requestedBy,
            operationID: exit.operationID,
            errorMessage: exit.error?.message
        )
        return Printable.line(sentence.text)
    }

    /// `exit code 3`, `SIGSEGV (core dumped)`, `cannot execute /x: No such file or directory`, `unknown`.
    static func ending(_ exit: ExitMessage) -> String {
        if let error = exit.error {
            return Printable.line(error.message)
        }
        var words: String
        if let signal = exit.signal {
            words = Printable.line(signal.name)
        } else if let code = exit.exitCode {
            words = "exit code \(code)"
        } else {
            words = "unknown"
        }
        var remarks: [String] = []
        if exit.escalated {
            remarks.append("after the grace period")
        }
        if exit.oom == "yes" {
            remarks.append("out of memory")
        } else if exit.oom == "suspected" {
            remarks.append("out of memory?")
        }
        if exit.coreDumped {
            remarks.append("core dumped")
        }
        if !remarks.isEmpty {
            words += " (\(remarks.joined(separator: ", ")))"
        }
        return words
    }

    /// `restart at once`, `restart in 0.2s`, `stay down`, `give up`, `hold`.
    static func decision(_ decision: DecisionMessage) -> String {
        switch decision.action {
        case "restart" where decision.delaySeconds <= 0: "restart at once"
        case "restart": "restart in \(DurationWords.short(decision.delaySeconds))"
        default: Printable.line(decision.action.replacing("_", with: " "))
        }
    }
}
