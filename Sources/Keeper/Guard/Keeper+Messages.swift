import CLinux
import Glibc
import LinuxSystem

/// What is said and heard on the socket to the agent.
extension Keeper {
    private static let retryTime = Duration.milliseconds(10)

    func socketReady(_ events: EventLoop.Events) {
        if events.contains(.writable) {
            self.agent?.isBehind = false
            self.watchSocket()
            self.tellAgent()
        }
        self.hear()
    }

    /// Reads what the agent has said.
    private func hear() {
        guard let agent = self.agent else { return }
        if !self.receiveAll(from: agent.socket), let watch = self.agent?.socketWatch {
            // Nobody holds the other end any more. The agent's process is watched still, and its silence will be noticed.
            self.loop.deregister(watch)
            self.agent?.socketWatch = nil
        }
    }

    /// Reads all that the agent has said, however much it is.
    func hearAll() {
        guard let agent = self.agent else { return }
        var watched = pollfd(fd: agent.socket, events: Int16(POLLIN), revents: 0)
        while poll(&watched, 1, 0) == 1, self.receiveAll(from: agent.socket) {}
    }

    /// Reads what there is; `false` at the end of the stream.
    func receiveAll(from socket: Int32) -> Bool {
        guard let start = self.buffer.baseAddress else { return false }
        for _ in 0..<self.messagesInATurn {
            var received = cl_received()
            let result = cl_receive_message(socket, start, UInt32(self.buffer.count), &received)
            guard result > 0 else {
                guard result < 0 else { return false }
                let error = Errno.current
                // Told once, before what the agent had said, when it died without having read all that it was told.
                if error.rawValue == ECONNRESET { continue }
                return error == .wouldBlock
            }
            self.heard(
                UnsafeRawBufferPointer(start: start, count: min(Int(received.length), self.buffer.count)),
                &received
            )
        }
        return true
    }

    private func heard(_ bytes: UnsafeRawBufferPointer, _ received: inout cl_received) {
        do throws(HandoverError) {
            guard received.length <= self.buffer.count else { throw .tooLong }
            let message = try AgentMessage(
                bytes,
                descriptors: received.lost_descriptors == 0 ? Int(received.descriptor_count) : nil
            )
            let body = UnsafeRawBufferPointer(rebasing: bytes[HandoverProtocol.headerLength...])
            switch message {
            case .announce(let outline): self.announced(outline, body, &received)
            case .update(let outline):
                self.updated(outline, body)
                self.heard(message)
            case .bell: self.hangBell(&received)
            default: self.heard(message)
            }
            cl_close_received(&received)
        } catch {
            cl_close_received(&received)
            if case .unknownType(let type) = error {
                self.log.write(.notice, "passes over what a newer agent said", ["type": "\(type)"])
            } else {
                self.log.write(.error, "cannot read what the agent said", ["error": "\(error)"])
            }
        }
    }

    private func announced(
        _ outline: AnnouncementOutline,
        _ body: UnsafeRawBufferPointer,
        _ received: inout cl_received
    ) {
        if let known = self.custody.index(of: outline.run) {
            // Told once more, by the agent itself.
            self.endWatch(known)
            self.custody.remove(known)
        }
        let count = Int(received.descriptor_count)
        let index = withUnsafeBytes(of: &received.descriptors) { raw -> Int? in
            // More only an agent of another build can send.
            guard count <= CustodyTable.pipesPerRun + 1 else { return nil }
            let numbers = raw.assumingMemoryBound(to: Int32.self)
            let pipes = Span(_unsafeElements: UnsafeBufferPointer(rebasing: numbers[min(1, count)..<count]))
            return self.custody.insert(outline, body: body, pidfd: count > 0 ? numbers[0] : -1, pipes: pipes)
        }
        if index != nil {
            // They are the table's.
            received.descriptor_count = 0
        }
        if index == nil || received.lost_descriptors != 0 {
            self.lostAnnouncements &+= 1
            self.log.write(.error, "cannot keep a run", ["run_id": "\(outline.run)"])
        }
    }

    /// Of a run that is not in custody nobody would know what to do with it.
    private func updated(_ outline: AnnouncementOutline, _ body: UnsafeRawBufferPointer) {
        guard let index = self.custody.index(of: outline.run) else { return }
        self.custody.replaceBody(of: index, by: body)
    }

    private func heard(_ message: AgentMessage) {
        self.agent?.lastSign = self.loop.now
        switch message {
        case .hello(let generation): self.greet(generation)
        case .announce, .update, .bell: break
        case .committed(let run): self.commit(run)
        case .forget(let run): self.forget(run)
        case .alive: self.notification?.alive()
        case .ready: self.agentIsReady()
        case .reloading: self.notification?.reloading()
        case .shuttingDown:
            if self.shutdownSignal == 0 {
                self.shutdownSignal = SIGTERM
            }
            self.notification?.stopping()
        case .upgradeRequest: self.prepareUpgrade()
        case .upgradeConfirmed: self.confirmUpgrade()
        case .leaving(let leaving): self.agent?.leaving = leaving
        }
    }

    private func agentIsReady() {
        guard let agent = self.agent else { return }
        self.notification?.ready()
        self.notification?.alive()
        self.notification?.status("The agent with pid \(agent.pid) supervises and answers.")
        guard agent.phase != .ready else { return }
        self.agent?.phase = .ready
        self.wasEverReady = true
        self.previousEnd = .none
        self.log.write(.info, "the agent is ready", ["pid": "\(agent.pid)", "runs": "\(self.custody.count)"])
        if agent.isOnTrial {
            self.observeTrial()
        } else if !self.isUpgradeUnconfirmed {
            self.upgradeNews = .none
        }
    }

