import ControlMessages

/// Exit records in a few words.
enum ExitWords {
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
