extension ExitMessage {
    /// All fields in their order, those without a value as `null`; only `durable` is left out unless it says something.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(self.seq, forKey: .seq)
        if let durable = self.durable {
            try container.encode(durable, forKey: .durable)
        }
        try container.encode(self.worker, forKey: .worker)
        try container.encode(self.instance, forKey: .instance)
        try container.encode(self.runID, forKey: .runID)
        try container.encodeIfPresent(self.pid, forKey: .pid)
        try container.encode(self.startedAt, forKey: .startedAt)
        try container.encodeIfPresent(self.readyAt, forKey: .readyAt)
        try container.encode(self.endedAt, forKey: .endedAt)
        try container.encode(self.uptimeSeconds, forKey: .uptimeSeconds)
        try container.encodeIfPresent(self.waitStatus, forKey: .waitStatus)
        try container.encode(self.outcome, forKey: .outcome)
        try container.encodeIfPresent(self.exitCode, forKey: .exitCode)
        try container.encodeIfPresent(self.signal, forKey: .signal)
        try container.encode(self.coreDumped, forKey: .coreDumped)
        try container.encode(self.oom, forKey: .oom)
        try container.encode(self.cause, forKey: .cause)
        try container.encodeIfPresent(self.error, forKey: .error)
        try container.encode(self.escalated, forKey: .escalated)
        try container.encodeIfPresent(self.requestedBy, forKey: .requestedBy)
        try container.encodeIfPresent(self.operationID, forKey: .operationID)
        try container.encodeIfPresent(self.usage, forKey: .usage)
        try container.encodeIfPresent(self.stderrTail, forKey: .stderrTail)
        try container.encode(self.decision, forKey: .decision)
    }
}
