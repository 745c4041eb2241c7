// A vital worker takes the agent with it. When one of its instances has ended for good, all others are stopped by a shutdown
// that nobody else asked for, and the agent ends with the status of that instance's last run.
//
// For good is what only a person would undo: `finished`, and `failed` without a time at which it is left. Not for good is what
// somebody asked for: a stop, a restart, a scale. A shutdown that is under way already goes on as it began, with its own code.
//
// The shutdown begins in the call that tells of the end, so that both are committed or neither. Of an agent that dies before
// that, the next one decides about the same end again; one that dies after it left a shutdown behind, which goes on.

extension WorkerRoster {
    /// How an instance of a vital worker ended last.
    struct VitalEnd: Equatable, Sendable {
        var exitStatus: UInt8
        var summary: String

        init(_ exit: ExitRecord) {
            self.exitStatus = exit.exitStatus
            self.summary = exit.summary
        }
    }

    /// Before the instance, in `requested_by`.
    private static let requester = "vital:"

    /// Looks at an instance after anything about it changed.
    mutating func noticeVitalEnd(of index: Int, exit: ExitRecord?) {
        guard self.slots[index].machine.specification.isVital else { return }
        if let exit {
            self.slots[index].vitalEnd = VitalEnd(exit)
        }
        if self.slots[index].machine.hasEndedForGood {
            self.endedVitalSlots.append(index)
        }
    }

    /// Begins the shutdown that follows the end of a vital worker. At the end of each call, when operations that had a part in
    /// it are where it leads them.
    mutating func followVitalEnds(at now: Moment) {
        guard !self.endedVitalSlots.isEmpty else { return }
        let ended = self.endedVitalSlots.first { slot in
            self.slots[slot].isPresent && self.slots[slot].machine.hasEndedForGood
        }
        self.endedVitalSlots.removeAll()
        guard let ended, self.shutdown == nil else { return }
        let id = self.slots[ended].machine.id
        let end = self.slots[ended].vitalEnd
        // Only a damaged history has the end and not its record.
        self.exitStatus = end?.exitStatus ?? 1
        var request = OperationRequest(action: .shutdown, workers: [], requestedBy: Self.requester + id.description)
        request.reason = "\(id) is vital and has ended for good: \(end?.summary ?? "nobody knows how")"
        _ = self.submitShutdown(request, at: now)
    }

    /// Before instances are recovered.
    mutating func recoverVitalEnds(_ lastExits: [ExitRecord]) {
        for exit in lastExits {
            guard let slot = self.slotIndex[exit.instance], self.slots[slot].machine.specification.isVital else {
                continue
            }
            self.slots[slot].vitalEnd = VitalEnd(exit)
        }
    }

    /// Sees to it that the shutdown of the agent before goes on, and knows its code; after operations were resumed.
    mutating func goOnEnding(_ shutdown: Operation?, _ lastExits: [ExitRecord], at now: Moment) {
        if let shutdown, self.shutdown == nil {
            // Not all of its instances are configured any more. The agent is to end nevertheless.
            var request = OperationRequest(action: .shutdown, workers: [], requestedBy: shutdown.requestedBy)
            request.reason = shutdown.reason
            _ = self.submitShutdown(request, at: now)
        }
        guard let requester = self.shutdown.flatMap({ self.operations[$0]?.operation.requestedBy }),
            requester.hasPrefix(Self.requester)
        else { return }
        let name = requester.dropFirst(Self.requester.count)
        let exit = lastExits.last { $0.instance.description == name }
        self.exitStatus = exit?.exitStatus ?? 1
    }
}

extension InstanceStateMachine {
    /// Whether it ended by itself and nothing but a person will start it again.
    var hasEndedForGood: Bool {
        switch self.state {
        case .finished, .failed(retryAt: nil): true
        case .stopped, .spawning, .running, .stopping, .clearing, .backoff, .failed: false
        }
    }
}