    // MARK: Saying

    private func greet(_ generation: Int64) {
        guard let agent = self.agent else { return }
        var welcome = KeeperWelcome(keeperPID: getpid())
        welcome.starts = self.starts
        welcome.isInit = self.isInit
        welcome.shutdownSignal = self.shutdownSignal
        welcome.signIntervalMilliseconds = self.signIntervalMilliseconds
        welcome.lostAnnouncements = self.lostAnnouncements
        welcome.previousEnd = self.previousEnd
        welcome.upgrade = self.upgradeNews
        guard self.send(KeeperMessage.welcome(welcome)) else {
            self.log.write(.error, "cannot greet the agent", ["pid": "\(agent.pid)"])
            return
        }
        self.agent?.phase = .greeted
        self.agent?.cursor = 0
        self.agent?.told = 0
        self.log.write(
            .info,
            "hands over to the agent",
            ["pid": "\(agent.pid)", "generation": "\(generation)", "runs": "\(self.custody.count)"]
        )
        self.tellAgent()
    }

    /// As often as the agent's silence allows, and the service manager's watchdog.
    private var signIntervalMilliseconds: UInt32 {
        let interval = min(self.options.signInterval, self.notification?.watchdogInterval ?? self.options.signInterval)
        let (seconds, attoseconds) = interval.components
        return UInt32(min(3_600_000, max(10, seconds * 1000 + attoseconds / 1_000_000_000_000_000)))
    }

    /// Says all that the agent does not know yet, as far as there is room.
    func tellAgent() {
        guard let agent = self.agent, !agent.isBehind else { return }
        if agent.phase == .greeted {
            // Not without it: its successor would take what is left there for newer than what it writes.
            if let transit = self.transit, !agent.hasTransit {
                guard self.send(KeeperMessage.transit(), transit.descriptors) else { return }
                self.agent?.hasTransit = true
            }
            guard self.tellCustody() else { return }
            self.agent?.phase = .informed
        }
        guard agent.phase.rawValue >= GuardedAgent.Phase.greeted.rawValue else { return }
        for index in 0..<self.custody.end where self.custody[index].isUsed && !self.custody[index].isTold {
            guard self.custody[index].isAdopted, let exit = self.custody[index].exit else { continue }
            guard self.send(KeeperMessage.exited(self.custody[index].run, exit)) else { return }
            self.custody[index].isTold = true
        }
        if self.isUpgradeUnconfirmed, self.agent?.knowsOfUpgrade == false, self.replacementCheck == nil,
            self.send(KeeperMessage.upgradeDone())
        {
            self.agent?.knowsOfUpgrade = true
        }
    }

    /// Every run that is in custody; `false` when there is no room for more now.
    private func tellCustody() -> Bool {
        while let cursor = self.agent?.cursor, cursor < self.custody.end {
            if self.custody[cursor].isUsed {
                guard self.tellRun(cursor) else { return false }
                self.custody[cursor].isTold = true
                self.agent?.told += 1
            }
            self.agent?.cursor += 1
        }
        return self.send(KeeperMessage.custodyEnd(self.agent?.told ?? 0))
    }

    private func tellRun(_ index: Int) -> Bool {
        let slot = self.custody[index]
        var descriptors: [Int32] = slot.pidfd >= 0 ? [slot.pidfd] : []
        for place in 0..<slot.pipeCount {
            descriptors.append(slot.pipes[place])
        }
        let message = KeeperMessage.custody(
            exit: slot.exit,
            isCommitted: slot.isCommitted,
            hasProcess: slot.pidfd >= 0,
            pipeCount: UInt8(slot.pipeCount),
            announcement: self.custody.body(of: index)
        )
        return self.send(message, descriptors)
    }

    /// `false` when it could not be sent now; then it is tried again as soon as there is room.
    func send(_ message: [UInt8], _ descriptors: [Int32] = []) -> Bool {
        guard let agent = self.agent else { return false }
        guard cl_send_message(agent.socket, message, UInt32(message.count), descriptors, UInt32(descriptors.count)) != 0
        else { return true }
        let error = Errno.current
        self.agent?.isBehind = true
        if error == .wouldBlock {
            self.watchSocket()
        } else if error.rawValue != EPIPE, error.rawValue != ECONNRESET {
            // ETOOMANYREFS: descriptors on their way count, and the agent takes them out by reading. EPIPE: it is dying.
            self.retryTelling = self.loop.schedule(at: .now.advanced(by: Self.retryTime)) { [unowned self] in
                self.retryTelling = nil
                self.agent?.isBehind = false
                self.tellAgent()
            }
        }
        return false
    }

    func watchSocket() {
        guard let agent = self.agent, let watch = agent.socketWatch else { return }
        var events: EventLoop.Events = agent.bellWatch == nil ? .readable : []
        if agent.isBehind {
            events.insert(.writable)
        }
        try? self.loop.modify(watch, for: events)
    }

    // MARK: The bell

    /// A process that tells of itself is about to become a worker's program: to wake the keeper for that would take a processor
    /// from it. So the agent rings a millisecond later, once for many of them.
    private func hangBell(_ received: inout cl_received) {
        guard received.lost_descriptors == 0, self.agent?.bell == -1 else { return }
        received.descriptor_count = 0
        self.agent?.bell = received.descriptors.0
        self.watchBell()
        self.watchSocket()
    }

    func watchBell() {
        guard let bell = self.agent?.bell, bell >= 0 else { return }
        // Each ring is an edge. Without a watch the socket is watched as before.
        self.agent?.bellWatch = try? self.loop.register(bell, for: [.readable, .edgeTriggered]) { [unowned self] _ in
            // All, because it is rung for once.
            self.hearAll()
        }
    }
}
