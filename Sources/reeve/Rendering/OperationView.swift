import ControlMessages

/// What `start`, `stop`, `restart` and the like say when it is over.
struct OperationView {
    let operation: OperationMessage
    /// The workers before and after, for the process ids; both may be empty.
    var before: [WorkerMessage] = []
    var after: [WorkerMessage] = []
    /// Whether everything that was done is told.
    var isVerbose = false

    /// A line or more for each instance, each with its end.
    func render(style: TextStyle) -> String {
        var lines = ""
        for instance in self.operation.instances {
            let id = "\(Printable.line(instance.worker)).\(instance.instance)"
            lines += "\(id) \(self.outcome(instance, style: style))\n"
            if instance.outcome == "failed", let exit = instance.exit {
                lines += self.tail(exit)
            }
            if self.isVerbose {
                lines += self.transcript(instance)
            }
        }
        if lines.isEmpty {
            lines = self.withoutInstances + "\n"
        }
        if self.operation.instances.count > 1, self.operation.changed, let duration = self.duration {
            lines += "\(Printable.line(self.operation.action)) took \(duration)\n"
        }
        return lines
    }

    /// For an operation that goes on: `restart of web goes on as operation 0190…`.
    static func goesOn(_ operation: OperationMessage) -> String {
        let workers = operation.workers.joined(separator: ", ")
        return Printable.line("\(operation.action) of \(workers) goes on as operation \(operation.id)")
    }

    /// A scale to the number that there is, and operations on workers that have no instances.
    private var withoutInstances: String {
        guard self.operation.state == "succeeded", !self.operation.changed else {
            return Printable.line("\(self.operation.action) \(self.operation.state)")
        }
        return Printable.line("\(self.operation.workers.joined(separator: ", ")) unchanged")
    }

    private func outcome(_ instance: OperationInstanceMessage, style: TextStyle) -> String {
        let old = self.pid(of: instance.oldRunID, in: self.before)
        let new = self.pid(of: instance.newRunID, in: self.after)
        switch instance.outcome {
        case "up":
            var words = style.paint("up", .green)
            if let new {
                words += " with pid \(new)"
            }
            return words + (old.map { " (was \($0))" } ?? "") + self.ownDuration
        case "stopped", "removed":
            let words = style.paint(instance.outcome, .dim) + (old.map { " (was \($0))" } ?? "")
            return words + self.ownDuration + (instance.exit.map { ": \(ExitWords.ending($0))" } ?? "")
        case "finished":
            return style.paint("finished", .green) + self.ranFor(instance)
        case "failed":
            return style.paint("did not come up", .red) + self.ranFor(instance)
        case "unchanged":
            return self.unchanged(instance)
        case "added":
            return "added, not started"
        case "signaled":
            return "was sent the signal" + (old.map { " (pid \($0))" } ?? "")
        case "in_progress", "pending", "skipped", "aborted", "reset":
            return instance.outcome.replacing("_", with: " ")
        default:
            return Printable.line(instance.outcome)
        }
    }

    private func unchanged(_ instance: OperationInstanceMessage) -> String {
        let now = self.after.isEmpty ? self.before : self.after
        guard let found = Self.find(instance, in: now) else { return "unchanged" }
        return "already \(Printable.line(found.state))" + (found.pid.map { " with pid \($0)" } ?? "")
    }

    /// How a run ended that began with this operation, and how long it was.
    private func ranFor(_ instance: OperationInstanceMessage) -> String {
        guard let exit = instance.exit else { return "" }
        let uptime = exit.outcome == "not_started" ? "" : " after \(DurationWords.short(exit.uptimeSeconds))"
        return ": \(ExitWords.ending(exit))" + uptime
    }

    private func tail(_ exit: ExitMessage) -> String {
        (exit.stderrTail ?? []).map { "    \(Printable.line($0))\n" }.joined()
    }

    private func transcript(_ instance: OperationInstanceMessage) -> String {
        instance.transcript.map { line in
            // The time of day is enough: the lines follow each other.
            let time = line.at.split(separator: "T").last.map(String.init) ?? line.at
            return "    \(Printable.line(time))  \(Printable.line(line.text))\n"
        }.joined()
    }

    /// From the asking to the end; `nil` when it goes on.
    private var duration: String? {
        guard let created = WallTime(self.operation.createdAt),
            let finished = self.operation.finishedAt.flatMap({ WallTime($0) })
        else { return nil }
        return DurationWords.short(finished.seconds(since: created))
    }

    /// For the only instance; of several nobody can tell which took how long.
    private var ownDuration: String {
        guard self.operation.instances.count == 1, let duration = self.duration else { return "" }
        return ", \(duration)"
    }

    private func pid(of runID: String?, in workers: [WorkerMessage]) -> Int32? {
        guard let runID else { return nil }
        return workers.lazy.flatMap(\.instances).first { $0.runID == runID }?.pid
    }

    private static func find(
        _ instance: OperationInstanceMessage,
        in workers: [WorkerMessage]
    ) -> InstanceMessage? {
        workers.first { $0.name == instance.worker }?.instances.first { $0.instance == instance.instance }
    }
}
