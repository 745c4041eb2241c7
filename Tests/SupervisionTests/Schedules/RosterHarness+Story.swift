import Supervision

extension RosterHarness {
    /// The last entries of the log, a line each.
    func story(of count: Int) -> String {
        self.log.suffix(count).map { $0.line }.joined(separator: "\n")
    }
}

extension RosterHarness.Entry {
    fileprivate var line: String {
        switch self {
        case .submitted(let request):
            let instance = request.instance.map { " instance \($0)" } ?? ""
            let grace = request.grace.map { " grace \($0)" } ?? ""
            let observe = request.observe.map { " observe \($0)" } ?? ""
            let count = request.count.map { " to \($0)" } ?? ""
            return "> \(request.action) \(request.workers)\(count)\(instance)\(grace)\(observe)"
        case .moved(let what, let run): return "  kernel: run \(run) \(what)"
        case .told(let report): return "> \(report.kind) of run \(report.run)"
        case .time(let duration, let now):
            return "  time: \(duration) later, \(Moment.beginning.monotonic.duration(to: now)) since the beginning"
        case .fired(let timer): return "> timer of \(timer)"
        case .effects(let effects): return effects.map { "    \($0.line)" }.joined(separator: "\n")
        }
    }
}

extension Effect {
    fileprivate var line: String {
        if case .timer(let timer, let instant) = self {
            let at = instant.map { "\(Moment.beginning.monotonic.duration(to: $0)) since the beginning" }
            return "timer of \(timer): \(at ?? "none")"
        }
        guard case .publish(let transition) = self else { return "\(self)" }
        switch transition.change {
        case .instance(let change):
            let status = change.status
            return "\(status.id): \(change.from) -> \(change.to), wanted \(status.desired), run "
                + "\(status.runID?.description ?? "-"), failures \(status.consecutiveFailures), "
                + "operation \(status.operationID?.description ?? "-"): \(change.text)"
        case .exit(let record): return "\(record.instance): \(record.cause), \(record.summary)"
        case .operation(let operation):
            let outcomes = operation.instances.map { "\($0.instance) \($0.outcome)" }
            return "operation \(operation.id): \(operation.action) \(operation.state) \(outcomes)"
        case .configured(let specifications):
            return "configured \(specifications.map { "\($0.name): \($0.instances)" })"
        case .scaled, .removed, .recovered, .shuttingDown: return "\(transition.change)"
        }
    }
}
