internal import ControlMessages
internal import HTTPServer
internal import History
internal import Supervision

/// GET /v1/agent.
extension ControlHandler {
    func showAgent(_ call: Call) {
        var socket = ""
        var listeners: [ListenerMessage] = []
        for listener in self.access.listeners {
            switch listener {
            case .unix(let path): socket = path
            case .tcp(let address, let anonymous, let maximumRole):
                listeners.append(
                    ListenerMessage(
                        address: address,
                        anonymous: anonymous?.rawValue ?? "none",
                        maxRole: maximumRole?.rawValue
                    )
                )
            }
        }
        let message = AgentMessage(
            version: self.agent.version,
            pid: self.agent.pid,
            keeperPID: self.agent.keeperPID,
            generation: self.agent.generation,
            startedAt: TimestampText.format(self.agent.startedAt),
            bootID: self.agent.bootID,
            configFiles: self.agent.configFiles,
            stateDir: self.agent.stateDirectory,
            socket: socket,
            listeners: listeners,
            workers: self.status.workers.count,
            instances: self.status.workers.reduce(0) { $0 + $1.instances.count },
            capabilities: self.agent.capabilities,
            limits: NamedValues(self.agent.limits.entries + Self.limits),
            degraded: self.agent.degraded + self.history.status.troubles + self.agent.troubles()
        )
        call.respond(Answer.json(message))
    }

    private static var limits: [NamedValues<Int64>.Entry] {
        [
            .init(name: "events_in_memory", value: Int64(RecentEvents.maximumCount)),
            .init(name: "history_questions", value: Int64(HistoryQuestion.maximumCount)),
            .init(name: "operations_kept", value: Int64(OperationLog.maximumCount)),
            .init(name: "waiting_requests", value: Int64(WaitLimit.maximum)),
        ]
    }
}

extension HistoryStatus {
    /// How many of the files that were set aside are named, the latest ones.
    private static let maximumSetAside = 10

    /// A sentence for each thing that is not as it should be.
    var troubles: [String] {
        var sentences: [String] = []
        if let reason = self.degraded {
            let exits =
                switch self.pending {
                case 0: "no exit waits"
                case 1: "1 exit waits"
                default: "\(self.pending) exits wait"
                }
            sentences.append("the history cannot be written: \(reason); \(exits) in memory")
        }
        if self.lostExits > 0 || self.lostTransitions > 0 {
            sentences.append(
                "\(self.lostExits) exits and \(self.lostTransitions) other transitions were given up, "
                    + "because more waited for the history than memory is allowed to hold"
            )
        }
        return sentences + self.setAside.suffix(Self.maximumSetAside).map(\.message)
    }
}
