internal import ControlMessages
internal import HTTPServer
internal import Supervision

/// /healthz and /readyz: for load balancers and init systems, open to everybody.
extension ControlHandler {
    /// How many names an answer of /readyz has at most.
    static let maximumUnreadyNames = 20

    func showHealth(_ call: Call) {
        guard self.isSupervisionResponsive() else {
            call.respond(Problem.busy("the supervision loop has not turned for 5 s or more"))
            return
        }
        call.respond(Answer.json(ProbeMessage(status: "ok")))
    }

    func showReadiness(_ call: Call) throws(Problem) {
        let mayKnowNames = call.caller.role != nil
        var names = self.status.names
        if let patterns = try call.parameters.patterns("workers") {
            names = try self.workers(patterns, mayKnowNames: mayKnowNames)
        }
        guard self.status.circumstances.isRecovered else {
            throw Problem.notReady("the agent is starting: its recovery is not over")
        }
        guard !self.status.circumstances.isShuttingDown else {
            throw Problem.notReady("the agent is ending")
        }
        let workers = names.compactMap { self.status.worker($0) }
        let unready = workers.flatMap(\.unready)
        guard !unready.isEmpty else {
            call.respond(Answer.json(ProbeMessage(status: "ready")))
            return
        }
        guard mayKnowNames else {
            let wanted = workers.reduce(0) { $0 + $1.instances.count { $0.status.desired == .up } }
            let verb = unready.count == 1 ? "is" : "are"
            throw Problem.notReady("\(unready.count) of \(wanted) instances that are wanted up \(verb) not")
        }
        let shown = unready.prefix(Self.maximumUnreadyNames).map { "\($0.id) \(WorkerStatus.predicate($0.state))" }
        let more = unready.count > shown.count ? ", and \(unready.count - shown.count) more" : ""
        throw Problem.notReady(shown.joined(separator: ", ") + more)
    }

    func showOpenAPIDocument(_ call: Call) {
        if let ifNoneMatch = call.headers.ifNoneMatch, Answer.matches(ifNoneMatch, revision: self.openAPITag) {
            call.respond(Answer.notModified(revision: self.openAPITag))
            return
        }
        call.respond(self.openAPIDocument)
    }
}
