internal import ControlMessages
internal import HTTPServer
internal import History
internal import Supervision

/// GET /metrics, in the text format of Prometheus.
extension ControlHandler {
    func showMetrics(_ call: Call) {
        let workers = WorkerMetrics(self.status.workers)
        var text = MetricsText()
        self.writeAgent(to: &text)
        text.append(self.workerMetrics(workers))
        workers.writeOutput(self.logs.output.receivedBytes, to: &text)
        self.usage.refresh(workers.targets, self.timer)
        workers.writeUsage(self.usage, to: &text)
        self.loopLag.write(to: &text)
        self.requests.write(to: &text)
        ProcessMetrics.write(startedAt: self.agent.startedAt, to: &text)
        call.respond(Answer.text(text.bytes, contentType: "text/plain; version=0.0.4; charset=utf-8"))
    }

    private func writeAgent(to text: inout MetricsText) {
        text.begin("reeve_build_info", .gauge, "1, with the version of the agent.")
        text.sample(1, MetricsText.labels(("version", self.agent.version)))
        text.begin("reeve_agent_generation", .gauge, "How often an agent has begun on this state directory.")
        text.sample(self.agent.generation)
        text.begin(
            "reeve_config_last_reload_successful",
            .gauge,
            "1 when the configuration that was read last holds; an agent does not begin with a wrong one."
        )
        text.sample(1)
        let history = self.history.status
        text.begin("reeve_history_degraded", .gauge, "1 while the history cannot be written; /v1/agent says why.")
        text.sample(history.degraded == nil ? 0 : 1)
        text.begin("reeve_history_pending", .gauge, "Exits that wait in memory for the history.")
        text.sample(Int64(history.pending))
        text.begin(
            "reeve_history_lost_exits_total",
            .counter,
            "Exits that were never written since the agent began, because too many waited."
        )
        text.sample(Int64(history.lostExits))
        text.begin("reeve_event_followers", .gauge, "Clients that follow /v1/events.")
        text.sample(Int64(self.events.followerCount))
        text.begin(
            "reeve_event_followers_cut_total",
            .counter,
            "Clients of /v1/events that were cut because they did not read."
        )
        text.sample(self.events.cuts)
    }

    /// What is the same for one revision of the workers is written once.
    private func workerMetrics(_ workers: WorkerMetrics) -> [UInt8] {
        if let known = self.knownWorkerMetrics, known.revision == self.status.revision {
            return known.text
        }
        var text = MetricsText()
        workers.write(to: &text)
        self.knownWorkerMetrics = (self.status.revision, text.bytes)
        return text.bytes
    }
}
