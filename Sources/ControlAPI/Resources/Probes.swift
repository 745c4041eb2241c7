internal import ControlMessages
internal import HTTPServer
internal import Supervision

/// /healthz and /readyz: for load balancers and init systems, open to everybody.
extension ControlHandler {
    /// How many names an answer of /readyz has at most.
    static let maximumUnreadyNames = 20

    func showHealth(_ call: Call) {
        guard self.isSupervisionResponsive() else {
            call.respond(Problem(.notReady, "the supervision loop has not turned for 5 seconds"))
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
            throw Problem(.notReady, "the agent is starting: it has not looked at all workers yet")
        }
        guard !self.status.circumstances.isShuttingDown else {
            throw Problem(.notReady, "the agent is ending")
        }
        let unready = names.compactMap { self.status.worker($0) }.flatMap(\.unready)
        guard !unready.isEmpty else {
            call.respond(Answer.json(ProbeMessage(status: "ready")))
            return
        }
        guard mayKnowNames else {
            throw Problem(
                .notReady,
                unready.count == 1 ? "1 instance is not up" : "\(unready.count) instances are not up"
            )
        }
        let shown = unready.prefix(Self.maximumUnreadyNames).map { "\($0.id) \(WorkerStatus.predicate($0.state))" }
        let more = unready.count > shown.count ? ", and \(unready.count - shown.count) more" : ""
        throw Problem(.notReady, shown.joined(separator: ", ") + more)
    }

    func showOpenAPIDocument(_ call: Call) throws(Problem) {
        guard let document = self.openAPIDocument else {
            throw Problem(.unknownRoute, "this agent was built without its OpenAPI document")
        }
        call.respond(document)
    }
}
