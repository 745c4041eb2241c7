import Supervision

/// Effects that wait until an operator's decision is committed: what it says is done to an instance only when it would be
/// known after the death of the agent. Whatever else is to be done to that instance meanwhile waits behind it, so that
/// the order stays.
struct HeldEffects {
    /// Names a decision; a later one is greater.
    typealias Token = UInt64

    private var lastToken: Token = 0
    private var queues: [InstanceID: (last: Token, effects: [(token: Token, effect: Effect)])] = [:]
    private var instances: [Token: [InstanceID]] = [:]

    /// Begins to hold what is for these instances.
    mutating func begin(for instances: [InstanceID]) -> Token {
        self.lastToken += 1
        for id in instances {
            self.queues[id, default: (self.lastToken, [])].last = self.lastToken
        }
        self.instances[self.lastToken] = instances
        return self.lastToken
    }

    /// Whether the effect has to wait; then it is kept.
    mutating func hold(_ effect: Effect) -> Bool {
        guard let id = effect.instance, let last = self.queues[id]?.last else { return false }
        self.queues[id]?.effects.append((last, effect))
        return true
    }

    /// The decision is committed: what waited for it, and for nothing later, is to be done now.
    mutating func release(_ token: Token) -> [Effect] {
        var released: [Effect] = []
        for id in self.instances.removeValue(forKey: token) ?? [] {
            guard var queue = self.queues[id] else { continue }
            released += queue.effects.lazy.filter { $0.token <= token }.map(\.effect)
            queue.effects.removeAll { $0.token <= token }
            self.queues[id] = queue.last <= token ? nil : queue
        }
        return released
    }
}

extension Effect {
    /// The instance to whose processes it is done; `nil` for what need not wait.
    var instance: InstanceID? {
        switch self {
        case .spawn(let id, _), .terminate(let id, _, _), .kill(let id, _), .signal(let id, _, _, _): id
        case .announce(let note): note.instance
        case .timer, .upgrade, .publish, .ended: nil
        }
    }
}
