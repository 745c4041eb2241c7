import ControlMessages

/// What `reeve status` shows.
enum StatusView {
    /// A line for each instance, and below them what is to be said of the workers.
    static func render(_ workers: [WorkerMessage], now: WallTime, width: Int?, style: TextStyle) -> String {
        var table = Table(
            header: ["WORKER", "STATE", "PID", "UP FOR", "RESTARTS", "LAST EXIT"],
            rightAligned: [2, 3, 4]
        )
        for worker in workers {
            for instance in worker.instances {
                table.append(self.row(instance, of: worker, now: now))
            }
        }
        guard !table.rows.isEmpty else { return "no workers\n" }
        return table.render(width: width, style: style) + self.remarks(workers, now: now)
    }

    /// Whether every instance is where it should be. A failed one never is: it was given up, not stopped.
    static func isAsDesired(_ workers: [WorkerMessage]) -> Bool {
        workers.allSatisfy { worker in
            worker.instances.allSatisfy { instance in
                switch (instance.desired, instance.state) {
                case ("up", "running"), ("up", "finished"), ("down", "stopped"), ("down", "finished"): true
                default: false
                }
            }
        }
    }

    static func color(ofState state: String) -> TextStyle.Color? {
        switch state {
        case "running": .green
        case "starting", "stopping", "backoff", "waiting", "degraded": .yellow
        case "failed": .red
        case "stopped", "finished": .dim
        default: nil
        }
    }

    private static func row(_ instance: InstanceMessage, of worker: WorkerMessage, now: WallTime) -> [Table.Cell] {
        let startedAt = instance.startedAt.flatMap { WallTime($0) }
        let isRunning = instance.pid != nil
        let uptime = isRunning ? startedAt.map { DurationWords.short(now.seconds(since: $0)) } : nil
        return [
            Table.Cell(Printable.line(instance.id)),
            Table.Cell(Printable.line(instance.state), color: self.color(ofState: instance.state)),
            Table.Cell(instance.pid.map { "\($0)" } ?? "-"),
            Table.Cell(uptime ?? "-"),
            Table.Cell("\(instance.restarts.oneHour)/\(instance.restarts.total)"),
            Table.Cell(self.remark(instance, of: worker, now: now)),
        ]
    }

    /// What comes next and what came last: `next start in 3.2s; exit code 3, error_exit, 2s ago`.
    private static func remark(_ instance: InstanceMessage, of worker: WorkerMessage, now: WallTime) -> String {
        var parts: [String] = []
        if let next = instance.nextStartAt.flatMap({ WallTime($0) }) {
            parts.append("next start in \(DurationWords.short(next.seconds(since: now)))")
        }
        if instance.state == "waiting", !worker.after.isEmpty {
            parts.append("after \(Printable.line(worker.after.joined(separator: ", ")))")
        }
        if instance.health == "failing" {
            parts.append("health failing")
        }
        if let text = instance.statusText, !text.isEmpty {
            parts.append(Printable.line(text))
        }
        if let exit = instance.lastExit {
            var words = "\(ExitWords.ending(exit)), \(Printable.line(exit.cause))"
            if let endedAt = WallTime(exit.endedAt) {
                words += ", \(DurationWords.ago(now.seconds(since: endedAt)))"
            }
            parts.append(words)
        }
        return parts.isEmpty ? "-" : parts.joined(separator: "; ")
    }

    private static func remarks(_ workers: [WorkerMessage], now: WallTime) -> String {
        var lines = ""
        for worker in workers {
            let name = Printable.line(worker.name)
            if let hold = worker.hold {
                let until = WallTime(hold.until)?.short(now: now) ?? Printable.line(hold.until)
                let reason = hold.reason.map { ": \(Printable.line($0))" } ?? ""
                lines += "\(name): on hold until \(until) by \(Printable.line(hold.requestedBy))\(reason)\n"
            }
            for deviation in worker.deviations {
                // Some name the instance that they are about.
                let start = deviation.hasPrefix(worker.name + ".") ? "" : "\(name): "
                lines += "\(start)\(Printable.line(deviation))\n"
            }
        }
        return lines
    }
}
